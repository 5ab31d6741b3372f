//! How tests of account formats read bytes.

use std::io::Cursor;

use schwabot::import::ReadError;
use schwabot::import::accounts::{
    AccountFormat, AccountHead, AccountOptions, BustRow, EntryRow, FillRow, Notice, NoticeKind,
    Told, TripRow,
};

/// All that a file told.
#[derive(Debug, Default)]
pub(crate) struct Read {
    pub(crate) fills: Vec<FillRow>,
    pub(crate) busts: Vec<BustRow>,
    pub(crate) trips: Vec<TripRow>,
    pub(crate) entries: Vec<EntryRow>,
    pub(crate) notices: Vec<Notice>,
    /// Rows that could not be taken, in words.
    pub(crate) bad: Vec<String>,
}

impl Read {
    /// The words of the notices of one kind.
    pub(crate) fn said(&self, kind: NoticeKind) -> Vec<&str> {
        let of_kind = self.notices.iter().filter(|notice| notice.kind == kind);
        of_kind.map(|notice| notice.what.as_str()).collect()
    }
}

/// The format that these bytes have.
pub(crate) fn detected(bytes: &[u8]) -> Option<AccountFormat> {
    let head = &bytes[..bytes.len().min(64 << 10)];
    let head = AccountHead { stored: head, text: head, members: &[] };
    let mut found = AccountFormat::ALL.into_iter().filter(|format| format.recognises(&head));
    let first = found.next();
    assert_eq!(found.next(), None, "one format, or none");
    first
}

pub(crate) fn options() -> AccountOptions {
    AccountOptions { stem: "BTC→ETH_bit4".to_owned(), utc_offset: None }
}

pub(crate) fn read_as(
    format: AccountFormat,
    bytes: &[u8],
    options: &AccountOptions,
) -> Result<Read, ReadError> {
    let mut rows = format.open(Box::new(Cursor::new(bytes.to_vec())), options)?;
    let mut read = Read::default();
    while let Some(told) = rows.next()? {
        match told {
            Told::Fill(fill) => read.fills.push(*fill),
            Told::Bust(bust) => read.busts.push(*bust),
            Told::Trip(trip) => read.trips.push(*trip),
            Told::Entry(entry) => read.entries.push(*entry),
            Told::Notice(notice) => read.notices.push(notice),
            Told::Bad { fault, .. } => read.bad.push(fault.to_string()),
        }
    }
    Ok(read)
}

/// Reads bytes as what they are found to be, which must be this; no row may be bad.
#[track_caller]
pub(crate) fn read(format: AccountFormat, text: impl AsRef<[u8]>) -> Read {
    assert_eq!(detected(text.as_ref()), Some(format));
    let read = read_as(format, text.as_ref(), &options()).unwrap();
    assert_eq!(read.bad, [""; 0]);
    read
}

/// Reads bytes of which something cannot be taken, and returns the words of the first error.
#[track_caller]
pub(crate) fn refused(format: AccountFormat, text: impl AsRef<[u8]>) -> String {
    match read_as(format, text.as_ref(), &options()) {
        Ok(read) => read.bad.first().unwrap().clone(),
        Err(error) => error.to_string(),
    }
}

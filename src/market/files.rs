//! Files as they are stored: plain, gzip or zip, recognised by their first bytes.
//!
//! A data file is read twice. The first pass takes the digest that goes into the ledger; the
//! second streams the rows and takes the digest again, so that a run can never rest on bytes other
//! than those it recorded: a file that changed in between ends the run.
//!
//! Invariants: memory does not depend on the length of the file. A compressed file may unpack to
//! at most [`UNPACK_RATIO_MAX`] bytes for each stored byte (candle files reach about 10), and a
//! zip must hold exactly one file, whose length and CRC are checked.

use std::fs::{self, File};
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use flate2::Crc;
use flate2::bufread::{DeflateDecoder, MultiGzDecoder};

use super::error::SourceError;
use crate::hash::{Digest, FileHasher};

/// Unpacked bytes that are accepted for each stored byte, once there are 4 MiB of them.
pub const UNPACK_RATIO_MAX: u64 = 250;
/// Unpacked bytes below which the ratio is not looked at.
const UNPACK_FREE: u64 = 4 << 20;
/// Entries of a zip above which its directory is not even read.
const ZIP_ENTRIES_MAX: u16 = 64;
const BUFFER: usize = 128 << 10;
const GZIP_MAGIC: [u8; 3] = [0x1f, 0x8b, 0x08];
const ZIP_MAGIC: [u8; 4] = *b"PK\x03\x04";
const ZIP_EMPTY_MAGIC: [u8; 4] = *b"PK\x05\x06";

/// What a file's stored bytes are: their number and their SHA-256.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fingerprint {
    /// SHA-256 of the file as stored.
    pub digest: Digest,
    /// Length of the file as stored.
    pub bytes: u64,
}

/// Reads the whole file once and returns the length and digest of its stored bytes.
///
/// # Errors
/// [`SourceError::Io`] and [`SourceError::NotAFile`].
///
/// # Examples
/// ```
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("a.csv");
/// std::fs::write(&path, "abc")?;
/// let (bytes, digest) = schwabot::market::file_digest(&path)?;
/// assert_eq!(bytes, 3);
/// assert_eq!(digest.short(), "ba7816bf8f01cfea");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn file_digest(path: &Path) -> Result<(u64, Digest), SourceError> {
    let mut stored = Stored::open(path)?;
    stored.drain().map_err(|source| SourceError::Io { file: path.to_owned(), source })?;
    let found = stored.fingerprint();
    Ok((found.bytes, found.digest))
}

/// Reads up to so many stored bytes of a file at once, with their length and digest: what is read
/// is what is hashed.
pub(crate) fn read_stored(path: &Path, max: u64) -> Result<(Vec<u8>, Fingerprint), SourceError> {
    let mut stored = Stored::open(path)?;
    let mut bytes = Vec::new();
    let read = (&mut stored).take(max).read_to_end(&mut bytes);
    read.map_err(|source| SourceError::Io { file: path.to_owned(), source })?;
    Ok((bytes, stored.fingerprint()))
}

/// The stored bytes, hashed and counted as they pass.
struct Stored {
    file: File,
    hasher: FileHasher,
    bytes: u64,
}

impl Stored {
    fn open(path: &Path) -> Result<Self, SourceError> {
        let io_error = |source| SourceError::Io { file: path.to_owned(), source };
        // Asked before opening: opening a pipe would wait for its other end.
        if !fs::metadata(path).map_err(io_error)?.is_file() {
            return Err(SourceError::NotAFile { file: path.to_owned() });
        }
        let file = File::open(path).map_err(io_error)?;
        Ok(Self { file, hasher: FileHasher::default(), bytes: 0 })
    }

    fn drain(&mut self) -> io::Result<()> {
        let mut buffer = vec![0; BUFFER];
        while self.read(&mut buffer)? > 0 {}
        Ok(())
    }

    fn fingerprint(&self) -> Fingerprint {
        Fingerprint { bytes: self.bytes, digest: self.hasher.clone().finish() }
    }
}

impl Read for Stored {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = loop {
            match self.file.read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other?,
            }
        };
        self.hasher.update(&buffer[..count]);
        self.bytes += count as u64;
        Ok(count)
    }
}

/// Returns the name of the one file inside a zip, without folders; none for a file that is no zip.
pub(crate) fn member_name(path: &Path) -> Result<Option<String>, SourceError> {
    let io_error = |source| SourceError::Io { file: path.to_owned(), source };
    let mut stored = Stored::open(path)?;
    let mut magic = Vec::new();
    (&mut stored.file).take(4).read_to_end(&mut magic).map_err(io_error)?;
    if magic != ZIP_MAGIC {
        return Ok(None);
    }
    let unpack = |reason| SourceError::Unpack { file: path.to_owned(), reason };
    Ok(Some(find_member(&mut stored.file, None).map_err(unpack)?.name))
}

/// Returns the names of all that is inside a zip, bounded in number.
pub(crate) fn member_names(path: &Path) -> Result<Vec<String>, SourceError> {
    let mut stored = Stored::open(path)?;
    let names = |file: &mut File| {
        let declared = declared_entries(file).map_err(|error| error.to_string())?;
        if declared > ZIP_ENTRIES_MAX {
            return Err(format!("the zip holds {declared} files"));
        }
        let archive = zip::ZipArchive::new(file).map_err(|error| error.to_string())?;
        let names = archive.file_names();
        names
            .map(|name| name.map(std::borrow::Cow::into_owned).map_err(|e| e.to_string()))
            .collect()
    };
    let unpack = |reason| SourceError::Unpack { file: path.to_owned(), reason };
    names(&mut stored.file).map_err(unpack)
}

/// The one file inside a zip.
struct Member {
    name: String,
    /// Where its data begins in the zip.
    start: u64,
    stored_bytes: u64,
    bytes: u64,
    crc: u32,
    deflated: bool,
}

/// Reads a zip's directory and finds its one file, or the one with this whole name.
fn find_member(file: &mut File, wanted: Option<&str>) -> Result<Member, String> {
    let declared = declared_entries(file).map_err(|error| error.to_string())?;
    if declared > ZIP_ENTRIES_MAX {
        return Err("the zip must hold exactly one file, and holds many".to_owned());
    }
    let mut archive = zip::ZipArchive::new(&mut *file).map_err(|error| error.to_string())?;
    // The directory is kept by name: two entries of one name would look like one.
    if archive.len() != usize::from(declared) {
        return Err("two entries of the zip have the same name".to_owned());
    }
    let mut found = None;
    for index in 0..archive.len() {
        let entry = archive.by_index_raw(index).map_err(|error| error.to_string())?;
        // Folders, and the resource forks that one operating system adds, hold no data.
        if entry.name_raw().ends_with(b"/") || entry.name_raw().starts_with(b"__MACOSX/") {
            continue;
        }
        if wanted.is_some_and(|wanted| entry.name_raw() != wanted.as_bytes()) {
            continue;
        }
        if found.is_some() {
            return Err("the zip must hold exactly one file, and holds several".to_owned());
        }
        if entry.encrypted() {
            return Err("the file in the zip is encrypted".to_owned());
        }
        let deflated = match entry.compression() {
            zip::CompressionMethod::Stored => false,
            zip::CompressionMethod::Deflated => true,
            other => return Err(format!("compression {other:?} is not supported")),
        };
        let start = entry.data_start().ok_or("the zip's file has no beginning")?;
        let (stored_bytes, bytes) = (entry.compressed_size(), entry.size());
        let name = String::from_utf8_lossy(entry.name_raw());
        let name = name.rsplit('/').next().unwrap_or_default().to_owned();
        found = Some(Member { name, start, stored_bytes, bytes, crc: entry.crc32(), deflated });
    }
    found.ok_or_else(|| "the zip must hold exactly one file, and holds none".to_owned())
}

/// Returns the number of entries from the record at the end of a zip, which is bounded, before
/// anything as long as the directory is read.
fn declared_entries(file: &mut File) -> io::Result<u16> {
    const RECORD: usize = 22;
    let length = file.seek(SeekFrom::End(0))?;
    let tail = length.min(RECORD as u64 + u64::from(u16::MAX));
    file.seek(SeekFrom::Start(length - tail))?;
    let mut bytes = Vec::new();
    file.take(tail).read_to_end(&mut bytes)?;
    let record = bytes.windows(RECORD).rev().find(|window| window.starts_with(&ZIP_EMPTY_MAGIC));
    let record = record.ok_or_else(|| {
        io::Error::new(io::ErrorKind::InvalidData, "the zip has no end: it was cut")
    })?;
    Ok(u16::from_le_bytes([record[10], record[11]]))
}

enum Packing {
    Plain(Stored),
    Gzip(Box<MultiGzDecoder<BufReader<Stored>>>),
    Stored(io::Take<Stored>),
    Deflate(Box<DeflateDecoder<BufReader<io::Take<Stored>>>>),
}

impl Packing {
    fn stored(&self) -> &Stored {
        match self {
            Self::Plain(stored) => stored,
            Self::Gzip(decoder) => decoder.get_ref().get_ref(),
            Self::Stored(take) => take.get_ref(),
            Self::Deflate(decoder) => decoder.get_ref().get_ref().get_ref(),
        }
    }

    fn into_stored(self) -> Stored {
        match self {
            Self::Plain(stored) => stored,
            Self::Gzip(decoder) => decoder.into_inner().into_inner(),
            Self::Stored(take) => take.into_inner(),
            Self::Deflate(decoder) => decoder.into_inner().into_inner().into_inner(),
        }
    }
}

/// Length and CRC that a zip promises for its file.
struct Promise {
    bytes: u64,
    crc: u32,
    seen: Crc,
}

/// The text inside a data file, unpacked as it is read.
pub(crate) struct Unpacked {
    packing: Packing,
    promise: Option<Promise>,
    bytes: u64,
}

/// Marks the error of a file that unpacks to too much.
#[derive(Debug, thiserror::Error)]
#[error("unpacks to too much")]
struct TooMuch;

impl Unpacked {
    /// Whether a file is a zip.
    pub(crate) fn is_zip(path: &Path) -> Result<bool, SourceError> {
        let mut stored = Stored::open(path)?;
        let mut magic = Vec::new();
        let read = (&mut stored.file).take(4).read_to_end(&mut magic);
        read.map_err(|source| SourceError::Io { file: path.to_owned(), source })?;
        Ok(magic == ZIP_MAGIC || magic == ZIP_EMPTY_MAGIC)
    }

    /// Opens a data file and recognises how it is packed.
    pub(crate) fn open(path: &Path) -> Result<Self, SourceError> {
        Self::open_inside(path, None)
    }

    /// Likewise; of a zip with several files the one with this whole name.
    pub(crate) fn open_inside(path: &Path, member: Option<&str>) -> Result<Self, SourceError> {
        let io_error = |source| SourceError::Io { file: path.to_owned(), source };
        let mut stored = Stored::open(path)?;
        let mut magic = Vec::new();
        (&mut stored.file).take(4).read_to_end(&mut magic).map_err(io_error)?;
        let member = if magic == ZIP_MAGIC || magic == ZIP_EMPTY_MAGIC {
            let unpack = |reason| SourceError::Unpack { file: path.to_owned(), reason };
            Some(find_member(&mut stored.file, member).map_err(unpack)?)
        } else {
            None
        };
        stored.file.rewind().map_err(io_error)?;
        let (packing, promise) = match member {
            Some(member) => {
                io::copy(&mut (&mut stored).take(member.start), &mut io::sink())
                    .map_err(io_error)?;
                let data = stored.take(member.stored_bytes);
                let packing = if member.deflated {
                    let buffered = BufReader::with_capacity(BUFFER, data);
                    Packing::Deflate(Box::new(DeflateDecoder::new(buffered)))
                } else {
                    Packing::Stored(data)
                };
                let Member { bytes, crc, .. } = member;
                (packing, Some(Promise { bytes, crc, seen: Crc::new() }))
            }
            None if magic.starts_with(&GZIP_MAGIC) => {
                let buffered = BufReader::with_capacity(BUFFER, stored);
                (Packing::Gzip(Box::new(MultiGzDecoder::new(buffered))), None)
            }
            None => (Packing::Plain(stored), None),
        };
        Ok(Self { packing, promise, bytes: 0 })
    }

    /// Reads what is left of the stored file and returns what all of it was.
    pub(crate) fn finish(self) -> io::Result<Fingerprint> {
        let mut stored = self.packing.into_stored();
        stored.drain()?;
        Ok(stored.fingerprint())
    }

    fn check_end(&self) -> io::Result<()> {
        let kept = self
            .promise
            .as_ref()
            .is_none_or(|promise| promise.bytes == self.bytes && promise.crc == promise.seen.sum());
        if kept {
            Ok(())
        } else {
            Err(io::Error::new(io::ErrorKind::InvalidData, "length or CRC do not match"))
        }
    }
}

impl Read for Unpacked {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = match &mut self.packing {
            // No unpacking, so nothing below can be wrong.
            Packing::Plain(stored) => return stored.read(buffer),
            Packing::Gzip(decoder) => decoder.read(buffer)?,
            Packing::Stored(data) => data.read(buffer)?,
            Packing::Deflate(decoder) => decoder.read(buffer)?,
        };
        if count == 0 && !buffer.is_empty() {
            self.check_end()?;
        }
        if let Some(promise) = &mut self.promise {
            promise.seen.update(&buffer[..count]);
        }
        self.bytes += count as u64;
        let stored = self.packing.stored().bytes;
        if self.bytes > UNPACK_FREE && self.bytes / UNPACK_RATIO_MAX > stored {
            return Err(io::Error::other(TooMuch));
        }
        Ok(count)
    }
}

/// Tells apart what the system refused and what the unpacker found.
pub(crate) fn read_error(file: &Path, error: io::Error) -> SourceError {
    let file = file.to_owned();
    if error.get_ref().is_some_and(<dyn std::error::Error + Send + Sync>::is::<TooMuch>) {
        return SourceError::Bomb { file, ratio: UNPACK_RATIO_MAX };
    }
    match error.kind() {
        io::ErrorKind::UnexpectedEof => {
            SourceError::Unpack { file, reason: "it was cut: its end is missing".to_owned() }
        }
        io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => {
            SourceError::Unpack { file, reason: error.to_string() }
        }
        _ => SourceError::Io { file, source: error },
    }
}

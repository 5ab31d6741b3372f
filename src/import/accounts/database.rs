//! SQLite files, read and never touched: a table at a time, a few rows at a time.
//!
//! A file is opened read-only and immutable, so that neither it nor its folder changes. It is
//! somebody else's, so nothing in it is trusted: a table must be a table (no view, nothing
//! virtual), no schema's function is run, no value may be longer than [`VALUE_MAX`], and the whole
//! file is checked before the first row. What stands in a write-ahead log or a journal beside it
//! is not in the file: then it is refused.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};

use rusqlite::limits::Limit;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags};

use super::named::Named;
use super::rows::{WORD_MAX, quote};
use crate::import::{Fault, ReadError};
use crate::signals::shortest_float_text;

/// The longest value, and the longest row, in bytes.
const VALUE_MAX: i32 = 64 << 10;
/// Rows that are held at once.
const PAGE: usize = 64;

/// Opens a database; nothing beside it is made.
pub(super) fn connect(path: &Path) -> Result<Connection, ReadError> {
    for (ending, what) in
        [("-wal", "changes that are not in the file yet"), ("-journal", "a journal")]
    {
        let mut name = path.as_os_str().to_owned();
        name.push(ending);
        let beside = PathBuf::from(name);
        if std::fs::metadata(&beside).is_ok_and(|beside| beside.len() > 0) {
            let name = beside.file_name().unwrap_or_default().to_string_lossy().into_owned();
            return Err(ReadError::Database(format!(
                "{} beside it holds {what}: stop the bot, or import a copy that SQLite's own \
                 `.backup` made",
                quote(&name)
            )));
        }
    }
    let whole = std::fs::canonicalize(path)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_URI
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(uri(&whole), flags)?;
    connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, VALUE_MAX)?;
    connection.set_limit(Limit::SQLITE_LIMIT_ATTACHED, 0)?;
    connection.execute_batch(
        "PRAGMA trusted_schema = OFF; PRAGMA query_only = ON; PRAGMA cell_size_check = ON; \
             PRAGMA mmap_size = 0; PRAGMA cache_size = -2048; PRAGMA temp_store = MEMORY;",
    )?;
    let check: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if check != "ok" {
        return Err(ReadError::Database(format!("the database is damaged: {}", quote(&check))));
    }
    Ok(connection)
}

/// The name under which SQLite opens a file read-only and as one that nobody changes.
fn uri(path: &Path) -> String {
    let mut uri = String::from("file:");
    for byte in path.as_os_str().as_encoded_bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'.' | b'-' | b'_') {
            uri.push(char::from(*byte));
        } else {
            uri.push_str(&format!("%{byte:02X}"));
        }
    }
    uri.push_str("?mode=ro&immutable=1");
    uri
}

impl From<rusqlite::Error> for ReadError {
    fn from(error: rusqlite::Error) -> Self {
        let words: String = error.to_string().chars().flat_map(char::escape_default).collect();
        Self::Database(format!("the database cannot be read: {words}"))
    }
}

/// The names of a table's columns; none where there is no such table.
///
/// # Errors
/// Where something else has the name.
pub(super) fn columns_of(
    connection: &Connection,
    table: &str,
) -> Result<Option<Vec<String>>, ReadError> {
    let mut kinds = connection
        .prepare("SELECT type FROM pragma_table_list WHERE schema = 'main' AND name = ?1")?;
    let kind = kinds.query_row([table], |row| row.get::<_, String>(0));
    match kind {
        Err(rusqlite::Error::QueryReturnedNoRows) => return Ok(None),
        Err(error) => return Err(error.into()),
        Ok(kind) if kind == "table" => {}
        Ok(kind) => {
            let reason = format!("{} is no table but a {kind}", quote(table));
            return Err(ReadError::Database(reason));
        }
    }
    let mut names = connection.prepare("SELECT name FROM pragma_table_info(?1)")?;
    let names = names.query_map([table], |row| row.get(0))?;
    Ok(Some(names.collect::<Result<_, _>>()?))
}

/// Some columns of a table, in the order of its row numbers.
pub(super) struct TableReader {
    /// Their names, and their places in the table from one.
    columns: Vec<(&'static str, u64)>,
    query: String,
    after: Option<i64>,
    page: VecDeque<TableRow>,
}

impl TableReader {
    /// Reads those of these columns that the table has.
    pub(super) fn new(table: &str, there: &[String], wanted: &[&'static str]) -> Self {
        let place = |name: &&'static str| {
            let found = (1..).zip(there).find(|(_, own)| own == name);
            found.map(|(place, _)| (*name, place))
        };
        let columns: Vec<(&'static str, u64)> = wanted.iter().filter_map(place).collect();
        let list: String = columns.iter().map(|(name, _)| format!(", \"{name}\"")).collect();
        let query = format!(
            "SELECT rowid{list} FROM main.\"{table}\" WHERE rowid > ?1 ORDER BY rowid LIMIT {PAGE}"
        );
        Self { columns, query, after: Some(i64::MIN), page: VecDeque::new() }
    }

    /// Returns the next row.
    pub(super) fn next(&mut self, connection: &Connection) -> Result<Option<TableRow>, ReadError> {
        if self.page.is_empty()
            && let Some(after) = self.after
        {
            let mut statement = connection.prepare(&self.query)?;
            let mut rows = statement.query([after])?;
            while let Some(row) = rows.next()? {
                let id = row.get(0)?;
                let mut values = Vec::new();
                for (at, (name, place)) in (1..).zip(&self.columns) {
                    let value = row.get_ref(at)?;
                    values.push((*name, *place, value_of(value, (id, *place), name)?));
                }
                self.page.push_back(TableRow { id, values });
            }
            self.after = self.page.back().map(|row| row.id);
        }
        Ok(self.page.pop_front())
    }
}

/// A value: its text, and whether it is a binary float.
#[derive(Debug, Clone)]
struct Value {
    text: String,
    float: bool,
}

fn value_of(
    value: ValueRef<'_>,
    (id, place): (i64, u64),
    name: &'static str,
) -> Result<Option<Value>, ReadError> {
    let bad = |reason: &str| Fault::placed((number_of(id), place), name, reason);
    let (text, float) = match value {
        ValueRef::Null => return Ok(None),
        ValueRef::Integer(number) => (number.to_string(), false),
        ValueRef::Real(number) => {
            let text = shortest_float_text(number.to_bits());
            (text.ok_or_else(|| bad("is no finite number"))?, true)
        }
        ValueRef::Text(text) => {
            let text = std::str::from_utf8(text).map_err(|_| bad("is no UTF-8"))?;
            (text.to_owned(), false)
        }
        ValueRef::Blob(_) => return Err(bad("holds bytes instead of a value").into()),
    };
    Ok(Some(Value { text, float }))
}

fn number_of(id: i64) -> u64 {
    u64::try_from(id).unwrap_or(0)
}

/// A row of a table.
#[derive(Debug)]
pub(super) struct TableRow {
    id: i64,
    values: Vec<(&'static str, u64, Option<Value>)>,
}

impl TableRow {
    /// Its number in the table.
    pub(super) fn id(&self) -> i64 {
        self.id
    }

    /// Its number as errors and records say it.
    pub(super) fn row(&self) -> u64 {
        number_of(self.id)
    }

    fn value(&self, name: &str) -> Option<&Value> {
        self.values.iter().find(|(own, ..)| *own == name).and_then(|(_, _, value)| value.as_ref())
    }

    /// Whether a value is a binary float.
    pub(super) fn is_float(&self, name: &str) -> bool {
        self.value(name).is_some_and(|value| value.float)
    }

    /// Reads a truth value.
    pub(super) fn flag(&self, name: &'static str) -> Result<bool, Fault> {
        match self.text(name)?.as_deref() {
            None | Some("0") => Ok(false),
            Some("1") => Ok(true),
            Some(other) => Err(self.fault(name, format!("{} is no yes or no", quote(other)))),
        }
    }
}

impl Named for TableRow {
    fn fault(&self, name: &'static str, reason: impl Into<String>) -> Fault {
        let found = self.values.iter().find(|(own, ..)| *own == name);
        Fault::placed((self.row(), found.map_or(0, |(_, place, _)| *place)), name, reason)
    }

    // Returns what a column says; none where it is absent, `NULL` or empty.
    fn text(&self, name: &'static str) -> Result<Option<String>, Fault> {
        match self.value(name) {
            Some(value) if value.text.len() > WORD_MAX => {
                Err(self.fault(name, format!("longer than {WORD_MAX} bytes")))
            }
            value => Ok(value.map(|value| value.text.clone()).filter(|text| !text.is_empty())),
        }
    }
}

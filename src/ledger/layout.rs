//! The files of a ledger: its identity, its segments, and the spare.
//!
//! ```text
//! LEDGER/
//!   ledger.id               identity and application; written once
//!   lock                    held by the one writer for its life
//!   segments/000000000000.seg ...   the only truth
//!   segments/next           the spare; read only where its header continues a last SEAL
//!   segments/000000000000.seg.zst   in place of an ended segment: the same bytes, packed
//!   segments/*.idx          sparse index; derived
//!   snapshots/*.snap        worlds at state roots; derived
//!   checkpoint, checkpoints/*.note   signed notes: the newest, and all there were
//!   tile/...                hashes of the tree; derived
//!   backup                  only in a backup: nobody appends to it
//!   restoring               only while a ledger is being restored there
//! ```

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use super::disk::{Access, Disk, ended_early};
use super::error::{LedgerError, at};
use super::packed::stored_index_of;
use super::segment::{
    LedgerId, SEGMENT_HEADER_BYTES, SEGMENT_HEADER_BYTES_MAX, SegmentError, SegmentHeader,
    file_name,
};
use super::walk::SegmentFile;
use crate::event::ApplicationId;
use crate::merkle::tile::Tile;
use crate::time::Timestamp;

/// Name of the file that makes a directory a backup.
pub const BACKUP_MARK: &str = "backup";
/// Bytes of the longest snapshot that is written or read: a longer one is none.
pub const SNAPSHOT_BYTES_MAX: usize = 1 << 30;
/// How the name of a snapshot ends.
pub const SNAPSHOT_SUFFIX: &str = ".snap";
/// Bytes of `ledger.id`.
pub const IDENTITY_BYTES: usize = 64;
/// The first eight bytes of `ledger.id`.
pub const IDENTITY_MAGIC: [u8; 8] = *b"\x89SWBID\r\n";
const IDENTITY_VERSION: u16 = 1;

/// The fields of `ledger.id` as (name, offset, bytes), the same as in `FORMAT.md`.
pub const IDENTITY_LAYOUT: &[(&str, usize, usize)] = &[
    ("magic", 0, 8),
    ("checksum", 8, 4),
    ("version", 12, 2),
    ("reserved", 14, 2),
    ("ledger id", 16, 16),
    ("application id", 32, 16),
    ("creation time", 48, 8),
    ("reserved", 56, 8),
];

/// What `ledger.id` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity {
    /// The ledger's name.
    pub ledger: LedgerId,
    /// The program whose events it holds.
    pub application: ApplicationId,
    /// When it was made, by the wall clock.
    pub created: Timestamp,
}

/// Why `ledger.id` cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IdentityError {
    /// The bytes are not what was written.
    #[error("ledger.id is lost or damaged")]
    Damaged,
    /// A later version.
    #[error("ledger.id has version {0}; this program reads version 1")]
    Unsupported(u16),
}

impl Identity {
    /// Returns the file's bytes.
    #[must_use]
    pub fn encode(&self) -> [u8; IDENTITY_BYTES] {
        let mut bytes = [0; IDENTITY_BYTES];
        bytes[..8].copy_from_slice(&IDENTITY_MAGIC);
        bytes[12..14].copy_from_slice(&IDENTITY_VERSION.to_le_bytes());
        bytes[16..32].copy_from_slice(&self.ledger);
        bytes[32..48].copy_from_slice(&self.application);
        bytes[48..56].copy_from_slice(&self.created.nanos().to_le_bytes());
        let checksum = crc32c::crc32c(&bytes[12..]);
        bytes[8..12].copy_from_slice(&checksum.to_le_bytes());
        bytes
    }

    /// Reads the file's bytes.
    ///
    /// # Errors
    /// [`IdentityError`]; damage is told before a version that is too new.
    pub fn decode(bytes: &[u8]) -> Result<Self, IdentityError> {
        let bytes: &[u8; IDENTITY_BYTES] = bytes.try_into().map_err(|_| IdentityError::Damaged)?;
        let field = |offset: usize| -> [u8; 16] {
            let mut out = [0; 16];
            out.copy_from_slice(&bytes[offset..offset + 16]);
            out
        };
        let checksum = u32::from_le_bytes([bytes[8], bytes[9], bytes[10], bytes[11]]);
        if bytes[..8] != IDENTITY_MAGIC || checksum != crc32c::crc32c(&bytes[12..]) {
            return Err(IdentityError::Damaged);
        }
        let version = u16::from_le_bytes([bytes[12], bytes[13]]);
        if version != IDENTITY_VERSION {
            return Err(IdentityError::Unsupported(version));
        }
        let mut created = [0; 8];
        created.copy_from_slice(&bytes[48..56]);
        Ok(Self {
            ledger: field(16),
            application: field(32),
            created: Timestamp::from_nanos(i64::from_le_bytes(created)),
        })
    }
}

/// What a segment tells of its ledger, where `ledger.id` cannot; `created` is the segment's own.
impl From<&SegmentHeader> for Identity {
    fn from(header: &SegmentHeader) -> Self {
        let SegmentHeader { ledger, application, created, .. } = *header;
        Self { ledger, application, created }
    }
}

/// Where a ledger is, for what is kept beside it.
#[derive(Clone, Copy)]
pub struct LedgerPlace<'a> {
    /// The storage.
    pub disk: &'a dyn Disk,
    /// The paths.
    pub layout: &'a Layout,
    /// The ledger's name.
    pub ledger: LedgerId,
}

/// The paths of a ledger.
#[derive(Debug, Clone)]
pub struct Layout {
    root: PathBuf,
}

impl Layout {
    /// Names the files of the ledger at `root`.
    #[must_use]
    pub fn new(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    /// The ledger's directory.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Its identity.
    #[must_use]
    pub fn identity(&self) -> PathBuf {
        self.root.join("ledger.id")
    }

    /// The writer's lock.
    #[must_use]
    pub fn lock(&self) -> PathBuf {
        self.root.join("lock")
    }

    /// The directory of segments.
    #[must_use]
    pub fn segments(&self) -> PathBuf {
        self.root.join("segments")
    }

    /// Where that directory is made ready.
    #[must_use]
    pub fn segments_new(&self) -> PathBuf {
        self.root.join("segments.new")
    }

    /// One segment.
    #[must_use]
    pub fn segment(&self, index: u64) -> PathBuf {
        self.segments().join(file_name(index))
    }

    /// A segment's sparse index.
    #[must_use]
    pub fn index(&self, index: u64) -> PathBuf {
        self.segment(index).with_extension("idx")
    }

    /// Returns the folder of snapshots.
    #[must_use]
    pub fn snapshots(&self) -> PathBuf {
        self.root.join("snapshots")
    }

    /// The newest signed note.
    #[must_use]
    pub fn checkpoint(&self) -> PathBuf {
        self.root.join("checkpoint")
    }

    /// The folder of all signed notes.
    #[must_use]
    pub fn checkpoints(&self) -> PathBuf {
        self.root.join("checkpoints")
    }

    /// The folder of the tree's tiles.
    #[must_use]
    pub fn tiles(&self) -> PathBuf {
        self.root.join("tile")
    }

    /// A tile of the tree, by its path below the ledger.
    #[must_use]
    pub fn tile(&self, tile: &Tile) -> PathBuf {
        self.root.join(tile.path())
    }

    /// What says that this is a backup, to which nobody appends.
    #[must_use]
    pub fn backup_mark(&self) -> PathBuf {
        self.root.join(BACKUP_MARK)
    }

    /// The spare segment.
    #[must_use]
    pub fn spare(&self) -> PathBuf {
        self.segments().join("next")
    }
}

/// A segment as its name, length and first bytes tell it.
#[derive(Debug, Clone)]
pub struct Listed {
    /// The index in its name.
    pub index: u64,
    /// The file's length; of a packed one, the original's.
    pub bytes: u64,
    /// What it takes on the disk, where it is packed.
    pub packed_bytes: Option<u64>,
    /// Its header, or why it has none.
    pub header: Result<SegmentHeader, SegmentError>,
}

/// What lies in a ledger's directory, read without judging it.
#[derive(Debug, Clone)]
pub struct Listing {
    /// What `ledger.id` says, or why it cannot be used.
    pub identity: Result<Identity, IdentityError>,
    /// False for a ledger that never got its first segment.
    pub has_segments_dir: bool,
    /// The segments, sorted by index; an index may be missing.
    pub segments: Vec<Listed>,
    /// The spare's header, where it has a whole one.
    pub spare: Option<SegmentHeader>,
}

impl Listing {
    /// Reads the directory of a ledger. Creates and changes nothing.
    ///
    /// # Errors
    /// [`LedgerError::NotALedger`] and [`LedgerError::Io`].
    pub fn read(disk: &dyn Disk, layout: &Layout) -> Result<Self, LedgerError> {
        let path = layout.identity();
        let identity = match read_start(disk, &path, IDENTITY_BYTES + 1) {
            Ok((bytes, _)) => Identity::decode(&bytes),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Self::without_identity(disk, layout);
            }
            Err(error) => return Err(at("read", &path)(error)),
        };
        Self::read_segments(disk, layout, identity)
    }

    /// Segments without an identity are a damaged ledger; nothing at all is none.
    fn without_identity(disk: &dyn Disk, layout: &Layout) -> Result<Self, LedgerError> {
        match disk.list(&layout.segments()) {
            Ok(_) => Self::read_segments(disk, layout, Err(IdentityError::Damaged)),
            Err(_) => Err(LedgerError::NotALedger { path: layout.root().to_owned() }),
        }
    }

    fn read_segments(
        disk: &dyn Disk,
        layout: &Layout,
        identity: Result<Identity, IdentityError>,
    ) -> Result<Self, LedgerError> {
        let dir = layout.segments();
        let names = match disk.list(&dir) {
            Ok(names) => names,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Self {
                    identity,
                    has_segments_dir: false,
                    segments: Vec::new(),
                    spare: None,
                });
            }
            Err(error) => return Err(at("list", &dir)(error)),
        };
        let mut segments = Vec::new();
        let indexes = names.iter().filter_map(|name| stored_index_of(name));
        // Where a segment and its packed copy both stand, the segment is what counts.
        for index in indexes.collect::<BTreeSet<u64>>() {
            let path = layout.segment(index);
            let found = match read_start(disk, &path, SEGMENT_HEADER_BYTES_MAX) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => packed_start(disk, &path),
                plain => plain.map(|(start, bytes)| (start, bytes, None)),
            };
            let (start, bytes, packed_bytes) = found.map_err(at("read", &path))?;
            let header = SegmentHeader::decode(&start);
            segments.push(Listed { index, bytes, packed_bytes, header });
        }
        let spare = match read_start(disk, &layout.spare(), SEGMENT_HEADER_BYTES_MAX) {
            Ok((bytes, _)) => SegmentHeader::decode(&bytes).ok(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(at("read", &layout.spare())(error)),
        };
        Ok(Self { identity, has_segments_dir: true, segments, spare })
    }

    /// Ledger and application of every segment: as `ledger.id` says, or the first sound header.
    #[must_use]
    pub fn owner(&self) -> Option<(LedgerId, ApplicationId)> {
        let first = || self.segments.iter().find_map(|listed| listed.header.as_ref().ok());
        match &self.identity {
            Ok(identity) => Some((identity.ledger, identity.application)),
            Err(_) => first().map(|header| (header.ledger, header.application)),
        }
    }

    /// The identity, or none where it is lost or damaged. A later version is neither.
    pub(crate) fn identity_if_sound(
        &self,
        layout: &Layout,
    ) -> Result<Option<Identity>, LedgerError> {
        match self.identity {
            Ok(identity) => Ok(Some(identity)),
            Err(IdentityError::Damaged) => Ok(None),
            Err(error @ IdentityError::Unsupported(_)) => {
                let (path, what) = (layout.identity(), error.to_string());
                Err(LedgerError::Unsupported { path, what })
            }
        }
    }

    /// Tells what follows the segment at `place` of the list.
    #[must_use]
    pub fn follower(&self, place: usize) -> super::scan::Follower {
        use super::scan::Follower;
        let index = self.segments.get(place).map(|segment| segment.index + 1);
        match self.segments.get(place + 1) {
            None => Follower::Nothing,
            Some(next) if Some(next.index) != index => Follower::Removed,
            Some(Listed { header: Ok(SegmentHeader { recovery: Some(note), .. }), .. }) => {
                Follower::Recovers(*note)
            }
            Some(_) => Follower::Continues,
        }
    }
}

/// As [`read_start`], of a segment whose file is not there: what it holds may be packed. Says also
/// what it takes then.
fn packed_start(disk: &dyn Disk, path: &Path) -> io::Result<(Vec<u8>, u64, Option<u64>)> {
    let mut file = SegmentFile::open(disk, path, true)?;
    let (len, packed_bytes) = (file.len(), file.packed_bytes());
    let mut start = file.get(0, SEGMENT_HEADER_BYTES_MAX)?.to_vec();
    if packed_bytes.is_some() && start.len() < SEGMENT_HEADER_BYTES {
        // What was packed was whole: where not even its beginning comes out, that is damage and not
        // a segment that ends early.
        start.resize(SEGMENT_HEADER_BYTES, 0);
    }
    Ok((start, len, packed_bytes))
}

/// Reads up to `bytes` bytes of a file's beginning, and its length. A writer may trim a short
/// segment meanwhile; a read that ends where the file then ends is whole, and any other short one a
/// failure.
fn read_start(disk: &dyn Disk, path: &Path, bytes: usize) -> io::Result<(Vec<u8>, u64)> {
    let file = disk.open(path, Access::Read)?;
    let len = file.len()?;
    let mut start = vec![0; usize::try_from(len).unwrap_or(usize::MAX).min(bytes)];
    let read = file.read_at(&mut start, 0)?;
    if read == start.len() {
        return Ok((start, len));
    }
    start.truncate(read);
    let now = file.len()?;
    if now == read as u64 { Ok((start, now)) } else { Err(ended_early()) }
}

//! What is wrong with a log, and where: three kinds that are never mixed up.

/// What kind of thing is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultClass {
    /// An append that a crash cut short; nobody was promised it.
    TornTail,
    /// Promised bytes are not what they were.
    Corrupt,
    /// Something was removed, cut, reordered or slipped in.
    Missing,
}

impl FaultClass {
    /// True for everything but an append that was cut short: something that was promised is wrong.
    #[must_use]
    pub const fn is_damage(self) -> bool {
        !matches!(self, Self::TornTail)
    }
}

/// One thing that is wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Fault {
    /// What kind.
    pub class: FaultClass,
    /// Index of the segment.
    pub segment: u64,
    /// First byte of the range that is not sound.
    pub offset: u64,
    /// One past its last byte.
    pub end: u64,
    /// The first record that is affected.
    pub sequence: u64,
    /// Which check failed.
    pub check: String,
    /// What should be there.
    pub expected: String,
    /// What is there.
    pub actual: String,
}

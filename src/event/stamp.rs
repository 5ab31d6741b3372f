//! The words of an envelope: what a record is, who saw it, who did it, by which clock, which run.
//!
//! Every value of these enums is a number for life. `record.rs` says where each stands.

use std::fmt;
use std::num::NonZeroU32;

use serde::Serialize;

use super::record::RecordError;
use crate::hash;
use crate::time::Timestamp;

/// One-byte enums of the envelope, each value a number for life.
macro_rules! envelope_enum {
    ($(#[$doc:meta])* $name:ident, $field:literal {
        $($(#[$vdoc:meta])* $variant:ident = $number:literal,)*
    }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
        #[serde(rename_all = "snake_case")]
        #[repr(u8)]
        pub enum $name { $($(#[$vdoc])* $variant = $number,)* }

        impl $name {
            /// Every value, in the order of their numbers.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            pub(super) fn from_byte(byte: u8) -> Result<Self, RecordError> {
                match byte {
                    $($number => Ok(Self::$variant),)*
                    _ => Err(RecordError::UnknownValue { field: $field, value: byte.into() }),
                }
            }
        }
    };
}

envelope_enum! {
    /// What a record is to the machine that replays the log.
    Class, "class" {
        /// A fact from outside: the kernel is a function of these.
        Input = 0,
        /// What the kernel answered; re-execution gives it again.
        Derived = 1,
        /// The ledger's own: recovery, anchors, keys.
        System = 2,
    }
}

envelope_enum! {
    /// Who saw it happen: what an input rests on.
    Vantage, "vantage" {
        /// Computed here from other records.
        Computed = 0,
        /// Made by the seeded market or the simulated venue.
        Simulated = 1,
        /// Typed or configured by the operator.
        Operator = 2,
        /// Reported by the bot about itself.
        SelfReported = 3,
        /// Read from somebody else's file.
        Imported = 4,
        /// Received from the venue, or confirmed by its own report.
        VenueConfirmed = 5,
    }
}

impl Vantage {
    /// Says it in words.
    #[must_use]
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::Computed => "computed",
            Self::Simulated => "simulated",
            Self::Operator => "operator",
            Self::SelfReported => "self-reported",
            Self::Imported => "imported",
            Self::VenueConfirmed => "venue-confirmed",
        }
    }
}

envelope_enum! {
    /// Which clock gave the event time.
    ClockSource, "clock" {
        /// None: the time is taken over from the cause.
        None = 0,
        /// The data carried the time.
        Data = 1,
        /// The simulated clock of a run.
        Simulated = 2,
        /// The machine's wall clock.
        System = 3,
        /// The venue's clock.
        Venue = 4,
    }
}

envelope_enum! {
    /// How far the clock can be trusted (the terms of VCP 1.2).
    ClockStatus, "clock_status" {
        /// Not stated.
        Unknown = 0,
        /// Exact by construction: simulated time.
        Exact = 1,
        /// Disciplined by NTP.
        NtpSynced = 2,
        /// Disciplined by PTP.
        PtpLocked = 3,
        /// Free running.
        BestEffort = 4,
        /// Known to be wrong.
        Unreliable = 5,
    }
}

/// Who did it: a number for life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Actor(pub u16);

impl Actor {
    /// Nobody in particular.
    pub const NONE: Self = Self(0);
    /// The kernel.
    pub const KERNEL: Self = Self(1);
    /// A market source.
    pub const SOURCE: Self = Self(2);
    /// A strategy.
    pub const STRATEGY: Self = Self(3);
    /// A venue, simulated or real.
    pub const VENUE: Self = Self(4);
    /// The operator.
    pub const OPERATOR: Self = Self(5);
    /// The ledger itself.
    pub const LEDGER: Self = Self(6);
}

/// Names of sixteen bytes, shown as hex digits.
macro_rules! sixteen_bytes {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        pub struct $name(pub [u8; 16]);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
    )*};
}

sixteen_bytes! {
    /// The run a record belongs to; all zero outside any run.
    RunId;
    /// Whose personal fields a record holds, and so the key that they are encrypted under.
    SubjectId;
}

impl RunId {
    /// Returns the run id of a simulated run: the first half of [`hash::run`].
    #[must_use]
    pub fn of_simulated(configuration: &[u8], first_sequence: u64) -> Self {
        let digest = hash::run(configuration, first_sequence);
        let mut id = [0; 16];
        id.copy_from_slice(&digest.0[..16]);
        Self(id)
    }
}

/// The part of an envelope that the payload does not fix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// What the record is to replay.
    pub class: Class,
    /// Who saw it happen.
    pub vantage: Vantage,
    /// Event time.
    pub time: Timestamp,
    /// The run it belongs to.
    pub run: RunId,
    /// Distance back, in records, to the one that caused this one.
    pub cause: Option<NonZeroU32>,
    /// Who did it.
    pub actor: Actor,
    /// Which clock gave the time.
    pub clock: ClockSource,
    /// How far that clock can be trusted.
    pub clock_status: ClockStatus,
    /// The caller's key: appending the same key twice appends once.
    pub idempotency_key: Option<[u8; 16]>,
    /// The key under which personal fields are encrypted.
    pub erasure_key: Option<SubjectId>,
    /// A secret that keeps the leaf hash from being confirmed by guessing.
    pub salt: Option<[u8; 16]>,
}

impl Stamp {
    /// Returns a stamp of the given class, vantage and time, with everything else absent.
    #[must_use]
    pub const fn new(class: Class, vantage: Vantage, time: Timestamp) -> Self {
        Self {
            class,
            vantage,
            time,
            run: RunId([0; 16]),
            cause: None,
            actor: Actor::NONE,
            clock: ClockSource::None,
            clock_status: ClockStatus::Unknown,
            idempotency_key: None,
            erasure_key: None,
            salt: None,
        }
    }
}

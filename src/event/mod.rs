//! What can happen, in the past tense, and its bytes.
//!
//! Every kind has a number for life and a schema version; a number is never reused. Kinds below
//! 0x0100 belong to the ledger itself ([`system`]), 0x01xx are inputs (facts from outside), 0x02xx
//! are derived (what the kernel answered).

pub mod command;
pub mod flip;
pub mod ghost;
pub mod import;
pub mod leg;
pub mod market;
pub mod orbit;
pub mod order;
mod own;
pub mod record;
pub mod registry;
pub mod run;
pub mod sealed;
pub mod stamp;
pub mod state;
pub mod system;
pub mod trade;
pub mod wire;

pub use command::{
    Action, Command, CommandRefusal, CommandRefused, LegQuote, SealedCommand, StageLeg, Trend,
};
pub use flip::{BitFlipped, PairFlipResolved};
pub use ghost::{
    FeatureScalingFrozen, Features, FrozenScale, GhostClosed, GhostEntered, GhostExitDue,
    GhostIgnored, GhostOpened, GhostTriggered, IgnoreReason, PairMemoryAppended, VECTOR_FEATURES,
};
pub use import::{
    Exactness, FactCount, ImportDefect, ImportEnded, ImportFault, ImportStarted, ImportedBar,
    ImportedBust, ImportedEntry, ImportedFill, ImportedTrade, Liquidity, NamedText, Quote,
    QuoteBar, QuoteLevel, QuoteSpan, TradePrint,
};
pub use leg::{BadLeg, EvidenceKey, Leg};
pub use market::{Bar, DataDefect, Defect};
pub use orbit::{
    LegAction, OrbitCycleRun, OrbitKind, OrbitLeg, OrbitSelected, VolumeWeightsChanged, WeightRule,
};
pub use order::{
    Direction, OrderExpired, OrderFilled, OrderPlaced, OrderReason, OrderRefused, OrderRejected,
    RefusalReason, Side, SignalFired, Trigger,
};
pub(crate) use record::application_name;
pub use record::{ApplicationId, Envelope, Payload, RecordError, RecordRef, encode_record};
pub use registry::{
    BucketKey, BucketMatchScored, BucketMatched, BucketObserved, BucketRetired, LinkFault,
    OrphanTombstoned, RegistryLinked, RegistryName, SoulprintOutcome, SoulprintRegistered, Tercile,
};
pub use run::{
    Balance, EndOfData, FileFormat, FillModel, Generator, InputFile, Instrument, Mode, PairId,
    Parameter, RunConfig, RunEnded, RunStarted, StrategyConfig, VenueConfig, VolumeUnit,
};
pub use sealed::Sealed;
pub use stamp::{Actor, Class, ClockSource, ClockStatus, RunId, Stamp, SubjectId, Vantage};
pub use state::{Projection, ProjectionRoot, StateRoot, state_digest};
pub use system::{ChainAnchor, KeyRotated, OperatorNote, Recovered, SubjectShredded, SystemEvent};
pub use trade::{MarketContext, MathContext, TradeClosed, TradeLeg};
pub use wire::{DecodeError, EncodeError};

use serde::{Serialize, Serializer};
/// Defines [`Event`] and everything that must agree with its list of kinds.
macro_rules! events {
    ($($(#[$doc:meta])* $number:literal $name:literal $class:ident $schema:literal
       $variant:ident($payload:ty);)*) => {
        /// Everything that can happen in a trading ledger.
        #[derive(Clone, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum Event { $($(#[$doc])* $variant($payload),)* }

        impl Event {
            /// Every kind: its number, its name, its class.
            pub const KINDS: &[(u16, &str, Class)] = &[$(($number, $name, Class::$class),)*];

            /// Returns the name of this event's kind.
            #[must_use]
            pub fn name(&self) -> &'static str {
                match self { $(Self::$variant(_) => $name,)* }
            }

            /// Returns what this event is to replay.
            #[must_use]
            pub fn class(&self) -> Class {
                match self { $(Self::$variant(_) => Class::$class,)* }
            }
        }

        impl Payload for Event {
            const APPLICATION: ApplicationId = *b"schwabot/trading";

            fn kind(&self) -> u16 {
                match self { $(Self::$variant(_) => $number,)* }
            }

            fn schema(&self) -> u16 {
                match self { $(Self::$variant(_) => $schema,)* }
            }

            /// What somebody wants and does, and what it earns: few enough values to be guessed.
            fn is_private(&self) -> bool {
                matches!(
                    self,
                    Self::Command(_)
                        | Self::SealedCommand(_)
                        | Self::OrderPlaced(_)
                        | Self::OrderFilled(_)
                        | Self::TradeClosed(_)
                        | Self::SoulprintRegistered(_)
                )
            }

            fn encode_payload(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
                match self { $(Self::$variant(payload) => wire::encode(payload, out),)* }
            }

            fn decode_payload(kind: u16, schema: u16, bytes: &[u8]) -> Result<Self, DecodeError> {
                match (kind, schema) {
                    $(($number, $schema) => wire::decode(bytes).map(Self::$variant),)*
                    _ => Err(DecodeError::UnknownKind { kind, schema }),
                }
            }
        }

        impl Serialize for Event {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                match self { $(Self::$variant(payload) => payload.serialize(serializer),)* }
            }
        }
    };
}

events! {
    /// A run began.
    0x0101 "run_started" Input 1 RunStarted(Box<RunStarted>);
    /// A data file is read by the run.
    0x0102 "input_file" Input 1 InputFile(InputFile);
    /// A bar closed.
    0x0103 "bar" Input 1 Bar(Bar);
    /// The data has a defect.
    0x0104 "data_defect" Input 1 DataDefect(DataDefect);
    /// The sources have no more inputs.
    0x0105 "end_of_data" Input 1 EndOfData(EndOfData);
    /// An operator asked for something.
    0x0106 "command" Input 1 Command(Box<Command>);
    /// An operator asked for something, encrypted.
    0x0107 "sealed_command" Input 1 SealedCommand(SealedCommand);
    /// A file of somebody else's is imported.
    0x0110 "import_started" Input 1 ImportStarted(Box<ImportStarted>);
    /// A bar that somebody else recorded.
    0x0111 "imported_bar" Input 1 ImportedBar(Box<ImportedBar>);
    /// A trade of the public.
    0x0112 "trade_print" Input 1 TradePrint(Box<TradePrint>);
    /// The best prices of a book.
    0x0113 "quote" Input 1 Quote(Box<Quote>);
    /// The best prices of a book over a time.
    0x0114 "quote_bar" Input 1 QuoteBar(Box<QuoteBar>);
    /// A fill that a venue or a bot tells.
    0x0115 "imported_fill" Input 1 ImportedFill(Box<ImportedFill>);
    /// A round trip that somebody claims.
    0x0116 "imported_trade" Input 1 ImportedTrade(Box<ImportedTrade>);
    /// An entry of the earlier system's registries.
    0x0117 "imported_entry" Input 1 ImportedEntry(Box<ImportedEntry>);
    /// The imported file has a defect.
    0x0118 "import_defect" Input 1 ImportDefect(ImportDefect);
    /// The file was imported to its end.
    0x0119 "import_ended" Input 1 ImportEnded(Box<ImportEnded>);
    /// A fill that was taken back.
    0x011A "imported_bust" Input 1 ImportedBust(Box<ImportedBust>);
    /// A detector fired.
    0x0201 "signal_fired" Derived 1 SignalFired(SignalFired);
    /// An order was placed.
    0x0202 "order_placed" Derived 1 OrderPlaced(OrderPlaced);
    /// An intention was refused.
    0x0203 "order_refused" Derived 1 OrderRefused(OrderRefused);
    /// An order was filled.
    0x0204 "order_filled" Derived 1 OrderFilled(OrderFilled);
    /// The venue turned an order away.
    0x0205 "order_rejected" Derived 1 OrderRejected(OrderRejected);
    /// A pending order ended with the data.
    0x0206 "order_expired" Derived 1 OrderExpired(OrderExpired);
    /// A round trip was closed.
    0x0207 "trade_closed" Derived 1 TradeClosed(Box<TradeClosed>);
    /// A command was not carried out.
    0x0210 "command_refused" Derived 1 CommandRefused(CommandRefused);
    /// A pair's warm-up is over.
    0x0211 "feature_scaling_frozen" Derived 1 FeatureScalingFrozen(FeatureScalingFrozen);
    /// A paper trade began.
    0x0220 "ghost_opened" Derived 1 GhostOpened(Box<GhostOpened>);
    /// A firing passed the gate.
    0x0221 "ghost_triggered" Derived 1 GhostTriggered(Box<GhostTriggered>);
    /// A firing was not acted upon.
    0x0222 "ghost_ignored" Derived 1 GhostIgnored(Box<GhostIgnored>);
    /// A paper trade was entered.
    0x0223 "ghost_entered" Derived 1 GhostEntered(GhostEntered);
    /// A paper trade is to be left.
    0x0224 "ghost_exit_due" Derived 1 GhostExitDue(GhostExitDue);
    /// A paper trade was left.
    0x0225 "ghost_closed" Derived 1 GhostClosed(Box<GhostClosed>);
    /// An operator's case entered the memory.
    0x0226 "pair_memory_appended" Derived 1 PairMemoryAppended(PairMemoryAppended);
    /// A cycle was run through.
    0x0230 "orbit_cycle_run" Derived 1 OrbitCycleRun(Box<OrbitCycleRun>);
    /// The stage with the best evidence was named.
    0x0231 "orbit_selected" Derived 1 OrbitSelected(OrbitSelected);
    /// Allocation weights changed.
    0x0232 "volume_weights_changed" Derived 1 VolumeWeightsChanged(VolumeWeightsChanged);
    /// A word was complemented.
    0x0240 "bit_flipped" Derived 1 BitFlipped(BitFlipped);
    /// The way back of a leg was walked or looked up.
    0x0241 "pair_flip_resolved" Derived 1 PairFlipResolved(Box<PairFlipResolved>);
    /// A feature vector was taken at an entry.
    0x0250 "soulprint_registered" Derived 1 SoulprintRegistered(Box<SoulprintRegistered>);
    /// A soulprint's trade was closed.
    0x0251 "soulprint_outcome" Derived 1 SoulprintOutcome(SoulprintOutcome);
    /// An entry is like an earlier pattern.
    0x0252 "bucket_matched" Derived 1 BucketMatched(BucketMatched);
    /// A prediction met its outcome.
    0x0253 "bucket_match_scored" Derived 1 BucketMatchScored(BucketMatchScored);
    /// A trade entered its pattern.
    0x0254 "bucket_observed" Derived 1 BucketObserved(BucketObserved);
    /// A pattern was put aside.
    0x0255 "bucket_retired" Derived 1 BucketRetired(BucketRetired);
    /// A trade and an entry belong together.
    0x0256 "registry_linked" Derived 1 RegistryLinked(RegistryLinked);
    /// An orphan was answered.
    0x0257 "orphan_tombstoned" Derived 1 OrphanTombstoned(OrphanTombstoned);
    /// What the state amounts to.
    0x02F0 "state_root" Derived 1 StateRoot(StateRoot);
    /// A run ended.
    0x02FF "run_ended" Derived 1 RunEnded(RunEnded);
}

/// First and last number that a record of an import can have; see [`import`].
const IMPORT_KINDS: std::ops::RangeInclusive<u16> = 0x0110..=0x011F;

impl Event {
    /// True for the records of an import, which stand outside every run: no kernel sees them.
    #[must_use]
    pub fn is_import(&self) -> bool {
        is_import_kind(self.kind())
    }
}

/// True for the kind of a record of an import.
#[must_use]
pub fn is_import_kind(kind: u16) -> bool {
    IMPORT_KINDS.contains(&kind)
}

/// Returns the name of a kind, the ledger's own included.
#[must_use]
pub fn kind_name(kind: u16) -> Option<&'static str> {
    let own = Event::KINDS.iter().find(|(number, _, _)| *number == kind);
    own.map(|(_, name, _)| *name).or_else(|| SystemEvent::name_of(kind))
}

/// Checks that an event's bytes are the one encoding of their value; what `verify` uses.
///
/// # Errors
/// As [`Payload::decode_payload`], and [`DecodeError::NotCanonical`].
pub fn decode_canonical<P: Payload>(
    kind: u16,
    schema: u16,
    bytes: &[u8],
) -> Result<P, DecodeError> {
    let event = P::decode_payload(kind, schema, bytes)?;
    let mut again = Vec::with_capacity(bytes.len());
    event.encode_payload(&mut again).map_err(|error| DecodeError::Malformed(error.to_string()))?;
    if again == bytes { Ok(event) } else { Err(DecodeError::NotCanonical) }
}

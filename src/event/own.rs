//! A program's own events in a few lines: the macro that makes an enum of them a [`Payload`].
//!
//! [`Payload`]: super::Payload

/// Makes an enum of a program's own events, and everything that a ledger asks of it.
///
/// `in` is followed by the program's name in sixteen bytes, which stands in every segment: a ledger
/// of another program is refused. Each kind has a number of 0x0100 or more and a version; neither
/// is ever given to something else, for the log keeps them for good. Each payload type encodes
/// itself (`#[derive(Encode, Decode)]` with the attribute below does it) in the bytes that
/// [`FORMAT.md`](crate::ledger) states: integers of fixed width, text, lists, options, structs and
/// enums, and the quantities of [`units`](crate::units); no float.
///
/// # Examples
/// ```
/// use schwabot::event::wire::{Decode, Encode};
/// use schwabot::event::{DecodeError, Payload};
///
/// #[derive(Debug, PartialEq, Encode, Decode)]
/// #[bincode(crate = "schwabot::event::wire::codec")]
/// pub struct Temperature { milli_kelvin: u32 }
///
/// schwabot::own_events! {
///     /// What the station sees.
///     #[derive(Debug, PartialEq)]
///     pub enum Weather in b"weather-station\0" {
///         /// It was so warm.
///         0x0100 version 1: Measured(Temperature),
///     }
/// }
///
/// let event = Weather::Measured(Temperature { milli_kelvin: 293_150 });
/// let mut bytes = Vec::new();
/// event.encode_payload(&mut bytes)?;
/// assert_eq!(Weather::decode_payload(0x0100, 1, &bytes), Ok(event));
/// let unknown = Weather::decode_payload(0x0101, 1, &bytes);
/// assert_eq!(unknown, Err(DecodeError::UnknownKind { kind: 0x0101, schema: 1 }));
/// # Ok::<(), schwabot::event::EncodeError>(())
/// ```
///
/// A number of the ledger's own, or one given twice, does not compile:
/// ```compile_fail
/// schwabot::own_events! {
///     pub enum Twice in b"two-of-one-kind\0" {
///         0x0100 version 1: First(u8),
///         0x0100 version 1: Second(u8),
///     }
/// }
/// ```
#[macro_export]
macro_rules! own_events {
    ($(#[$meta:meta])* $visible:vis enum $name:ident in $application:literal {
        $($(#[$doc:meta])* $number:literal version $version:literal:
          $variant:ident($payload:ty)),+ $(,)?
    }) => {
        $(#[$meta])*
        $visible enum $name { $($(#[$doc])* $variant($payload)),+ }

        impl $crate::event::Payload for $name {
            const APPLICATION: $crate::event::ApplicationId = *$application;

            fn kind(&self) -> u16 {
                const {
                    let kinds: &[u16] = &[$($number),+];
                    let mut place = 0;
                    while place < kinds.len() {
                        assert!(kinds[place] >= 0x0100, "kinds below 0x0100 are the ledger's own");
                        let mut other = place + 1;
                        while other < kinds.len() {
                            assert!(kinds[place] != kinds[other], "a kind is given twice");
                            other += 1;
                        }
                        place += 1;
                    }
                };
                match self { $(Self::$variant(_) => $number),+ }
            }

            fn schema(&self) -> u16 {
                match self { $(Self::$variant(_) => $version),+ }
            }

            fn encode_payload(
                &self,
                out: &mut ::std::vec::Vec<u8>,
            ) -> ::std::result::Result<(), $crate::event::EncodeError> {
                match self {
                    $(Self::$variant(payload) => $crate::event::wire::encode(payload, out)),+
                }
            }

            fn decode_payload(
                kind: u16,
                schema: u16,
                bytes: &[u8],
            ) -> ::std::result::Result<Self, $crate::event::DecodeError> {
                match (kind, schema) {
                    $(($number, $version) => {
                        $crate::event::wire::decode_canonical(bytes).map(Self::$variant)
                    })+
                    _ => ::std::result::Result::Err(
                        $crate::event::DecodeError::UnknownKind { kind, schema },
                    ),
                }
            }
        }
    };
}

//! A personal field as it is stored: encrypted, so that its key can be destroyed and the log kept.
//!
//! ```text
//! offset bytes field
//!      0    24 nonce, random
//!     24     n ciphertext, as long as the plain bytes
//!   24+n    16 Poly1305 tag
//! ```
//!
//! Invariant: this type knows no key and opens nothing. Whoever holds the log alone sees how long
//! a field is, and no more; hashes are taken over the sealed bytes, so they stay good when the key
//! is gone.

use std::fmt;

use serde::{Serialize, Serializer};

use super::wire::{Decode, Encode};

/// Bytes of the nonce in front.
pub const NONCE_BYTES: usize = 24;
/// Bytes of the tag behind.
pub const TAG_BYTES: usize = 16;

/// The sealed bytes of one field, shown as hex digits.
///
/// # Examples
/// ```
/// use schwabot::event::Sealed;
/// let sealed = Sealed([vec![0; 24], b"secret".to_vec(), vec![1; 16]].concat());
/// let (nonce, rest) = sealed.parts().expect("long enough");
/// assert_eq!((nonce, rest.len()), (&[0; 24], 22));
/// assert!(Sealed(vec![0; 39]).parts().is_none());
/// ```
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
pub struct Sealed(pub Vec<u8>);

impl Sealed {
    /// Returns the nonce, and ciphertext with tag; none where the bytes are too few to be sealed.
    #[must_use]
    pub fn parts(&self) -> Option<(&[u8; NONCE_BYTES], &[u8])> {
        self.0.split_first_chunk().filter(|(_, rest)| rest.len() >= TAG_BYTES)
    }
}

impl fmt::Display for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Sealed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

//! One subject's key: XChaCha20-Poly1305 with a random nonce a field.
//!
//! ```text
//! associated data = "schwabot/personal/v1" 00 || subject id (16) || what
//! ```
//!
//! So a field opens only for the subject it is about, and only as what it was sealed as. A nonce of
//! 24 random bytes does not repeat; there is no counter to keep.

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use zeroize::Zeroizing;

use super::ErasureError;
use crate::event::sealed::NONCE_BYTES;
use crate::event::{Sealed, SubjectId};
use crate::hash::{self, Digest};
use crate::ledger::clock::Host;

/// First bytes of the associated data of every personal field.
pub const PERSONAL_DOMAIN: &[u8] = b"schwabot/personal/v1\0";

/// Thirty-two random bytes that are wiped from memory when they are no longer needed.
pub struct SubjectKey(Zeroizing<[u8; 32]>);

impl SubjectKey {
    /// Draws a new key.
    ///
    /// # Errors
    /// [`ErasureError::Random`] when the machine has no random bytes.
    pub fn generate(host: &dyn Host) -> Result<Self, ErasureError> {
        let mut bytes = Zeroizing::new([0; 32]);
        host.random(&mut *bytes).map_err(ErasureError::Random)?;
        Ok(Self(bytes))
    }

    /// Makes a key of its bytes.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    pub(super) fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Encrypts a field about `subject`; `what` says which field it is.
    ///
    /// # Errors
    /// [`ErasureError::Random`], and [`ErasureError::TooLong`].
    ///
    /// # Examples
    /// ```
    /// use schwabot::erasure::SubjectKey;
    /// use schwabot::event::SubjectId;
    /// use schwabot::ledger::clock::Machine;
    ///
    /// let (key, subject) = (SubjectKey::generate(&Machine)?, SubjectId([7; 16]));
    /// let sealed = key.seal(&Machine, &subject, "note", b"hello")?;
    /// assert_eq!(key.open(&subject, "note", &sealed).as_deref(), Some(&b"hello"[..]));
    /// assert_eq!(key.open(&subject, "name", &sealed), None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn seal(
        &self,
        host: &dyn Host,
        subject: &SubjectId,
        what: &str,
        plaintext: &[u8],
    ) -> Result<Sealed, ErasureError> {
        let mut nonce = [0; NONCE_BYTES];
        host.random(&mut nonce).map_err(ErasureError::Random)?;
        let aad = associated(subject, what);
        let payload = Payload { msg: plaintext, aad: &aad };
        let ciphertext = self.cipher().encrypt(&XNonce::from(nonce), payload);
        let ciphertext = ciphertext.map_err(|_| ErasureError::TooLong)?;
        Ok(Sealed([&nonce, ciphertext.as_slice()].concat()))
    }

    /// Decrypts a field; none where this is not its key, subject or name, or a byte was changed.
    #[must_use]
    pub fn open(&self, subject: &SubjectId, what: &str, sealed: &Sealed) -> Option<Vec<u8>> {
        let (nonce, ciphertext) = sealed.parts()?;
        let aad = associated(subject, what);
        let payload = Payload { msg: ciphertext, aad: &aad };
        self.cipher().decrypt(&XNonce::from(*nonce), payload).ok()
    }

    /// Returns the digest that a `subject_shredded` record names the key by.
    #[must_use]
    pub fn digest(&self) -> Digest {
        hash::erasure_key(&self.0)
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new((&*self.0).into())
    }
}

fn associated(subject: &SubjectId, what: &str) -> Vec<u8> {
    [PERSONAL_DOMAIN, &subject.0, what.as_bytes()].concat()
}

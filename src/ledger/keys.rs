//! Idempotency: the keys of the last appends, so that appending one of them again appends nothing.

use std::collections::{BTreeMap, VecDeque};

use super::error::LedgerError;

/// Keys that are remembered: appending one of the last 65,536 again appends nothing.
pub const KEYS_REMEMBERED: usize = 65_536;
/// The keys of the last keyed records.
#[derive(Default)]
pub(super) struct KeyWindow {
    order: VecDeque<[u8; 16]>,
    sequences: BTreeMap<[u8; 16], u64>,
}

impl KeyWindow {
    pub(super) fn insert(&mut self, key: [u8; 16], sequence: u64) {
        if self.sequences.insert(key, sequence).is_none() {
            self.order.push_back(key);
        }
        if self.order.len() > KEYS_REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.sequences.remove(&oldest);
        }
    }

    fn find(&self, key: &[u8; 16]) -> Option<u64> {
        self.sequences.get(key).copied()
    }

    /// Returns the record that holds the step's first key, if there is one.
    ///
    /// # Errors
    /// [`LedgerError::KeyReused`] when only a later key of the step is known: then the step is
    /// neither new nor a repetition.
    pub(super) fn known(&self, keys: &[(u32, [u8; 16])]) -> Result<Option<u64>, LedgerError> {
        let mut used = keys.iter().map(|(place, key)| (*place, self.find(key)));
        if let Some((_, Some(sequence))) = used.next() {
            return Ok(Some(sequence));
        }
        match used.find_map(|(place, known)| Some((place, known?))) {
            Some((place, sequence)) => {
                Err(LedgerError::KeyReused { index: place as usize, sequence })
            }
            None => Ok(None),
        }
    }
}

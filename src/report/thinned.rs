//! Rows that stay short, however much is pushed into them: for drawing only, never for a figure.

/// What can be drawn in place of two neighbours.
pub(super) trait Merge {
    /// Takes in the neighbour that follows.
    fn merge(&mut self, next: &Self);
}

/// At most so many values; each stands for as many pushed ones as its neighbour, but for the last.
#[derive(Clone, Debug)]
pub(super) struct Thinned<T> {
    most: usize,
    /// How many pushed values one kept value stands for.
    stride: u64,
    /// How many the last one stands for.
    filled: u64,
    kept: Vec<T>,
}

impl<T: Merge + Clone> Thinned<T> {
    /// Keeps at most `most` values, and, of many, at least half as many.
    pub(super) const fn new(most: usize) -> Self {
        Self { most, stride: 1, filled: 0, kept: Vec::new() }
    }

    pub(super) fn push(&mut self, value: T) {
        if let Some(last) = self.kept.last_mut().filter(|_| self.filled < self.stride) {
            last.merge(&value);
            self.filled += 1;
            return;
        }
        if self.kept.len() >= self.most {
            self.halve();
        }
        self.kept.push(value);
        self.filled = 1;
    }

    fn halve(&mut self) {
        let pairs = self.kept.chunks(2).map(|pair| {
            let mut merged = pair[0].clone();
            pair.iter().skip(1).for_each(|next| merged.merge(next));
            merged
        });
        self.kept = pairs.collect();
        self.stride = self.stride.saturating_mul(2);
    }

    pub(super) fn kept(&self) -> &[T] {
        &self.kept
    }
}

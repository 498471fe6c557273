//! What LAST_INSERT_ID() is for a session. Connections to shards keep it for nobody.

/// The first number that the last statement which made any was given; 0 until there is one.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct LastInserted(u64);

impl LastInserted {
    /// The number.
    pub(super) fn get(self) -> u64 {
        self.0
    }

    /// A statement has made numbers, this one first.
    pub(super) fn set(&mut self, number: u64) {
        self.0 = number;
    }
}

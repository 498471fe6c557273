//! The block of a table's numbers that a gate holds. Pure.

use super::Run;
use crate::limits::{FIRST_NUMBER_BLOCK, MAX_NUMBER_BLOCK};

/// A piece of a table's counter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hand {
    incarnation: u64,
    next: u64,
    /// The first number that is not in hand.
    end: u64,
    /// Numbers below it are not to be given: clients have written them.
    floor: u64,
    /// How many numbers are taken at once.
    block: u64,
}

impl Default for Hand {
    fn default() -> Self {
        Self { incarnation: 0, next: 0, end: 0, floor: 0, block: FIRST_NUMBER_BLOCK }
    }
}

impl Hand {
    /// Forgets what belongs to an earlier incarnation.
    pub(super) fn belong_to(&mut self, incarnation: u64) {
        if self.incarnation < incarnation {
            *self = Self { incarnation, ..Self::default() };
        }
    }

    /// Under which incarnation its numbers were taken.
    pub(super) fn incarnation(&self) -> u64 {
        self.incarnation
    }

    /// Consecutive numbers, if it has so many.
    pub(super) fn take(&mut self, count: u64) -> Option<Run> {
        let first = self.next;
        if count == 0 || self.end - first < count {
            return None;
        }
        self.next += count;
        Some(Run { first, count })
    }

    /// What is left of the type's numbers, which end with this one: the hand is empty afterwards.
    pub(super) fn take_last(&mut self, count: u64, max: u64) -> Run {
        let first = self.next;
        self.next = self.end;
        Run { first, count: count.min((max - first).saturating_add(1)) }
    }

    /// Later numbers are above this one. Gives whether the record is above it, too, as far as is known here.
    pub(super) fn pass(&mut self, number: u64) -> bool {
        self.floor = self.floor.max(number.saturating_add(1));
        self.next = self.next.max(self.floor).min(self.end);
        self.is_covered()
    }

    /// Whether the record is above everything that clients have written here.
    pub(super) fn is_covered(&self) -> bool {
        self.floor <= self.end
    }

    /// What a new block must not begin below.
    pub(super) fn floor(&self) -> u64 {
        self.floor
    }

    /// How many numbers to take at once: with each block more, up to a bound.
    pub(super) fn block(&self) -> u64 {
        self.block
    }

    /// Takes in a block of the record. Numbers that were left stay where it goes on with theirs.
    pub(super) fn absorb(&mut self, incarnation: u64, first: u64, end: u64) {
        if self.incarnation != incarnation {
            *self = Self { incarnation, block: self.block, ..Self::default() };
        }
        if self.end != first || self.next >= self.end {
            self.next = first;
        }
        self.end = end;
        self.next = self.next.max(self.floor).min(end);
        self.block = (self.block * 2).min(MAX_NUMBER_BLOCK);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_gets_consecutive_numbers_across_blocks() {
        let mut hand = Hand::default();
        assert_eq!(hand.take(1), None);
        hand.absorb(0, 1, 11);
        assert_eq!(hand.take(8), Some(Run { first: 1, count: 8 }));
        assert_eq!(hand.take(3), None);
        hand.absorb(0, 11, 21);
        assert_eq!(hand.take(3), Some(Run { first: 9, count: 3 }));
        // Another gate has taken 21 to 30: what was left is not consecutive with the next block.
        hand.absorb(0, 31, 41);
        assert_eq!(hand.take(1), Some(Run { first: 31, count: 1 }));
    }

    #[test]
    fn numbers_that_clients_write_are_passed() {
        let mut hand = Hand::default();
        hand.absorb(0, 1, 11);
        assert!(hand.pass(4) && hand.pass(2));
        assert_eq!(hand.take(1), Some(Run { first: 5, count: 1 }));
        assert!(hand.pass(10));
        assert_eq!(hand.take(1), None);
        assert!(!hand.pass(100));
        assert_eq!(hand.floor(), 101);
        hand.absorb(0, 95, 111);
        assert!(hand.is_covered());
        assert_eq!(hand.take(1), Some(Run { first: 101, count: 1 }));
    }

    #[test]
    fn another_incarnation_begins_with_nothing() {
        let mut hand = Hand::default();
        hand.absorb(3, 50, 60);
        hand.pass(1000);
        hand.belong_to(3);
        assert_eq!(hand.floor(), 1001);
        hand.belong_to(4);
        assert_eq!((hand.take(1), hand.floor()), (None, 0));
        // A snapshot that lags says less than the hand knows.
        hand.absorb(4, 1, 11);
        hand.belong_to(3);
        assert_eq!(hand.take(1), Some(Run { first: 1, count: 1 }));
    }

    #[test]
    fn blocks_grow_up_to_a_bound() {
        let mut hand = Hand::default();
        let mut sizes = Vec::new();
        for number in 1..20 {
            sizes.push(hand.block());
            hand.absorb(0, number, number + 1);
        }
        assert_eq!(sizes[..2], [FIRST_NUMBER_BLOCK, FIRST_NUMBER_BLOCK * 2]);
        assert_eq!(sizes.last(), Some(&MAX_NUMBER_BLOCK));
    }
}

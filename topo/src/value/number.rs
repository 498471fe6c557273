//! Literals for integer columns.

use super::{Inexact, Literal, ShardingValue, Sign, text};

/// Doubles from here on do not tell neighbouring integers apart.
const EXACT_DOUBLES_END: f64 = 9_007_199_254_740_992.0;

/// A whole number of either sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Whole {
    sign: Sign,
    magnitude: u64,
}

/// The whole number that MySQL takes the literal for.
pub(super) fn whole(literal: &Literal<'_>) -> Result<Whole, Inexact> {
    match literal {
        Literal::Integer { sign, digits } => Ok(Whole { sign: *sign, magnitude: magnitude(digits)? }),
        Literal::Bool(value) => Ok(Whole { sign: Sign::Plus, magnitude: u64::from(*value) }),
        Literal::Decimal(text) => {
            let (sign, text) = signed(text);
            // `5.` and `.0` are numbers in SQL.
            let (digits, fraction) = text.split_once('.').unwrap_or((text, ""));
            if digits.is_empty() && fraction.is_empty() {
                return Err(Inexact::NotWhole);
            }
            let digits = if digits.is_empty() { "0" } else { digits };
            Ok(Whole { sign, magnitude: magnitude(without_fraction(digits, fraction)?)? })
        }
        Literal::Float(text) => float(text),
        Literal::String { bytes, character_set } => {
            if !text::is_ascii_in(bytes, character_set) {
                return Err(Inexact::NotWhole);
            }
            string(std::str::from_utf8(bytes).map_err(|_| Inexact::NotWhole)?)
        }
        // x'35' is a number where it is compared with one and text where it is stored; the others are neither.
        Literal::Bytes(_) | Literal::Temporal | Literal::Null => Err(Inexact::Kind),
    }
}

/// `5`, `05`, `+5`, `5.0`, but nothing that MySQL reads with a warning.
fn string(text: &str) -> Result<Whole, Inexact> {
    let (sign, text) = signed(text);
    let digits = match text.split_once('.') {
        None => text,
        Some((_, "")) => return Err(Inexact::NotWhole),
        Some((digits, fraction)) => without_fraction(digits, fraction)?,
    };
    Ok(Whole { sign, magnitude: magnitude(digits)? })
}

fn signed(text: &str) -> (Sign, &str) {
    match text.strip_prefix('-') {
        Some(rest) => (Sign::Minus, rest),
        None => (Sign::Plus, text.strip_prefix('+').unwrap_or(text)),
    }
}

fn without_fraction<'a>(digits: &'a str, fraction: &str) -> Result<&'a str, Inexact> {
    if fraction.bytes().all(|b| b == b'0') { Ok(digits) } else { Err(Inexact::NotWhole) }
}

fn magnitude(digits: &str) -> Result<u64, Inexact> {
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(Inexact::NotWhole);
    }
    digits.parse().map_err(|_| Inexact::OutOfRange)
}

fn float(text: &str) -> Result<Whole, Inexact> {
    // Rust also reads "inf" and "nan", which are no SQL literals.
    if !text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'+' | b'-' | b'.' | b'e' | b'E')) {
        return Err(Inexact::NotWhole);
    }
    let value: f64 = text.parse().map_err(|_| Inexact::NotWhole)?;
    if value.fract() != 0.0 {
        return Err(Inexact::NotWhole);
    }
    if value.abs() >= EXACT_DOUBLES_END {
        return Err(Inexact::OutOfRange);
    }
    let sign = if value.is_sign_negative() { Sign::Minus } else { Sign::Plus };
    // Whole and below 2^53, so nothing is lost.
    Ok(Whole { sign, magnitude: value.abs() as u64 })
}

impl Whole {
    fn value(self) -> i128 {
        match self.sign {
            Sign::Plus => i128::from(self.magnitude),
            Sign::Minus => -i128::from(self.magnitude),
        }
    }

    /// As a value of an unsigned column of so many bits, if that holds it.
    pub(super) fn unsigned(self, bits: u8) -> Result<ShardingValue, Inexact> {
        if self.value() >= 1 << bits {
            return Err(Inexact::OutOfRange);
        }
        u64::try_from(self.value()).map(ShardingValue::Unsigned).map_err(|_| Inexact::OutOfRange)
    }

    /// As a value of a signed column of so many bits, if that holds it.
    pub(super) fn signed(self, bits: u8) -> Result<ShardingValue, Inexact> {
        let end = 1i128 << (bits - 1);
        if !(-end..end).contains(&self.value()) {
            return Err(Inexact::OutOfRange);
        }
        i64::try_from(self.value()).map(ShardingValue::Signed).map_err(|_| Inexact::OutOfRange)
    }
}

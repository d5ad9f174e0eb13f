//! Exact numbers in the binary form of PostgreSQL's `numeric`: digits to the base 10,000.
//!
//! Four 16-bit numbers (count of digits, weight of the first, sign, decimals to show), then the digits
//! (`numeric_recv` in `src/backend/utils/adt/numeric.c`).

use syncline_protocol::{Error, ErrorKind, Result};
use tokio_util::bytes::{BufMut, BytesMut};

const POSITIVE: u16 = 0x0000;
const NEGATIVE: u16 = 0x4000;
const NAN: u16 = 0xC000;
const INFINITY: u16 = 0xD000;
const NEGATIVE_INFINITY: u16 = 0xF000;
/// The most decimals of a `numeric`.
const DECIMALS_MAX: usize = 16_383;
/// The most digits before the point.
const WHOLE_DIGITS_MAX: usize = 131_072;
/// 38 digits and a point anywhere need at most this many digits to the base 10,000.
const DIGITS_MAX: usize = 11;

/// What a number of decimals means for the split into digits to the base 10,000.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scale {
    decimals: u16,
    /// Digits to the base 10,000 after the point.
    fraction_digits: i16,
    /// The last of them holds only some decimals: what to divide by to split it off, and what to multiply it with.
    /// (1, 1) when it is full.
    last: (u16, u16),
}

impl Scale {
    pub(super) fn new(decimals: u8) -> Self {
        let last = match decimals % 4 {
            1 => (10, 1_000),
            2 => (100, 100),
            3 => (1_000, 10),
            _ => (1, 1),
        };
        Scale { decimals: u16::from(decimals), fraction_digits: i16::from(decimals.div_ceil(4)), last }
    }
}

/// Writes a decimal, given as its value without point.
#[inline]
pub(super) fn put_decimal(out: &mut BytesMut, value: i128, scale: Scale) {
    let mut digits = [0u16; DIGITS_MAX];
    let sign = if value < 0 { NEGATIVE } else { POSITIVE };
    let magnitude = value.unsigned_abs();
    // Filled from the end. Nearly all values fit 64 bits, where division by a constant is a multiplication.
    let first = match u64::try_from(magnitude) {
        Ok(small) => split_small(small, scale, &mut digits),
        Err(_) => split(magnitude, scale, &mut digits),
    };
    let count = DIGITS_MAX - first;
    let weight = count as i16 - scale.fraction_digits - 1;
    let mut bytes = [0u8; 12 + 2 * DIGITS_MAX];
    bytes[..4].copy_from_slice(&(8 + 2 * count as u32).to_be_bytes());
    bytes[4..6].copy_from_slice(&(count as u16).to_be_bytes());
    bytes[6..8].copy_from_slice(&weight.to_be_bytes());
    bytes[8..10].copy_from_slice(&sign.to_be_bytes());
    bytes[10..12].copy_from_slice(&scale.decimals.to_be_bytes());
    for (to, digit) in bytes[12..].chunks_exact_mut(2).zip(&digits[first..]) {
        to.copy_from_slice(&digit.to_be_bytes());
    }
    out.extend_from_slice(&bytes[..12 + 2 * count]);
}

/// Splits into digits from the last one on; answers where the first one stands.
#[inline]
fn split_small(mut rest: u64, scale: Scale, digits: &mut [u16; DIGITS_MAX]) -> usize {
    let mut first = DIGITS_MAX;
    if scale.last.0 > 1 && rest > 0 {
        let (divisor, factor) = (u64::from(scale.last.0), u64::from(scale.last.1));
        first -= 1;
        digits[first] = (rest % divisor * factor) as u16;
        rest /= divisor;
    }
    while rest > 0 {
        first -= 1;
        digits[first] = (rest % 10_000) as u16;
        rest /= 10_000;
    }
    first
}

fn split(mut rest: u128, scale: Scale, digits: &mut [u16; DIGITS_MAX]) -> usize {
    let mut first = DIGITS_MAX;
    let (divisor, factor) = (u128::from(scale.last.0), u128::from(scale.last.1));
    if divisor > 1 {
        first -= 1;
        digits[first] = (rest % divisor * factor) as u16;
        rest /= divisor;
    }
    while rest > 0 {
        first -= 1;
        digits[first] = (rest % 10_000) as u16;
        rest /= 10_000;
    }
    first
}

/// Writes canonical numeric text: `-12.50`, also `NaN`, `Infinity`, `-Infinity`.
///
/// # Errors
/// `CorruptInput` when it is not a number; `LimitExceeded` when it has more digits than PostgreSQL can hold.
pub(super) fn put_text(out: &mut BytesMut, text: &str) -> Result<()> {
    match text {
        "NaN" => put_special(out, NAN),
        "Infinity" => put_special(out, INFINITY),
        "-Infinity" => put_special(out, NEGATIVE_INFINITY),
        _ => return put_number(out, text),
    }
    Ok(())
}

fn put_special(out: &mut BytesMut, sign: u16) {
    let [high, low] = sign.to_be_bytes();
    out.extend_from_slice(&[0, 0, 0, 8, 0, 0, 0, 0, high, low, 0, 0]);
}

fn put_number(out: &mut BytesMut, text: &str) -> Result<()> {
    let (sign, unsigned) = match text.as_bytes() {
        [b'-', rest @ ..] => (NEGATIVE, rest),
        [b'+', rest @ ..] => (POSITIVE, rest),
        rest => (POSITIVE, rest),
    };
    let point = unsigned.iter().position(|byte| *byte == b'.').unwrap_or(unsigned.len());
    let (whole, fraction) = (&unsigned[..point], unsigned.get(point + 1..).unwrap_or_default());
    let digits_only = whole.iter().chain(fraction).all(u8::is_ascii_digit);
    if !digits_only || whole.len() + fraction.len() == 0 {
        return Err(Error::new(ErrorKind::CorruptInput, "A value of a numeric column is not a number."));
    }
    let zeros = whole.iter().take_while(|byte| **byte == b'0').count();
    let whole = &whole[zeros..];
    if whole.len() > WHOLE_DIGITS_MAX || fraction.len() > DECIMALS_MAX {
        return Err(Error::new(
            ErrorKind::LimitExceeded,
            "A number has more digits than PostgreSQL can hold (131,072 before the point, 16,383 after it).",
        ));
    }
    let (before, after) = (whole.len().div_ceil(4), fraction.len().div_ceil(4));
    let count = before + after;
    out.reserve(12 + 2 * count);
    out.put_u32(8 + 2 * count as u32);
    out.put_u16(count as u16);
    out.put_i16((before as i32 - 1) as i16);
    out.put_u16(sign);
    out.put_u16(fraction.len() as u16);
    let (head, rest) = whole.split_at(whole.len() - 4 * before.saturating_sub(1));
    if !head.is_empty() {
        out.put_u16(digit(head));
    }
    rest.chunks(4).for_each(|four| out.put_u16(digit(four)));
    for four in fraction.chunks(4) {
        // A short last group lacks its trailing zeros.
        out.put_u16(digit(four) * 10u16.pow(4 - four.len() as u32));
    }
    Ok(())
}

fn digit(decimals: &[u8]) -> u16 {
    decimals.iter().fold(0, |value, byte| value * 10 + u16::from(byte - b'0'))
}

//! `numeric` on the wire: digits to the base 10,000, most significant first.
//!
//! | bytes | |
//! | --- | --- |
//! | 2 | number of digits |
//! | 2 | weight: the first digit counts 10,000^weight |
//! | 2 | sign: 0x0000, 0x4000 (negative), 0xC000 (NaN), 0xD000 (Infinity), 0xF000 (-Infinity) |
//! | 2 | digits after the decimal point that are shown |
//! | 2 each | digits, 0 to 9,999 |

use super::decode::Fault;

const NEGATIVE: u16 = 0x4000;
const NAN: u16 = 0xC000;
const INFINITY: u16 = 0xD000;
const NEGATIVE_INFINITY: u16 = 0xF000;
/// The most digits that Postgres shows after the decimal point.
const SCALE_MAX: u16 = 16_383;

/// 10^0 to 10^38.
const POWERS: [i128; 39] = {
    let mut powers = [1i128; 39];
    let mut exponent = 1;
    while exponent < 39 {
        powers[exponent] = powers[exponent - 1] * 10;
        exponent += 1;
    }
    powers
};

struct Parts<'a> {
    digits: &'a [[u8; 2]],
    weight: i16,
    sign: u16,
    scale: u16,
}

#[inline]
fn parts(value: &[u8]) -> Result<Parts<'_>, Fault> {
    let Some((head, rest)) = value.split_first_chunk::<8>() else {
        return Err(Fault::Corrupt("a number ends too early"));
    };
    let [n0, n1, w0, w1, s0, s1, d0, d1] = *head;
    let (digits, odd) = rest.as_chunks::<2>();
    if digits.len() != usize::from(u16::from_be_bytes([n0, n1])) || !odd.is_empty() {
        return Err(Fault::Corrupt("a number has another length than it says"));
    }
    let parts = Parts {
        digits,
        weight: i16::from_be_bytes([w0, w1]),
        sign: u16::from_be_bytes([s0, s1]),
        scale: u16::from_be_bytes([d0, d1]),
    };
    match parts.sign {
        0 | NEGATIVE | NAN | INFINITY | NEGATIVE_INFINITY if parts.scale <= SCALE_MAX => Ok(parts),
        _ => Err(Fault::Corrupt("a number has an impossible sign or scale")),
    }
}

#[inline]
fn digit(bytes: [u8; 2]) -> Result<u16, Fault> {
    let digit = u16::from_be_bytes(bytes);
    if digit < 10_000 { Ok(digit) } else { Err(Fault::Corrupt("a number has an impossible digit")) }
}

/// The number times 10^`scale`, when it has at most `precision` digits and none after the last that `scale` keeps.
#[inline]
pub(super) fn decimal(value: &[u8], precision: u8, scale: u8) -> Result<i128, Fault> {
    let parts = parts(value)?;
    if parts.sign > NEGATIVE {
        return Err(Fault::Reject(format!("{} does not fit a decimal", special(parts.sign))));
    }
    let Some((last, leading)) = parts.digits.split_last() else { return Ok(0) };
    let last = digit(*last)?;
    // How many decimal places the last digit must be moved to the left; negative: cut off.
    let shift = 4 * (i32::from(parts.weight) - leading.len() as i32) + i32::from(scale);
    let magnitude = if leading.len() < 4 && (-3..=22).contains(&shift) {
        // The common case: at most 16 digits, so that nothing below can overflow.
        let mut whole = 0u64;
        for bytes in leading {
            whole = whole * 10_000 + u64::from(digit(*bytes)?);
        }
        // Of the last digit, which has four places, -shift are cut off.
        let (kept, cut, base) = match shift {
            0.. => (last, 0, 10_000),
            -1 => (last / 10, last % 10, 1000),
            -2 => (last / 100, last % 100, 100),
            _ => (last / 1000, last % 1000, 10),
        };
        if cut != 0 {
            return Err(too_precise(scale));
        }
        let magnitude = i128::from(whole * base + u64::from(kept));
        if shift > 0 { magnitude * POWERS[shift.unsigned_abs() as usize] } else { magnitude }
    } else {
        general(leading, last, shift, scale)?
    };
    if magnitude >= POWERS[usize::from(precision.min(38))] {
        return Err(too_large(precision, scale));
    }
    Ok(if parts.sign == NEGATIVE { -magnitude } else { magnitude })
}

/// Any number of digits, any shift.
fn general(leading: &[[u8; 2]], last: u16, shift: i32, scale: u8) -> Result<i128, Fault> {
    let overflow = || too_large(38, scale);
    // Digits that lie wholly after the last decimal place must be zero; the last digit never is in canonical form,
    // but what comes over the wire need not be canonical.
    let mut magnitude = 0i128;
    let mut place = shift + 4 * leading.len() as i32;
    for digit in leading.iter().map(|bytes| digit(*bytes)).chain(std::iter::once(Ok(last))) {
        let digit = i128::from(digit?);
        if place >= 0 {
            if digit != 0 {
                let power = POWERS.get(place as usize).ok_or_else(overflow)?;
                let part = digit.checked_mul(*power).ok_or_else(overflow)?;
                magnitude = magnitude.checked_add(part).ok_or_else(overflow)?;
            }
        } else {
            let power = if place > -4 { POWERS[place.unsigned_abs() as usize] } else { 10_000 };
            if digit % power != 0 {
                return Err(too_precise(scale));
            }
            magnitude = magnitude.checked_add(digit / power).ok_or_else(overflow)?;
        }
        place -= 4;
    }
    Ok(magnitude)
}

#[cold]
fn too_precise(scale: u8) -> Fault {
    Fault::Reject(format!("the number has more than {scale} digits after the decimal point"))
}

#[cold]
fn too_large(precision: u8, scale: u8) -> Fault {
    Fault::Reject(format!("the number is too large for decimal({precision},{scale})"))
}

fn special(sign: u16) -> &'static str {
    match sign {
        NAN => "NaN",
        INFINITY => "Infinity",
        _ => "-Infinity",
    }
}

/// Appends the number as Postgres writes it.
pub(super) fn text(value: &[u8], out: &mut Vec<u8>) -> Result<(), Fault> {
    let parts = parts(value)?;
    if parts.sign > NEGATIVE {
        out.extend_from_slice(special(parts.sign).as_bytes());
        return Ok(());
    }
    let at = |place: i32| {
        let index = i32::from(parts.weight) - place;
        usize::try_from(index).ok().and_then(|i| parts.digits.get(i)).map_or(Ok(0), |bytes| digit(*bytes))
    };
    if parts.sign == NEGATIVE {
        out.push(b'-');
    }
    if parts.weight < 0 {
        out.push(b'0');
    }
    for place in (0..=i32::from(parts.weight)).rev() {
        let digit = at(place)?;
        if place == i32::from(parts.weight) {
            push_short(digit, out);
        } else {
            push_four(digit, out);
        }
    }
    if parts.scale > 0 {
        out.push(b'.');
        let end = out.len() + usize::from(parts.scale);
        let mut place = -1;
        while out.len() < end {
            push_four(at(place)?, out);
            place -= 1;
        }
        out.truncate(end);
    }
    Ok(())
}

fn push_four(digit: u16, out: &mut Vec<u8>) {
    let ascii = |n: u16| b'0' + (n % 10) as u8;
    out.extend_from_slice(&[ascii(digit / 1000), ascii(digit / 100), ascii(digit / 10), ascii(digit)]);
}

/// Without leading zeros.
fn push_short(digit: u16, out: &mut Vec<u8>) {
    let start = out.len();
    push_four(digit, out);
    let zeros = out[start..].iter().take_while(|byte| **byte == b'0').count().min(3);
    out.drain(start..start + zeros);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn wire(digits: &[u16], weight: i16, sign: u16, scale: u16) -> Vec<u8> {
        let mut bytes = Vec::new();
        for word in [digits.len() as u16, weight as u16, sign, scale].iter().chain(digits) {
            bytes.extend_from_slice(&word.to_be_bytes());
        }
        bytes
    }

    /// What Postgres would send for `value` / 10^`scale`.
    fn wire_of(value: i128, scale: u8) -> Vec<u8> {
        let mut text = format!("{:0width$}", value.unsigned_abs(), width = usize::from(scale) + 1);
        let fraction = text.split_off(text.len() - usize::from(scale));
        let whole = format!("{}{}", "0".repeat((4 - text.len() % 4) % 4), text);
        let fraction = format!("{}{}", fraction, "0".repeat((4 - fraction.len() % 4) % 4));
        let mut digits: Vec<u16> = [whole.as_bytes(), fraction.as_bytes()]
            .concat()
            .chunks(4)
            .map(|c| std::str::from_utf8(c).unwrap().parse().unwrap())
            .collect();
        let mut weight = whole.len() as i16 / 4 - 1;
        while digits.first() == Some(&0) {
            digits.remove(0);
            weight -= 1;
        }
        while digits.last() == Some(&0) {
            digits.pop();
        }
        wire(
            &digits,
            if digits.is_empty() { 0 } else { weight },
            if value < 0 { NEGATIVE } else { 0 },
            u16::from(scale),
        )
    }

    proptest! {
        #[test]
        fn decimals_survive(value in -(10i128.pow(38) - 1)..10i128.pow(38), digits in 0u32..38, scale in 0u8..=38) {
            let value = value / 10i128.pow(digits);
            let bytes = wire_of(value, scale);
            prop_assert_eq!(decimal(&bytes, 38, scale).unwrap(), value);
            let mut out = Vec::new();
            text(&bytes, &mut out).unwrap();
            let mut expected = format!("{:0width$}", value.unsigned_abs(), width = usize::from(scale) + 1);
            if scale > 0 {
                expected.insert(expected.len() - usize::from(scale), '.');
            }
            let minus = if value < 0 { "-" } else { "" };
            prop_assert_eq!(String::from_utf8(out).unwrap(), format!("{minus}{expected}"));
        }

        #[test]
        fn anything_is_answered(bytes in proptest::collection::vec(any::<u8>(), 0..40), p in 1u8..=38) {
            let _ = decimal(&bytes, p, p / 2);
            let _ = text(&bytes, &mut Vec::new());
        }

        #[test]
        fn any_shape_is_answered(digits in proptest::collection::vec(0u16..10_000, 0..12), weight in -20i16..20, scale in 0u16..60) {
            let bytes = wire(&digits, weight, 0, scale);
            let _ = decimal(&bytes, 38, 19);
            text(&bytes, &mut Vec::new()).unwrap();
        }
    }

    #[test]
    fn what_does_not_fit_is_rejected() {
        assert!(matches!(decimal(&wire(&[], 0, NAN, 0), 10, 2), Err(Fault::Reject(_))));
        assert!(matches!(decimal(&wire_of(12345, 2), 4, 2), Err(Fault::Reject(_))));
        assert!(matches!(decimal(&wire_of(12345, 3), 10, 2), Err(Fault::Reject(_))));
        assert_eq!(decimal(&wire_of(12340, 3), 10, 2).unwrap(), 1234);
        assert!(matches!(decimal(&wire(&[1], 30, 0, 0), 38, 0), Err(Fault::Reject(_))));
        assert!(matches!(decimal(&wire(&[10_000], 0, 0, 0), 38, 0), Err(Fault::Corrupt(_))));
    }
}

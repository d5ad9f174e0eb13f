//! Which type holds every value of a column that is only known as text.

use syncline_protocol::LogicalType;

use crate::parse;

/// Digits of a decimal that is inferred; numbers with a fraction and more digits are measurements, not amounts.
const AMOUNT_DIGITS: u8 = 18;
/// Digits before the point that a binary floating-point number always keeps.
const FLOAT_DIGITS: u8 = 15;

/// What one value looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    Boolean,
    /// Digits before and after the point.
    Plain(u8, u8),
    Float,
    Date,
    Timestamp,
    TimestampTz,
    Text,
    Nested,
}

/// The values of one column so far.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Inferred {
    shape: Option<Shape>,
    /// A whole number did not fit 64 bits.
    wide: bool,
}

impl Inferred {
    /// Takes a value into account that a text file has; anything may be meant by it.
    pub(super) fn add(&mut self, text: &str) {
        if self.shape != Some(Shape::Text) {
            let shape = self.shape_of(text);
            self.join(shape);
        }
    }

    /// Takes a JSON string into account: a time or a text, never a number.
    pub(super) fn add_string(&mut self, text: &str) {
        if self.shape != Some(Shape::Text) {
            self.join(time(text).unwrap_or(Shape::Text));
        }
    }

    /// Takes a JSON number or truth value into account.
    pub(super) fn add_scalar(&mut self, text: &str) {
        self.add(text);
    }

    /// Takes a binary floating-point number into account.
    pub(super) fn add_float(&mut self) {
        self.join(Shape::Float);
    }

    /// Takes a JSON object or array into account.
    pub(super) fn add_nested(&mut self) {
        self.join(Shape::Nested);
    }

    fn shape_of(&mut self, text: &str) -> Shape {
        match text.as_bytes() {
            // A plus sign or a leading zero carries meaning: telephone numbers, postal codes.
            [b'+', ..] => Shape::Text,
            [b'0'..=b'9' | b'-' | b'.', ..] => {
                if let Some(plain) = parse::plain(text) {
                    if plain.leading_zero {
                        return Shape::Text;
                    }
                    self.wide |= i64::try_from(plain.unscaled).is_err();
                    return Shape::Plain(plain.before, plain.scale);
                }
                // More digits than any number type holds stay a text: nothing is rounded in silence.
                let measured = || text.contains(['e', 'E']) && parse::float(text).is_some();
                time(text).unwrap_or_else(|| if measured() { Shape::Float } else { Shape::Text })
            }
            [b't' | b'T' | b'f' | b'F', ..] => parse::boolean(text).map_or(Shape::Text, |_| Shape::Boolean),
            _ => Shape::Text,
        }
    }

    fn join(&mut self, shape: Shape) {
        self.shape = Some(match (self.shape, shape) {
            (None, shape) => shape,
            (Some(known), shape) if known == shape => known,
            (Some(Shape::Plain(before, after)), Shape::Plain(more_before, more_after)) => {
                Shape::Plain(before.max(more_before), after.max(more_after))
            }
            // A whole number with more digits would be rounded.
            (Some(Shape::Plain(before, _)), Shape::Float) | (Some(Shape::Float), Shape::Plain(before, _))
                if before <= FLOAT_DIGITS =>
            {
                Shape::Float
            }
            (Some(Shape::Date), Shape::Timestamp) | (Some(Shape::Timestamp), Shape::Date) => Shape::Timestamp,
            (Some(Shape::Nested), _) | (_, Shape::Nested) => Shape::Nested,
            _ => Shape::Text,
        });
    }

    /// The narrowest type; text when there was no value.
    pub(super) fn logical(&self) -> LogicalType {
        match self.shape {
            None | Some(Shape::Text) => LogicalType::Text,
            Some(Shape::Boolean) => LogicalType::Boolean,
            Some(Shape::Plain(_, 0)) if !self.wide => LogicalType::Int64,
            Some(Shape::Plain(before, scale)) => {
                let digits = before + scale;
                if digits <= AMOUNT_DIGITS {
                    LogicalType::Decimal { precision: AMOUNT_DIGITS, scale }
                } else if scale == 0 && digits <= 38 {
                    LogicalType::Decimal { precision: 38, scale }
                } else if before <= FLOAT_DIGITS {
                    LogicalType::Float64
                } else {
                    LogicalType::Numeric
                }
            }
            Some(Shape::Float) => LogicalType::Float64,
            Some(Shape::Date) => LogicalType::Date,
            Some(Shape::Timestamp) => LogicalType::Timestamp,
            Some(Shape::TimestampTz) => LogicalType::TimestampTz,
            Some(Shape::Nested) => LogicalType::Json,
        }
    }
}

fn time(text: &str) -> Option<Shape> {
    if parse::date(text).is_some() {
        Some(Shape::Date)
    } else if parse::timestamp(text).is_some() {
        Some(Shape::Timestamp)
    } else {
        parse::timestamp_tz(text).map(|_| Shape::TimestampTz)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn infer(values: &[&str]) -> String {
        let mut column = Inferred::default();
        values.iter().for_each(|value| column.add(value));
        column.logical().to_string()
    }

    #[test]
    fn the_narrowest_type_that_loses_nothing() {
        for (values, expected) in [
            (&["1", "-5"][..], "int64"),
            (&["1", "9223372036854775808"], "decimal(38,0)"),
            (&["1.10", "5"], "decimal(18,2)"),
            (&["0.12345678901234567890"], "float64"),
            (&["1e5", "2.5"], "float64"),
            (&["007", "1"], "text"),
            (&["+49301234"], "text"),
            (&["true", "False"], "boolean"),
            (&["true", "1"], "text"),
            (&["2024-01-01"], "date"),
            (&["2024-01-01", "2024-01-01T10:00"], "timestamp"),
            (&["2024-01-01T10:00:00Z"], "timestamptz"),
            (&["2024-01-01T10:00:00Z", "2024-01-01"], "text"),
            (&["2024-02-30"], "text"),
            (&["nan"], "text"),
            (&["9007199254740993", "1e5"], "text"),
            (&["1e5", "9007199254740993"], "text"),
            (&["1234567890123456789012345678901234567890"], "text"),
            (&[], "text"),
        ] {
            assert_eq!(infer(values), expected, "{values:?}");
        }
    }
}

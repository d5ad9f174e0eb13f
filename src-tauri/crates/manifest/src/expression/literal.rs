//! Python literals in text (`ast.literal_eval`): what a rendered template becomes.
//!
//! Sets, bytes, complex numbers and `...` stay the text they are written as: JSON cannot hold them.

use super::value::Value;

/// Nested deeper than this, a text stays a text.
const DEPTH_MAX: usize = 64;

/// The literal that the whole text is; none when it is not one.
pub(super) fn read(text: &str) -> Option<Value<'static>> {
    // Most texts are words: their first letter tells that they are no literal.
    let first = text.trim_start().bytes().next()?;
    if !matches!(
        first,
        b'0'..=b'9'
            | b'+'
            | b'-'
            | b'.'
            | b'\''
            | b'"'
            | b'('
            | b'['
            | b'{'
            | b'T'
            | b'F'
            | b'N'
            | b'r'
            | b'R'
            | b'u'
            | b'U'
            | b'#'
            | b'\\'
    ) {
        return None;
    }
    let mut reader = Reader { text: text.trim_start_matches([' ', '\t']), at: 0, depth: 0, nested: 0 };
    reader.skip_blank_lines();
    if reader.at > 0 && reader.peek().is_some_and(|byte| byte == b' ' || byte == b'\t') {
        return None;
    }
    let value = reader.expressions()?;
    // A line of nothing but space would be the indentation of a statement that does not come.
    let rest = reader.rest();
    if rest.rsplit_once('\n').is_some_and(|(_, last)| !last.is_empty() && last.trim().is_empty()) {
        return None;
    }
    reader.nested = 1;
    reader.space();
    (reader.at == reader.text.len()).then_some(value)
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
    depth: usize,
    /// Inside brackets line ends are space.
    nested: usize,
}

impl<'t> Reader<'t> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn skip_blank_lines(&mut self) {
        while let Some(byte @ (b'\n' | b'\r' | b'#')) = self.peek() {
            self.at += if byte == b'#' { self.rest().find('\n').unwrap_or(self.rest().len()) } else { 1 };
        }
    }

    fn space(&mut self) {
        while let Some(byte) = self.peek() {
            match byte {
                b' ' | b'\t' | b'\x0c' => self.at += 1,
                b'\n' | b'\r' if self.nested > 0 => self.at += 1,
                // A line that goes on in the next one.
                b'\\' if self.rest().starts_with("\\\n") => self.at += 2,
                b'#' => self.at += self.rest().find('\n').unwrap_or(self.rest().len()),
                _ => break,
            }
        }
    }

    /// One expression, or several with commas between, which make a tuple.
    fn expressions(&mut self) -> Option<Value<'static>> {
        let first = self.expression()?;
        self.space();
        if self.peek() != Some(b',') {
            return Some(first);
        }
        let mut items = vec![first];
        while self.take(b',') {
            self.space();
            if self.peek().is_none_or(|byte| matches!(byte, b')' | b'\n' | b'\r')) {
                break;
            }
            items.push(self.expression()?);
            self.space();
        }
        Some(Value::Tuple(items.into()))
    }

    fn expression(&mut self) -> Option<Value<'static>> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return None;
        }
        self.space();
        let value = match self.peek()? {
            b'+' => {
                self.at += 1;
                self.signed(1)
            }
            b'-' => {
                self.at += 1;
                self.signed(-1)
            }
            b'0'..=b'9' | b'.' => self.number(),
            b'(' => self.tuple(),
            b'[' => self.list(),
            b'{' => self.dict(),
            _ => self.word_or_text(),
        };
        self.depth -= 1;
        value
    }

    fn signed(&mut self, sign: i128) -> Option<Value<'static>> {
        self.space();
        let value = match self.peek()? {
            b'0'..=b'9' | b'.' => self.number()?,
            _ => return None,
        };
        match value {
            Value::Int(value) => Some(Value::Int(sign * value)),
            Value::Float(value) => Some(Value::Float(sign as f64 * value)),
            _ => None,
        }
    }

    fn word_or_text(&mut self) -> Option<Value<'static>> {
        for (word, value) in
            [("True", Value::Bool(true)), ("False", Value::Bool(false)), ("None", Value::None)]
        {
            if let Some(after) = self.rest().strip_prefix(word)
                && !after.starts_with(|next: char| next.is_alphanumeric() || next == '_')
            {
                self.at += word.len();
                return Some(value);
            }
        }
        let mut whole = String::new();
        let mut any = false;
        loop {
            let raw = matches!(self.peek(), Some(b'r' | b'R'));
            let prefixed = raw || matches!(self.peek(), Some(b'u' | b'U'));
            let quote_at = self.at + usize::from(prefixed);
            if !matches!(self.text.as_bytes().get(quote_at), Some(b'\'' | b'"')) {
                break;
            }
            self.at = quote_at;
            whole.push_str(&self.quoted(raw)?);
            any = true;
            self.space();
        }
        any.then(|| Value::text(whole))
    }

    fn quoted(&mut self, raw: bool) -> Option<String> {
        let quote = self.peek()?;
        let triple =
            self.rest().as_bytes().get(..3).is_some_and(|three| three.iter().all(|one| *one == quote));
        self.at += if triple { 3 } else { 1 };
        let mut out = String::new();
        loop {
            let letter = self.rest().chars().next()?;
            if letter as u32 == u32::from(quote) {
                if !triple {
                    self.at += 1;
                    return Some(out);
                }
                if self.rest().as_bytes().get(..3).is_some_and(|three| three.iter().all(|one| *one == quote))
                {
                    self.at += 3;
                    return Some(out);
                }
            }
            if (letter == '\n' || letter == '\r') && !triple {
                return None;
            }
            self.at += letter.len_utf8();
            if letter == '\\' {
                self.escape(raw, &mut out)?;
            } else {
                out.push(letter);
            }
        }
    }

    fn escape(&mut self, raw: bool, out: &mut String) -> Option<()> {
        let letter = self.rest().chars().next()?;
        self.at += letter.len_utf8();
        if raw {
            out.push('\\');
            out.push(letter);
            return Some(());
        }
        match letter {
            '\n' => {}
            '\\' | '\'' | '"' => out.push(letter),
            'n' => out.push('\n'),
            'r' => out.push('\r'),
            't' => out.push('\t'),
            'a' => out.push('\x07'),
            'b' => out.push('\x08'),
            'f' => out.push('\x0c'),
            'v' => out.push('\x0b'),
            'x' => out.push(self.hex(2)?),
            'u' => out.push(self.hex(4)?),
            'U' => out.push(self.hex(8)?),
            '0'..='7' => {
                let mut code = letter.to_digit(8)?;
                for _ in 0..2 {
                    let Some(digit) = self.rest().chars().next().and_then(|next| next.to_digit(8)) else {
                        break;
                    };
                    code = code * 8 + digit;
                    self.at += 1;
                }
                out.push(char::from_u32(code)?);
            }
            other => {
                out.push('\\');
                out.push(other);
            }
        }
        Some(())
    }

    fn hex(&mut self, digits: usize) -> Option<char> {
        let text =
            self.rest().get(..digits).filter(|text| text.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
        self.at += digits;
        char::from_u32(u32::from_str_radix(text, 16).ok()?)
    }

    fn number(&mut self) -> Option<Value<'static>> {
        let token: &str = {
            let rest = self.rest();
            let mut end = 0;
            let bytes = rest.as_bytes();
            let radix = bytes.first() == Some(&b'0')
                && matches!(bytes.get(1), Some(b'x' | b'X' | b'o' | b'O' | b'b' | b'B'));
            while let Some(byte) = bytes.get(end) {
                let exponent_sign =
                    !radix && matches!(byte, b'+' | b'-') && end > 0 && matches!(bytes[end - 1], b'e' | b'E');
                if byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.') || exponent_sign {
                    end += 1;
                } else {
                    break;
                }
            }
            &rest[..end]
        };
        let value = number(token)?;
        self.at += token.len();
        Some(value)
    }

    fn tuple(&mut self) -> Option<Value<'static>> {
        self.at += 1;
        self.nested += 1;
        self.space();
        let value =
            if self.peek() == Some(b')') { Value::Tuple(Vec::new().into()) } else { self.expressions()? };
        self.space();
        self.nested -= 1;
        self.take(b')').then_some(value)
    }

    fn list(&mut self) -> Option<Value<'static>> {
        self.at += 1;
        self.nested += 1;
        let mut items = Vec::new();
        loop {
            self.space();
            if self.take(b']') {
                self.nested -= 1;
                return Some(Value::list(items));
            }
            items.push(self.expression()?);
            self.space();
            if self.peek() != Some(b']') && !self.take(b',') {
                return None;
            }
        }
    }

    fn dict(&mut self) -> Option<Value<'static>> {
        self.at += 1;
        self.nested += 1;
        let mut fields: Vec<(Value<'static>, Value<'static>)> = Vec::new();
        loop {
            self.space();
            if self.take(b'}') {
                self.nested -= 1;
                return Some(Value::dict(fields));
            }
            let key = self.expression()?;
            if matches!(key, Value::List(_) | Value::Dict(_)) {
                return None;
            }
            self.space();
            if !self.take(b':') {
                return None;
            }
            let value = self.expression()?;
            match fields.iter_mut().find(|(known, _)| known.equals(&key)) {
                Some(field) => field.1 = value,
                None => fields.push((key, value)),
            }
            self.space();
            if self.peek() != Some(b'}') && !self.take(b',') {
                return None;
            }
        }
    }
}

/// A number as Python's source has it.
fn number(token: &str) -> Option<Value<'static>> {
    let bytes = token.as_bytes();
    if bytes.ends_with(b"_") || token.contains("__") {
        return None;
    }
    let digits = token.replace('_', "");
    if let Some(radix) = bytes.get(1).filter(|_| bytes[0] == b'0').and_then(|letter| match letter {
        b'x' | b'X' => Some(16),
        b'o' | b'O' => Some(8),
        b'b' | b'B' => Some(2),
        _ => None,
    }) {
        return i128::from_str_radix(&digits[2..], radix).ok().map(Value::Int);
    }
    // An underscore stands between digits only.
    let lone = |at: usize| {
        !bytes.get(at.wrapping_sub(1)).is_some_and(u8::is_ascii_digit)
            || !bytes.get(at + 1).is_some_and(u8::is_ascii_digit)
    };
    if bytes.iter().enumerate().any(|(at, byte)| *byte == b'_' && lone(at)) {
        return None;
    }
    if digits.bytes().all(|byte| byte.is_ascii_digit()) {
        let zeros = digits.bytes().all(|byte| byte == b'0');
        return (zeros || !digits.starts_with('0')).then(|| digits.parse().ok().map(Value::Int))?;
    }
    let plain = digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-'));
    let some_digit = digits.bytes().any(|byte| byte.is_ascii_digit());
    let mantissa = digits.split(['e', 'E']).next().unwrap_or_default();
    if !plain || !some_digit || !mantissa.bytes().any(|byte| byte.is_ascii_digit()) {
        return None;
    }
    digits.parse().ok().map(Value::Float)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expression::repr::repr;

    #[test]
    fn literals_are_read_as_python_reads_them() {
        for (text, expected) in [
            ("12345", "12345"),
            ("1.10", "1.1"),
            ("1e3", "1000.0"),
            ("1_000", "1000"),
            ("0x1F", "31"),
            ("1,2", "(1, 2)"),
            ("'quoted'", "'quoted'"),
            ("\"a\" \"b\"", "'ab'"),
            (" 12", "12"),
            ("12\n", "12"),
            ("1 # c", "1"),
            ("True", "True"),
            ("None", "None"),
            ("{'a': True}", "{'a': True}"),
            ("{\"a\": 1}", "{'a': 1}"),
            ("[1, [2.0, 'x'], ()]", "[1, [2.0, 'x'], ()]"),
            ("-5", "-5"),
            ("(1)", "1"),
            ("(1,)", "(1,)"),
            ("\"\"\"[1]\"\"\"", "'[1]'"),
            ("'\\u00e9\\x41'", "'éA'"),
        ] {
            assert_eq!(read(text).map(|value| repr(&value)).as_deref(), Some(expected), "{text}");
        }
        for text in [
            "007",
            "true",
            "null",
            "nan",
            "inf",
            "{\"a\": null}",
            "2024-01-05",
            "...",
            "{1,2}",
            "b'x'",
            "1+2j",
            "hello",
            "",
            "1__0",
            "1_",
            "'open",
            "[1",
            "abc(1)",
            "5 days",
            "1.2.3",
            "+",
            "--5",
            "[1 2]",
            "0x",
            "1e",
        ] {
            assert!(read(text).is_none(), "{text}");
        }
        assert!(read(&"[".repeat(100_000)).is_none());
        assert!(read(&"-".repeat(100_000)).is_none());
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "[\\[\\]{}()'\"\\\\,:#0-9a-fA-FNTxu_.+\\- \néß]{0,40}") {
            let _ = read(&text);
        }
    }
}

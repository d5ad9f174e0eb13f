//! Patterns of names: `*`, `?`, `[a-z]`, `[!a]`.

/// A pattern, compiled.
#[derive(Debug, Clone)]
pub(super) struct Glob {
    parts: Vec<Part>,
}

#[derive(Debug, Clone)]
enum Part {
    Letter(char),
    One,
    Many,
    Set { negated: bool, ranges: Vec<(char, char)> },
}

impl Glob {
    /// None: the text is no pattern.
    pub(super) fn new(text: &str) -> Option<Glob> {
        if !text.contains(['*', '?', '[']) {
            return None;
        }
        let letters: Vec<char> = text.chars().collect();
        let mut parts = Vec::new();
        let mut at = 0;
        while let Some(letter) = letters.get(at) {
            at += 1;
            parts.push(match letter {
                '*' => Part::Many,
                '?' => Part::One,
                '[' => match set(&letters[at..]) {
                    Some((part, length)) => {
                        at += length;
                        part
                    }
                    None => Part::Letter('['),
                },
                letter => Part::Letter(*letter),
            });
        }
        Some(Glob { parts })
    }

    /// Whether the whole text fits. Takes at most pattern times text steps.
    pub(super) fn matches(&self, text: &str) -> bool {
        let text: Vec<char> = text.chars().collect();
        let (mut part, mut at) = (0, 0);
        // Where to go on when what follows the last `*` does not fit: that one takes one letter more.
        let mut again = None;
        while at < text.len() {
            match self.parts.get(part) {
                Some(Part::Many) => {
                    again = Some((part, at));
                    part += 1;
                }
                Some(one) if one.fits(text[at]) => {
                    part += 1;
                    at += 1;
                }
                _ => match again {
                    Some((many, from)) => {
                        again = Some((many, from + 1));
                        part = many + 1;
                        at = from + 1;
                    }
                    None => return false,
                },
            }
        }
        self.parts[part..].iter().all(|part| matches!(part, Part::Many))
    }
}

impl Part {
    fn fits(&self, letter: char) -> bool {
        match self {
            Part::Letter(own) => *own == letter,
            Part::One => true,
            Part::Many => false,
            Part::Set { negated, ranges } => {
                ranges.iter().any(|(from, to)| (*from..=*to).contains(&letter)) != *negated
            }
        }
    }
}

/// The set after a `[`, and how long it is with its `]`. None: there is no end.
fn set(letters: &[char]) -> Option<(Part, usize)> {
    let negated = letters.first() == Some(&'!');
    let start = usize::from(negated);
    // A `]` at the start belongs to the set.
    let end = letters.iter().skip(start + 1).position(|letter| *letter == ']')? + start + 1;
    let mut ranges = Vec::new();
    let mut left = &letters[start..end];
    while let Some((from, rest)) = left.split_first() {
        left = match rest {
            ['-', to, rest @ ..] => {
                ranges.push((*from, *to));
                rest
            }
            rest => {
                ranges.push((*from, *from));
                rest
            }
        };
    }
    Some((Part::Set { negated, ranges }, end + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_file_names_do() {
        for (pattern, text, fits) in [
            ("*", "abc", true),
            ("*", "", true),
            ("a*c", "abc", true),
            ("a*c", "abcb", false),
            ("*b*", "abc", true),
            ("a?c", "ac", false),
            ("[a-c]x", "bx", true),
            ("[!a]x", "ax", false),
            ("[!a]x", "bx", true),
            ("[]]", "]", true),
            ("[a-]", "-", true),
            ("[", "[", true),
            ("a[b", "a[b", true),
            ("?", "é", true),
        ] {
            assert_eq!(Glob::new(pattern).unwrap().matches(text), fits, "{pattern} {text}");
        }
        assert!(Glob::new("plain").is_none());
    }

    #[test]
    fn hard_patterns_end_soon() {
        assert!(!Glob::new(&"*a".repeat(200)).unwrap().matches(&"b".repeat(10_000)));
    }
}

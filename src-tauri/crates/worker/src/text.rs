//! Numbers, sizes and times as people read them.

use std::time::Duration;

use jiff::Timestamp;

/// `1240000` → `1,240,000`.
pub(crate) fn count(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 row`, `2 rows`, `1,240,000 rows`.
pub(crate) fn counted(value: u64, one: &str) -> String {
    let plural = if value == 1 { "" } else { "s" };
    format!("{} {one}{plural}", count(value))
}

/// `1240000` → `1.24 M`: for figures that move or are estimates.
pub(crate) fn about(value: u64) -> String {
    scaled(value, 1000.0, &["", " k", " M", " G", " T"])
}

/// Bytes as `84 MB`.
pub(crate) fn bytes(value: u64) -> String {
    scaled(value, 1000.0, &[" B", " kB", " MB", " GB", " TB"])
}

fn scaled(value: u64, step: f64, units: &[&str]) -> String {
    let mut number = value as f64;
    let mut unit = 0;
    // 999.5 would be printed as 1000.
    while number >= step - 0.5 && unit + 1 < units.len() {
        number /= step;
        unit += 1;
    }
    let digits = if unit == 0 || number >= 99.95 {
        0
    } else if number >= 9.995 {
        1
    } else {
        2
    };
    format!("{number:.digits$}{}", units[unit])
}

/// `12 ms`, `8.4 s`, `03:12 min`, `2 h 05 min`.
pub(crate) fn duration(value: Duration) -> String {
    let seconds = value.as_secs();
    match seconds {
        0 => format!("{} ms", value.as_millis()),
        1..60 => format!("{:.1} s", value.as_secs_f64()),
        60..3600 => format!("{}:{:02} min", seconds / 60, seconds % 60),
        _ => format!("{} h {:02} min", seconds / 3600, seconds % 3600 / 60),
    }
}

/// `just now`, `3 min ago`, `2 h ago`, `4 days ago`, then the day.
pub(crate) fn ago(at: Timestamp, now: Timestamp) -> String {
    let seconds = now.duration_since(at).as_secs();
    match seconds {
        // A clock that was set back must not make the past the future.
        ..60 => "just now".to_owned(),
        60..3600 => format!("{} min ago", seconds / 60),
        3600..86_400 => format!("{} h ago", seconds / 3600),
        86_400..691_200 => {
            let days = seconds / 86_400;
            format!("{days} {} ago", if days == 1 { "day" } else { "days" })
        }
        _ => at.strftime("%Y-%m-%d").to_string(),
    }
}

/// Text of at most `width` characters; what was cut off shows as `…`. Line breaks become visible.
pub(crate) fn shorten(text: &str, width: usize) -> String {
    let flat: String = text.chars().map(|c| if c.is_control() { '␤' } else { c }).take(width + 1).collect();
    if flat.chars().count() <= width {
        return flat;
    }
    let mut cut: String = flat.chars().take(width.saturating_sub(1)).collect();
    cut.push('…');
    cut
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_readable() {
        assert_eq!([0, 999, 1000, 1_240_000].map(count), ["0", "999", "1,000", "1,240,000"]);
        assert_eq!(
            [0, 999, 1000, 12_340, 999_999, 1_240_000].map(about),
            ["0", "999", "1.00 k", "12.3 k", "1.00 M", "1.24 M"]
        );
        assert_eq!([512, 84_000_000].map(bytes), ["512 B", "84.0 MB"]);
        assert_eq!((counted(1, "row"), counted(2, "row")), ("1 row".to_owned(), "2 rows".to_owned()));
        assert_eq!(about(u64::MAX), "18446744 T");
    }

    #[test]
    fn times_are_readable() {
        let times = [12, 8_400, 192_000, 7_500_000].map(|ms| duration(Duration::from_millis(ms)));
        assert_eq!(times, ["12 ms", "8.4 s", "3:12 min", "2 h 05 min"]);
        let at = |seconds: i64| Timestamp::from_second(1_800_000_000 + seconds).unwrap();
        let since = [-5, 5, 180, 7200, 86_400, 400_000, 10_000_000].map(|seconds| ago(at(0), at(seconds)));
        assert_eq!(
            since,
            ["just now", "just now", "3 min ago", "2 h ago", "1 day ago", "4 days ago", "2027-01-15"]
        );
    }

    #[test]
    fn long_text_is_cut_visibly() {
        assert_eq!(shorten("hello", 5), "hello");
        assert_eq!(shorten("hello!", 5), "hell…");
        assert_eq!(shorten("a\nb", 5), "a␤b");
        assert_eq!(shorten("ééééé", 3), "éé…");
    }
}

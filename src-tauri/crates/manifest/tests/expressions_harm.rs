//! Templates and texts that are meant to do harm: each ends with a value or a clear error.

use std::sync::Arc;

use proptest::prelude::*;
use serde_json::{Value as Json, json};
use syncline_manifest::expression::datetime::{Duration, Moment};
use syncline_manifest::expression::{Scope, Text, python_literal, python_str};

fn frozen() -> jiff::Timestamp {
    "2024-03-15T10:20:30.123456Z".parse().unwrap()
}

fn evaluated(text: &str) -> Result<Json, String> {
    let config = json!({"n": 5, "list": [1, 2, 3], "text": "a b", "dict": {"a": {"b": null}}});
    let record = json!({"id": 1, "name": "x", "price": 2.5});
    let scope = Scope::new(&config, frozen).with("record", &record);
    let text = Text::new(text, Arc::new(json!({}))).map_err(|error| error.to_string())?;
    text.eval(&scope).map_err(|error| error.to_string())
}

#[test]
fn templates_that_never_end_are_stopped() {
    let many = "{% for a in x %}{% for b in x %}{% for c in x %}{% for d in x %}{{ d }}";
    let ends = "{% endfor %}".repeat(4);
    for (text, expected) in [
        (format!("{{% set x = [1] * 100 %}}{many}{ends}"), "steps"),
        ("{{ 'x' * 100000000 }}".to_owned(), "64 MB"),
        ("{{ ('x' * 60000000) ~ ('x' * 60000000) }}".to_owned(), "steps"),
        ("{{ ('x' * 30000000).replace('x', 'yyyy') }}".to_owned(), "64 MB"),
        ("{{ [1] * 1000000000 }}".to_owned(), "64 MB"),
        ("{{ ('x' * 30000000) | list }}".to_owned(), "too long"),
        ("{{ 2 ** 1000 }}".to_owned(), "out of range"),
        ("{{ '%1000000000d' % 5 }}".to_owned(), ""),
        (
            "{% set x = [1] * 99 %}{% set n = namespace(v='x') %}{% for a in x %}{% set n.v = n.v ~ n.v %}{% endfor %}{{ n.v }}".to_owned(),
            "steps",
        ),
        (
            "{% set x = [1] * 99 %}{% set n = namespace(v=[1]) %}{% for a in x %}{% set n.v = n.v + n.v %}{% endfor %}{{ n.v }}".to_owned(),
            "steps",
        ),
    ] {
        match evaluated(&text) {
            Ok(value) => assert!(expected.is_empty(), "{text} gave {} bytes", value.to_string().len()),
            Err(error) => assert!(error.contains(expected), "{text}: {error}"),
        }
    }
}

#[test]
fn values_that_hold_themselves_do_no_harm() {
    for text in [
        "{% set l = [1] %}{% set _ = l.append(l) %}{{ l }}",
        "{% set l = [1] %}{% set _ = l.extend(l) %}{{ l }}",
        "{% set l = [1] %}{% set _ = l.insert(0, l) %}{{ l == l }}{{ l.remove(l) }}",
        "{% set l = [1] %}{% set m = [l] %}{% set _ = l.append(m) %}{{ m | tojson }}",
        "{% set d = {} %}{% set _ = d.update({'a': d}) %}{{ d }}",
        "{% set d = {} %}{% set _ = d.setdefault('a', d) %}{{ d | string }}",
        "{% set n = namespace() %}{% set n.n = n %}{{ n }}",
        "{% set x = [1] * 500 %}{% set n = namespace(v=[]) %}{% for a in x %}{% set n.v = [n.v] %}{% endfor %}{{ n.v }}",
        "{% set x = [1] * 500 %}{% set n = namespace(v={}) %}{% for a in x %}{% set n.v = {'a': n.v} %}{% endfor %}{{ n.v }}",
        "{% set x = [1] * 500 %}{% set n = namespace(v=[]) %}{% set r = n.v %}{% for a in x %}{% set _ = n.v.append([]) %}{% set n.v = n.v[0] %}{% endfor %}{{ r }}",
    ] {
        let _ = evaluated(text);
    }
}

#[test]
fn deep_texts_are_refused() {
    for (open, middle, close) in [
        ("(", "1", ")"),
        ("[", "1", "]"),
        ("{'a':", "1", "}"),
        ("not ", "1", ""),
        ("-", "1", ""),
        ("1+", "1", ""),
        ("1 if 1 else ", "1", ""),
        ("", "config", ".a"),
        ("", "config", "['a']"),
        ("", "'a'", "|upper"),
        ("", "config", "()"),
        ("", "1", " and 1"),
        ("", "1", " < 1"),
        ("", "'a'", " ~ 'a'"),
        ("", "1", " is number"),
        ("config.get(", "1", ")"),
        ("", "config", "[1:2]"),
        ("2**", "2", ""),
    ] {
        for count in [50, 140, 400, 1000, 5_000, 20_000] {
            let text = format!("{{{{ {}{middle}{} }}}}", open.repeat(count), close.repeat(count));
            let _ = evaluated(&text);
            let _ = python_literal(&text[3..text.len() - 3]);
        }
    }
    for (open, close) in [
        ("{% if 1 %}", "{% endif %}"),
        ("{% for x in [1] %}", "{% endfor %}"),
        ("{% with %}", "{% endwith %}"),
        ("{% filter upper %}", "{% endfilter %}"),
    ] {
        for count in [50, 1000] {
            let _ = evaluated(&format!("{}x{}", open.repeat(count), close.repeat(count)));
        }
    }
    let _ = Moment::parse(&" ".repeat(100_000), &"% ".repeat(50_000));
    let _ = Moment::parse(&"1".repeat(10_000), &"%d".repeat(5_000));
    let _ = frozen_moment().strftime(&"%c%".repeat(10_000));
}

fn frozen_moment() -> Moment {
    Moment::utc(frozen())
}

#[test]
fn numbers_at_their_ends_do_no_harm() {
    for text in [
        "{{ -(2**126) * 2 }}",
        "{{ -(-(2**126) * 2) }}",
        "{{ (-(2**126) * 2) | abs }}",
        "{{ (-(2**126) * 2) // -1 }}",
        "{{ (-(2**126) * 2) % -1 }}",
        "{{ (-(2**126) * 2) is divisibleby -1 }}",
        "{{ config['list'][-(2**126) * 2] }}",
        "{{ config['list'][-(2**126) * 2:2**126:-(2**126)] }}",
        "{{ '%d' % (-(2**126) * 2) }}",
        "{{ '{:x}'.format(-(2**126) * 2) }}",
        "{{ 1e308 * 10 }}",
        "{{ (1e308 * 10) | int }}",
        "{{ '%d' % (1e308 * 10) }}",
        "{{ ('nan' | float) | round }}",
        "{{ [2, 'nan' | float, 1, 'nan' | float, 3] | sort }}",
        "{{ [2, 'a', 1, none, [], 3.5, {}] | sort }}",
        "{{ duration('P999999999Y') + now_utc() }}",
        "{{ now_utc() - duration('P999999999W999999999DT999999999H') }}",
        "{{ duration('P999999999W') * 999999999 }}",
        "{{ day_delta(9223372036854775807) }}",
        "{{ day_delta(-9223372036854775808) }}",
        "{{ day_delta(1e300) }}",
        "{{ str_to_datetime('0001-01-01T00:00:00+23:59') }}",
        "{{ str_to_datetime('9999-12-31T23:59:59-23:59').strftime('%G-%V %U %W %j') }}",
        "{{ format_datetime(9223372036854775807, '%Y') }}",
        "{{ format_datetime(-9223372036854775808, '%Y', '%ms') }}",
        "{{ now_utc().replace(year=0) }}",
        "{{ 'a'.center(99999999999999999999) | length }}",
        "{{ 'a b'.split(' ', 99999999999999999999) }}",
        "{{ 'a'.zfill(-5) }}",
        "{{ [1] | batch(99999999999999) }}",
        "{{ [1] | batch(99999999999999, 0) | length }}",
        "{{ [1] | slice(99999999999999) }}",
        "{{ 'ab' | truncate(-5) }}",
        "{{ 'ab' | truncate(99999999999999999999, false, '', 99999999999999999999) }}",
        "{{ 1.5 | round(99999) }}",
        "{{ 'é'.find('é', -99999999999999) }}",
        "{{ 'é'[0:99999999999999999999] }}",
        "{{ 'éa'.count('a', 1, 2) }}",
        "{{ 'é' | regex_replace('', '\\\\g<0>') }}",
        "{{ '\\\\' | regex_replace('\\\\\\\\', '\\\\') }}",
    ] {
        let _ = evaluated(text);
    }
}

/// Pieces that templates are made of.
const PIECES: &[&str] = &[
    "config",
    "record",
    "['n']",
    ".list",
    "[0]",
    "[-1:]",
    "[::2]",
    "('a')",
    "(1, 'b')",
    " + ",
    " - ",
    " * ",
    " / ",
    " % ",
    " ~ ",
    " == ",
    " < ",
    " in ",
    " not in ",
    " and ",
    " or ",
    "not ",
    " if ",
    " else ",
    " is ",
    "none",
    "defined",
    "mapping",
    "|",
    "upper",
    "length",
    "join(',')",
    "default('x')",
    "int",
    "tojson",
    "map('upper')",
    "sort",
    "round(1)",
    "'a'",
    "'é{}'",
    "1",
    "2.5",
    "-1",
    "[1, 'a']",
    "(1,)",
    "{'a': 1}",
    "now_utc()",
    "duration('P1M')",
    ".strftime('%Y')",
    ".format(1)",
    ".split()",
    ".get('a', 1)",
    ".append(1)",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ",",
    ":",
    "true",
    " ",
    "\n",
    "{{ ",
    " }}",
    "{% set x = ",
    " %}",
    "{% for x in ",
    "{% endfor %}",
    "{% if ",
    "{% endif %}",
    "x",
    "loop.index",
    "%s",
    "%(a)d",
    "{:>5}",
    "\\",
    "'",
];

fn piece() -> impl Strategy<Value = String> {
    prop::sample::select(PIECES).prop_map(str::to_owned)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn no_template_panics(pieces in prop::collection::vec(piece(), 1..14), whole in any::<bool>()) {
        let text = pieces.concat();
        let _ = evaluated(&if whole { text } else { format!("{{{{ {text} }}}}") });
    }

    #[test]
    fn no_text_panics(text in "\\PC{0,60}") {
        let _ = evaluated(&text);
        let _ = evaluated(&format!("{{{{ {text} }}}}"));
        let _ = python_literal(&text);
        let _ = Duration::parse(&text);
        let _ = Moment::parse_any(&text);
        let _ = frozen_moment().format(&text);
    }

    /// What Python would print is read back as the same value.
    #[test]
    fn what_is_printed_is_read(value in value()) {
        prop_assert_eq!(python_literal(&python_str(&json!([value]))), json!([value]));
    }
}

fn value() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        any::<f64>().prop_filter("JSON has no infinity", |number| number.is_finite()).prop_map(Json::from),
        "\\PC{0,12}|[\\x00-\\x7f]{0,6}".prop_map(Json::from),
    ];
    leaf.prop_recursive(4, 24, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Json::from),
            prop::collection::vec(("\\PC{0,6}", inner), 0..5)
                .prop_map(|fields| Json::Object(fields.into_iter().collect())),
        ]
    })
}

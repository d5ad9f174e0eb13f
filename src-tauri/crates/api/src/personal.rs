//! Guesses which columns may hold personal data, from names and types alone: no value is read for it.
//!
//! Public bug lists of such guesses are full of false alarms (`email_count`, `email_verified`, `scenario_code` as a card
//! number). Therefore whole words of the name count, never parts of words; types that cannot hold such data and endings
//! that say "about it" are vetoes; and the answer is "likely" or "possible", not a number.

use syncline_protocol::{Column, LogicalType};

use crate::types::{PersonalData, PersonalDataSuggestion};

use PersonalDataSuggestion::{Exclude, Hash};

/// A kind of personal data: words that must all occur, next to each other, in the name of the column.
struct Kind {
    name: &'static str,
    words: &'static [&'static [&'static str]],
    /// Whether the words leave little doubt.
    likely: bool,
    suggestion: PersonalDataSuggestion,
    /// Whether days hold it, too.
    days: bool,
}

const KINDS: &[Kind] = &[
    Kind {
        name: "e-mail",
        words: &[&["email"], &["e", "mail"], &["mail", "address"]],
        likely: true,
        suggestion: Hash,
        days: false,
    },
    Kind {
        name: "phone number",
        words: &[&["phone"], &["telephone"], &["mobile"], &["msisdn"], &["fax"]],
        likely: true,
        suggestion: Hash,
        days: false,
    },
    Kind {
        name: "date of birth",
        words: &[&["birth"], &["birthday"], &["birthdate"], &["dob"]],
        likely: true,
        suggestion: Exclude,
        days: true,
    },
    Kind {
        name: "national number",
        words: &[&["ssn"], &["social", "security"], &["national", "id"], &["passport"], &["tax", "id"]],
        likely: true,
        suggestion: Exclude,
        days: false,
    },
    Kind {
        name: "card number",
        words: &[&["card", "number"], &["credit", "card"], &["pan"], &["cvv"], &["cvc"]],
        likely: true,
        suggestion: Exclude,
        days: false,
    },
    Kind {
        name: "bank account",
        words: &[&["iban"], &["account", "number"], &["bank", "account"]],
        likely: true,
        suggestion: Exclude,
        days: false,
    },
    Kind {
        name: "password",
        words: &[&["password"], &["passwd"], &["secret"], &["token"]],
        likely: true,
        suggestion: Exclude,
        days: false,
    },
    Kind {
        name: "name of a person",
        words: &[
            &["first", "name"],
            &["last", "name"],
            &["full", "name"],
            &["firstname"],
            &["lastname"],
            &["surname"],
            &["given", "name"],
            &["family", "name"],
        ],
        likely: true,
        suggestion: Hash,
        days: false,
    },
    Kind {
        name: "address",
        words: &[
            &["street"],
            &["address", "line"],
            &["postal", "address"],
            &["home", "address"],
            &["billing", "address"],
            &["shipping", "address"],
        ],
        likely: false,
        suggestion: Hash,
        days: false,
    },
    Kind {
        name: "network address",
        words: &[&["ip"], &["ip", "address"], &["ipaddress"], &["mac", "address"]],
        likely: false,
        suggestion: Hash,
        days: false,
    },
    Kind {
        name: "place",
        words: &[&["latitude"], &["longitude"], &["geolocation"]],
        likely: false,
        suggestion: Exclude,
        days: false,
    },
    Kind { name: "gender", words: &[&["gender"], &["sex"]], likely: false, suggestion: Exclude, days: false },
];

/// Endings that make a column one *about* the data: a count, a flag, a code already.
const ABOUT: &[&str] = &[
    "count",
    "counts",
    "verified",
    "confirmed",
    "hash",
    "hashed",
    "enabled",
    "sent",
    "opened",
    "status",
    "type",
    "template",
    "domain",
    "provider",
    "valid",
    "opt",
    "subject",
    "id",
    "at",
    "code",
    "format",
    "version",
];

/// What a column may hold; none when nothing speaks for personal data.
pub(crate) fn guess(column: &Column) -> Option<PersonalData> {
    let days =
        matches!(column.logical, LogicalType::Date | LogicalType::Timestamp | LogicalType::TimestampTz);
    let text = matches!(column.logical, LogicalType::Text);
    if !text && !days {
        return None;
    }
    let words = words(&column.name);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let has = |wanted: &[&str]| words.windows(wanted.len()).any(|window| window == wanted);
    let kind = KINDS
        .iter()
        .filter(|kind| text || kind.days)
        .find(|kind| kind.words.iter().any(|wanted| has(wanted)))?;
    let wanted = kind.words.iter().find(|wanted| has(wanted))?;
    let ends_with_it = words.ends_with(wanted);
    if !ends_with_it && words.last().is_some_and(|last| ABOUT.contains(last)) {
        return None;
    }
    let holds = if text { "text" } else { "a day" };
    Some(PersonalData {
        kind: kind.name.to_owned(),
        likely: kind.likely,
        evidence: format!("The name says \"{}\", and the column holds {holds}.", wanted.join(" ")),
        suggestion: kind.suggestion,
    })
}

/// The words of a name: `contactEMailAddress` and `contact_email` are taken apart.
fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut before = None::<char>;
    for character in name.chars() {
        let begins = match before {
            None => true,
            Some(before) => character.is_uppercase() && (before.is_lowercase() || before.is_numeric()),
        };
        if !character.is_alphanumeric() {
            before = None;
            continue;
        }
        if begins {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut() {
            word.extend(character.to_lowercase());
        }
        before = Some(character);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(name: &str, logical: LogicalType) -> Option<String> {
        guess(&Column::new(name, logical)).map(|guess| guess.kind)
    }

    #[test]
    fn names_that_say_so_are_found() {
        for (name, expected) in [
            ("email", "e-mail"),
            ("customerEmail", "e-mail"),
            ("contact_e_mail", "e-mail"),
            ("Phone", "phone number"),
            ("first_name", "name of a person"),
            ("iban", "bank account"),
            ("last_login_ip", "network address"),
        ] {
            assert_eq!(kind(name, LogicalType::Text).as_deref(), Some(expected), "{name}");
        }
        assert_eq!(kind("date_of_birth", LogicalType::Date).as_deref(), Some("date of birth"));
    }

    #[test]
    fn what_others_flag_wrongly_is_left_alone() {
        for name in [
            "email_count",
            "email_verified",
            "email_template",
            "scenario_code",
            "weekday",
            "shipping",
            "panel",
            "tip",
        ] {
            assert_eq!(kind(name, LogicalType::Text), None, "{name}");
        }
        assert_eq!(kind("email", LogicalType::Int64), None, "a number is no e-mail");
        assert_eq!(kind("email_sent", LogicalType::Boolean), None);
        assert_eq!(kind("email", LogicalType::Date), None);
        assert_eq!(kind("academic_year_code", LogicalType::Int32), None);
    }
}

//! Questions to a person at a terminal.

use dialoguer::theme::ColorfulTheme;
use dialoguer::{Confirm, Input, Password, Select};
use secrecy::SecretString;
use syncline_protocol::{Error, ErrorKind, Result};

use syncline_api::form::{Field, Kind};

/// What a person gave for a field.
pub(crate) enum Answer {
    /// Nothing: the default holds.
    Nothing,
    /// A value, as it would be typed.
    Text(String),
    /// A secret.
    Secret(SecretString),
}

/// Asks for a field.
///
/// # Errors
/// `Stopped` when the person breaks off.
pub(crate) fn field(path: &str, field: &Field<'_>) -> Result<Answer> {
    let label = match field.description() {
        Some(description) => format!("{path}: {description}"),
        None => path.to_owned(),
    };
    if field.is_secret() {
        return secret(&label, !field.required);
    }
    if let Kind::Choice(choices) = field.kind() {
        return choice(&label, field, &choices);
    }
    let theme = ColorfulTheme::default();
    let mut input = Input::<String>::with_theme(&theme).with_prompt(label).allow_empty(!field.required);
    let default =
        field.default().map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned));
    if let Some(default) = &default {
        input = input.default(default.clone());
    }
    let checked = field.clone();
    let text = input
        .validate_with(|text: &String| match text.is_empty() {
            true => Ok(()),
            false => checked.parse(text).map(|_| ()).map_err(|error| error.message().to_owned()),
        })
        .interact_text()
        .map_err(broken_off)?;
    Ok(if text.is_empty() || default.as_ref() == Some(&text) { Answer::Nothing } else { Answer::Text(text) })
}

fn choice(label: &str, field: &Field<'_>, choices: &[(String, String)]) -> Result<Answer> {
    let items: Vec<String> = choices
        .iter()
        .map(|(word, meaning)| if meaning.is_empty() { word.clone() } else { format!("{word}: {meaning}") })
        .collect();
    let default = field.default().and_then(|value| value.as_str());
    let at = default.and_then(|word| choices.iter().position(|(known, _)| known == word)).unwrap_or(0);
    let chosen = select(label, &items, at)?;
    let word = &choices[chosen].0;
    Ok(if default == Some(word) { Answer::Nothing } else { Answer::Text(word.clone()) })
}

/// Asks for a secret without showing it.
///
/// # Errors
/// `Stopped` when the person breaks off.
pub(crate) fn secret(label: &str, may_be_empty: bool) -> Result<Answer> {
    let hint = if may_be_empty { " (Enter for none)" } else { "" };
    let text = Password::with_theme(&ColorfulTheme::default())
        .with_prompt(format!("{label}{hint}"))
        .allow_empty_password(may_be_empty)
        .interact()
        .map_err(broken_off)?;
    Ok(if text.is_empty() { Answer::Nothing } else { Answer::Secret(SecretString::from(text)) })
}

/// Asks to choose one of `items`; returns its index.
///
/// # Errors
/// `Stopped` when the person breaks off.
pub(crate) fn select(label: &str, items: &[String], default: usize) -> Result<usize> {
    Select::with_theme(&ColorfulTheme::default())
        .with_prompt(label)
        .items(items)
        .default(default)
        .max_length(12)
        .interact()
        .map_err(broken_off)
}

/// Asks for a yes or no.
///
/// # Errors
/// `Stopped` when the person breaks off.
pub(crate) fn confirm(question: &str, default: bool) -> Result<bool> {
    Confirm::with_theme(&ColorfulTheme::default())
        .with_prompt(question)
        .default(default)
        .interact()
        .map_err(broken_off)
}

fn broken_off(error: dialoguer::Error) -> Error {
    Error::new(ErrorKind::Stopped, "The question was not answered.")
        .meaning("Nothing was changed.")
        .fix("Give the answers as flags; `--help` lists them.")
        .caused_by(error)
}

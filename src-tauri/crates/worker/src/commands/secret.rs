//! `syncline secret`

use std::io::{self, IsTerminal, Read};

use jiff::Timestamp;
use secrecy::SecretString;
use syncline_protocol::{Error, ErrorKind, Result};
use syncline_store::secrets::validate_secret_name;

use crate::app::Context;
use crate::cli::SecretCommand;
use crate::exit::Exit;
use crate::prompt::{self, Answer};
use crate::text::counted;

/// More than any key or certificate chain has.
const SECRET_BYTES_MAX: u64 = 1 << 20;

pub(crate) fn run(context: &Context<'_>, command: SecretCommand) -> Result<Exit> {
    let vault = context.vault()?;
    match command {
        SecretCommand::Set { name } => {
            validate_secret_name(&name)?;
            let secret = ask(&name)?;
            context.screen.redaction.learn(std::slice::from_ref(&secret));
            vault.set(&name, &secret, Timestamp::now())?;
            context.screen.print(format!("Stored. Project files refer to it as ${{secret:{name}}}."));
        }
        SecretCommand::List => {
            let names = vault.names()?;
            if names.is_empty() {
                context.screen.say("The vault is empty. Store a secret with `syncline secret set NAME`.");
            }
            names.iter().for_each(|name| context.screen.print(name));
        }
        SecretCommand::Remove { names, all } => {
            if all {
                let removed = vault.clear()? as u64;
                context.screen.print(format!("Removed {}.", counted(removed, "secret")));
            }
            for name in names {
                if !vault.remove(&name)? {
                    return Err(Error::new(
                        ErrorKind::Config,
                        format!("There is no secret called `{name}`."),
                    )
                    .meaning("The others, named before it, were removed.")
                    .fix("List them with `syncline secret list`."));
                }
                context.screen.print(format!("Removed {name}."));
            }
        }
    }
    Ok(Exit::Ok)
}

fn ask(name: &str) -> Result<SecretString> {
    let empty = || Error::new(ErrorKind::Config, "No secret was given.").meaning("Nothing was stored.");
    if io::stdin().is_terminal() {
        return match prompt::secret(name, false)? {
            Answer::Secret(secret) => Ok(secret),
            Answer::Nothing | Answer::Text(_) => Err(empty()),
        };
    }
    let mut text = String::new();
    io::stdin().take(SECRET_BYTES_MAX + 1).read_to_string(&mut text).map_err(|error| {
        Error::new(ErrorKind::Config, "The secret could not be read from standard input.").caused_by(error)
    })?;
    // What `echo` and editors put at the end is not part of it.
    let secret =
        text.strip_suffix('\n').map_or(text.as_str(), |text| text.strip_suffix('\r').unwrap_or(text));
    if secret.is_empty() { Err(empty()) } else { Ok(SecretString::from(secret)) }
}

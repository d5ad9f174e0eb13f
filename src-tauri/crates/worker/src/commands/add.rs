//! `syncline add`

use std::sync::Arc;

use jiff::Timestamp;
use secrecy::SecretString;
use serde_json::{Map, Value};
use syncline_protocol::{Connector, Error, ErrorKind, Listing, Result, Spec};
use syncline_store::SystemKind;
use syncline_store::config::SystemConfig;
use syncline_store::project::validate_name;
use syncline_store::secrets::has_reference;

use crate::app::Context;
use crate::cli::{Add, AddCommand, AddSystem};
use crate::exit::Exit;
use crate::prompt::{self, Answer};
use syncline_api::form::{self, Field, Form, Kind, Ways};

mod connection;

pub(crate) fn run(context: &Context<'_>, arguments: Add) -> Result<Exit> {
    match arguments.command {
        AddCommand::Source(arguments) => system(context, SystemKind::Source, &arguments),
        AddCommand::Destination(arguments) => system(context, SystemKind::Destination, &arguments),
        AddCommand::Connection(arguments) => connection::add(context, &arguments),
    }
}

/// Refuses a name that is not allowed or taken.
fn check_name(name: &str, word: &str, taken: &[String], replace: bool) -> Result<()> {
    validate_name(name)?;
    if !replace && taken.iter().any(|known| known == name) {
        return Err(Error::new(ErrorKind::Config, format!("There is already a {word} called `{name}`."))
            .meaning("It was left as it is.")
            .fix("Choose another name, or add --replace."));
    }
    Ok(())
}

fn system(context: &Context<'_>, kind: SystemKind, arguments: &AddSystem) -> Result<Exit> {
    let (name, word) = (&arguments.name, kind.word());
    check_name(name, word, &context.project.systems(kind)?, arguments.replace)?;
    let connector = connector(context, kind, arguments)?;
    let spec = connector.spec();
    let schema = schema_of(&spec, kind)?;
    let form = Form::new(&schema);
    let mut draft = Draft { name, config: Map::new(), secrets: Vec::new() };
    if let Some(url) = &arguments.from_url {
        for (path, text) in form::from_url(&form, url)? {
            if draft.set_from_address(&form, &path, &text)? {
                context.screen.say(
                    "The password in the address goes into the vault. It still stands in the history of your shell.",
                );
            }
        }
    }
    for (path, text) in &arguments.settings {
        draft.set_from_flag(&form, path, text)?;
    }
    if context.screen.is_interactive() && (draft.config.is_empty() || draft.lacks_required(&form)) {
        context.screen.say(format!("{}: {}", spec.title, spec.description));
        draft.ask(&form.fields(), "")?;
    }
    save(context, kind, &spec, draft)?;
    context.screen.print(format!("Added {word}s/{name}.yaml.\nTest it with `syncline check {name}`."));
    Ok(Exit::Ok)
}

/// Secrets first, then the file: a file that refers to nothing would be refused at the next command. When it is refused
/// now, the vault is as it was before.
fn save(context: &Context<'_>, kind: SystemKind, spec: &Spec, draft: Draft<'_>) -> Result<()> {
    let vault = context.vault()?;
    let mut before = Vec::new();
    for (secret, value) in &draft.secrets {
        context.screen.redaction.learn(std::slice::from_ref(value));
        before.push((secret.clone(), vault.get(secret)?));
        vault.set(secret, value, Timestamp::now())?;
    }
    let saved = save_file(context, kind, spec, draft);
    if saved.is_err() {
        for (secret, value) in before {
            match value {
                Some(value) => vault.set(&secret, &value, Timestamp::now())?,
                None => drop(vault.remove(&secret)?),
            }
        }
    }
    saved
}

fn save_file(context: &Context<'_>, kind: SystemKind, spec: &Spec, draft: Draft<'_>) -> Result<()> {
    let system =
        SystemConfig { connector: spec.name.clone().into_owned(), config: Value::Object(draft.config) };
    // The connector's own opinion, before the file is written. It does not connect.
    match kind {
        SystemKind::Source => context.make_source(&system).map(|_| ()),
        SystemKind::Destination => context.make_destination(&system).map(|_| ()),
    }
    .map_err(|error| error.meaning("The file was not written."))?;
    context.project.save_system(kind, draft.name, &system)
}

fn schema_of(spec: &Spec, kind: SystemKind) -> Result<Value> {
    let schema = match kind {
        SystemKind::Source => &spec.source_schema,
        SystemKind::Destination => &spec.destination_schema,
    };
    schema.clone().ok_or_else(|| {
        Error::new(ErrorKind::Config, format!("{} cannot be used as a {}.", spec.title, kind.word()))
            .fix("List what there is with `syncline schema`.")
    })
}

/// By `--connector`, by the scheme of the address, or by asking.
fn connector(context: &Context<'_>, kind: SystemKind, arguments: &AddSystem) -> Result<Arc<dyn Connector>> {
    if let Some(name) = &arguments.connector {
        return context.registry.get(name);
    }
    let offers = |listing: &Listing| match kind {
        SystemKind::Source => listing.source,
        SystemKind::Destination => listing.destination,
    };
    let candidates: Vec<Arc<dyn Connector>> =
        context.registry.list().into_iter().filter(|connector| offers(&connector.listing())).collect();
    if let Some(url) = &arguments.from_url {
        let scheme = form::scheme(url)?;
        let known =
            |connector: &Arc<dyn Connector>| connector.listing().url_schemes.contains(&scheme.as_str());
        return candidates.into_iter().find(known).ok_or_else(|| {
            Error::new(
                ErrorKind::Config,
                format!("No {} connector knows addresses with `{scheme}:`.", kind.word()),
            )
            .fix("Name it with --connector and give the settings with --set.")
        });
    }
    if !context.screen.is_interactive() {
        let names: Vec<_> = candidates.iter().map(|connector| connector.name()).collect();
        return Err(Error::new(
            ErrorKind::Config,
            format!("It is not said what kind of {} this is.", kind.word()),
        )
        .fix(format!("Add --connector with one of: {}.", names.join(", "))));
    }
    let items: Vec<String> = candidates
        .iter()
        .map(|connector| {
            let Listing { title, description, .. } = connector.listing();
            format!("{title}: {description}")
        })
        .collect();
    let chosen = prompt::select(&format!("What kind of {}?", kind.word()), &items, 0)?;
    candidates.into_iter().nth(chosen).ok_or_else(|| Error::internal("There is no connector to choose."))
}

/// A configuration that is being made, and the secrets that go into the vault with it.
struct Draft<'a> {
    name: &'a str,
    config: Map<String, Value>,
    secrets: Vec<(String, SecretString)>,
}

impl Draft<'_> {
    /// A setting from the command line. A plain secret is refused.
    fn set_from_flag(&mut self, form: &Form<'_>, path: &str, text: &str) -> Result<()> {
        let field = form.field(path)?;
        if field.is_secret() && !has_reference(text) {
            return Err(Error::new(
                ErrorKind::Config,
                format!("`{path}` is a secret and cannot be given in plain text on the command line."),
            )
            .meaning("Nothing was stored. The value may stand in the history of your shell: change it if it is real.")
            .fix(format!("Leave it out and type it when you are asked, or store it with `syncline secret set {}`.", self.secret_name(path)))
            .fix(format!("Then: --set '{path}=${{secret:{}}}'. From the environment: --set '{path}=${{env:NAME}}'.", self.secret_name(path))));
        }
        form::put(&mut self.config, path, field.parse(text)?);
        Ok(())
    }

    /// A setting from an address. Says whether it was a secret, which goes into the vault.
    fn set_from_address(&mut self, form: &Form<'_>, path: &str, text: &str) -> Result<bool> {
        let field = form.field(path)?;
        let is_plain_secret = field.is_secret() && !has_reference(text);
        if is_plain_secret {
            self.set_secret(path, SecretString::from(text));
        } else {
            // An address is text: a dollar in it is one.
            form::put(&mut self.config, path, field.parse(text)?);
        }
        Ok(is_plain_secret)
    }

    fn set_secret(&mut self, path: &str, secret: SecretString) {
        let name = self.secret_name(path);
        form::put(&mut self.config, path, Value::from(format!("${{secret:{name}}}")));
        self.secrets.push((name, secret));
    }

    fn secret_name(&self, path: &str) -> String {
        format!("{}_{}", self.name, path.replace('.', "_"))
    }

    fn lacks_required(&self, form: &Form<'_>) -> bool {
        form.fields().iter().any(|field| field.required && !self.config.contains_key(field.name))
    }

    /// Asks for what is not set yet. Groups are entered only when they are wanted.
    fn ask(&mut self, fields: &[Field<'_>], group: &str) -> Result<()> {
        let (plain, groups): (Vec<_>, Vec<_>) =
            fields.iter().partition(|field| !matches!(field.kind(), Kind::Group));
        let (ways, groups): (Vec<_>, Vec<_>) =
            groups.into_iter().partition(|field| field.required && field.ways().is_some());
        for field in ways {
            if !self.config.contains_key(field.name) {
                self.ask_way(field, group)?;
            }
        }
        // What must be given, and what people nearly always give; the rest has defaults that fit.
        let (needed, advanced): (Vec<&Field<'_>>, Vec<&Field<'_>>) = plain
            .into_iter()
            .filter(|field| !group.is_empty() || !self.config.contains_key(field.name))
            .partition(|field| field.required || field.is_secret() || !group.is_empty());
        for field in needed {
            self.ask_field(field, group)?;
        }
        let names: Vec<&str> = advanced.iter().chain(&groups).map(|field| field.name).collect();
        if names.is_empty()
            || !prompt::confirm(&format!("Change other settings? ({})", names.join(", ")), false)?
        {
            return Ok(());
        }
        for field in advanced {
            self.ask_field(field, group)?;
        }
        for field in groups {
            if prompt::confirm(
                &format!("Set `{}`? {}", field.name, field.description().unwrap_or_default()),
                false,
            )? {
                self.ask(&field.fields(), &format!("{group}{}.", field.name))?;
            }
        }
        Ok(())
    }

    /// Asks which way a group is to be filled in, and for what belongs to that way.
    fn ask_way(&mut self, field: &Field<'_>, group: &str) -> Result<()> {
        let Some(Ways { decider, ways }) = field.ways() else { return Ok(()) };
        let titles: Vec<String> = ways.iter().map(|way| way.title.unwrap_or(way.word).to_owned()).collect();
        let question = field.title().unwrap_or(field.name);
        let chosen = prompt::select(&format!("{question}?"), &titles, 0)?;
        let Some(way) = ways.get(chosen) else { return Ok(()) };
        form::put(&mut self.config, &format!("{group}{}.{decider}", field.name), way.word.into());
        for inner in &way.fields {
            self.ask_field(inner, &format!("{group}{}.", field.name))?;
        }
        Ok(())
    }

    fn ask_field(&mut self, field: &Field<'_>, group: &str) -> Result<()> {
        let path = format!("{group}{}", field.name);
        if field.is_multiline() {
            // A terminal prompt takes one line; a reference is set later without trouble.
            return Ok(());
        }
        match prompt::field(&path, field)? {
            Answer::Nothing => {}
            Answer::Text(text) => form::put(&mut self.config, &path, field.parse(&text)?),
            Answer::Secret(secret) => self.set_secret(&path, secret),
        }
        Ok(())
    }
}

//! `syncline connector`

use std::path::Path;

use connectors::declarative::intake::{self, Offered};
use connectors::declarative::{Declarative, apps, library};
use syncline_engine::versions as engine;
use syncline_protocol::{
    Change, ChangeSink, Connector as _, DiscoverFilter, Error, ErrorKind, ReadMode, Result, Sampling, Source,
    Stopped, TableRead, split_reference,
};
use syncline_store::SystemKind;
use syncline_store::project::validate_name;

use crate::app::Context;
use crate::cli::ConnectorCommand;
use crate::exit::Exit;
use crate::screen::{Column, Tone, paint};

mod rehearse;
mod versions;

pub(crate) fn run(context: &Context<'_>, command: ConnectorCommand) -> Result<Exit> {
    match command {
        ConnectorCommand::Add { from, name, version, replace } => {
            add(context, &from, Wanted { name, version, replace })
        }
        ConnectorCommand::List { json } => versions::list(context, json),
        ConnectorCommand::Index { from, find } => versions::index(context, from.as_deref(), find.as_deref()),
        ConnectorCommand::Upgrade { name, to, only, yes, json } => {
            versions::upgrade(context, &versions::Upgrade { name, to, only, yes, json })
        }
        ConnectorCommand::Rehearse { name, to, only, json } => {
            rehearse::run(context, &name, to.as_deref(), &only, json)
        }
        ConnectorCommand::Rollback { name, only } => versions::roll_back(context, &name, &only),
        ConnectorCommand::Test { name, source } => test(context, &name, source.as_deref()),
        ConnectorCommand::Remove { name } => remove(context, &name),
    }
}

/// How a manifest should be kept.
struct Wanted {
    name: Option<String>,
    version: Option<String>,
    replace: bool,
}

fn add(context: &Context<'_>, from: &str, wanted: Wanted) -> Result<Exit> {
    let offered = offer(context, from)?;
    let name = match wanted.name.or_else(|| offered.name.clone()) {
        Some(name) => name,
        None => name_of(from)?,
    };
    validate_name(&name)?;
    let project = context.project.root();
    let known = library::versions(project, &name)?;
    if known.is_empty() && context.registry.get(&name).is_ok() {
        return Err(Error::new(
            ErrorKind::Config,
            format!("Syncline has a connector called `{name}` of its own."),
        )
        .fix("Choose another name with --name."));
    }
    let newest = known.last().filter(|_| wanted.replace).cloned();
    let version = wanted.version.or_else(|| offered.version.clone()).or(newest);
    let version = version.unwrap_or_else(|| library::next_version(&known));
    if known.contains(&version) && !wanted.replace {
        return Err(Error::new(
            ErrorKind::Config,
            format!("There is already a version {version} of `{name}`."),
        )
        .meaning("It was left as it is.")
        .fix("Give this one another version with --as, or another name with --name.")
        .fix("Add --replace if it is the same one, corrected."));
    }
    let connector = library::save_version(project, &name, &version, &offered)?;
    // A source that follows the newest version would change with this one: it stays where it is.
    let (state, registry) = (&context.state, &context.registry);
    let stays = known
        .last()
        .map_or(Ok(Vec::new()), |newest| engine::pin(&context.project, state, registry, &name, newest))?;
    show(context, &connector);
    context.screen.print(format!("Added connectors/{name}, version {version}."));
    match known.last() {
        None => context.screen.print(format!("Use it with `syncline add source NAME --connector {name}`.")),
        Some(_) => context.screen.print(format!(
            "What uses `{name}` stays where it is. Look at what would change: `syncline connector upgrade {name}`."
        )),
    }
    for source in stays {
        context.screen.say(format!("sources/{source}.yaml now names the version that it is on."));
    }
    Ok(Exit::Ok)
}

/// What lies at a path or an address, or under a name of the index.
fn offer(context: &Context<'_>, from: &str) -> Result<Offered> {
    let is_address = from.starts_with("https://") || from.starts_with("http://");
    if !is_address
        && !Path::new(from).exists()
        && let Some(entry) = versions::indexed(context, from)?
    {
        let mut offered = context.runtime.block_on(intake::take(&entry.url))?;
        offered.name.get_or_insert(entry.name);
        offered.version.get_or_insert(entry.version);
        return Ok(offered);
    }
    context.runtime.block_on(intake::take(from))
}

/// `path/to/pokeapi.yaml`, `path/to/pokeapi/manifest.yaml`, `https://…/pokeapi/manifest.yaml` → `pokeapi`.
fn name_of(from: &str) -> Result<String> {
    let clean = from.split(['?', '#']).next().unwrap_or(from).replace('\\', "/");
    let steps = clean.trim_end_matches('/').rsplit('/');
    let name = steps
        .map(|step| step.trim_end_matches(".yaml").trim_end_matches(".yml").trim_end_matches(".json"))
        .find(|step| !step.is_empty() && *step != "manifest");
    let name = name.map(|name| name.trim_start_matches("source-").to_lowercase().replace([' ', '.'], "-"));
    name.filter(|name| !name.is_empty()).ok_or_else(|| {
        Error::new(ErrorKind::Config, "The manifest has no name of its own.").fix("Give it one with --name.")
    })
}

/// What the manifest offers.
fn show(context: &Context<'_>, connector: &Declarative) {
    let tables = connector.tables();
    let mark = |why: &Option<String>| {
        if why.is_some() { paint(Tone::Warning, "!") } else { paint(Tone::Good, "✓") }
    };
    context.screen.print_table(
        &[Column::Left(""), Column::Left("TABLE"), Column::Left("")],
        tables.iter().map(|(name, why)| vec![mark(why), name.clone(), why.clone().unwrap_or_default()]),
    );
}

fn test(context: &Context<'_>, name: &str, source: Option<&str>) -> Result<Exit> {
    let path = Path::new(name);
    let connector = if path.is_file() {
        let folder = path.parent().unwrap_or(Path::new("."));
        Declarative::load(name, library::read(path)?, library::schemas(folder))?
    } else {
        let project = context.project.root();
        match apps::find(name) {
            Some(app) if !library::names(project)?.iter().any(|own| own == name) => Declarative::app(app),
            _ => library::open(project, name)?,
        }
    };
    if let Some(why) = connector.broken() {
        return Err(Error::new(
            ErrorKind::Config,
            format!("The manifest of `{name}` cannot be loaded. {why}"),
        ));
    }
    show(context, &connector);
    let Some(source) = source else {
        context.screen.say("It can be loaded. Ask the API with --source, or with `syncline check`.");
        return Ok(Exit::Ok);
    };
    let config = context.project.system(SystemKind::Source, source)?;
    if split_reference(&config.connector).0 != connector.name() {
        return Err(Error::new(
            ErrorKind::Config,
            format!("`{source}` is a source of `{}`.", config.connector),
        ));
    }
    let system = context.make_source(&config)?;
    let failed = context.runtime.block_on(first_rows(context, &*system))?;
    Ok(if failed == 0 { Exit::Ok } else { Exit::Failed })
}

/// Asks each table for its first row; gives how many did not answer.
async fn first_rows(context: &Context<'_>, source: &dyn Source) -> Result<usize> {
    let catalog = source.discover(&DiscoverFilter::default()).await?;
    let mut failed = 0;
    for info in catalog.tables.iter().filter(|info| info.unreadable.is_none()) {
        let read = TableRead {
            table: info.schema.table.clone(),
            columns: info.schema.columns.clone(),
            key: Vec::new(),
            mode: ReadMode::Full,
            key_list: false,
        };
        let rows = Rows::default();
        let line = match source.sample(&read, &Sampling::first(1), &rows).await {
            Ok(()) if rows.any() => format!("{} {}: a row", paint(Tone::Good, "✓"), read.table),
            Ok(()) => format!("{} {}: no row", paint(Tone::Good, "✓"), read.table),
            Err(error) => {
                failed += 1;
                format!("{} {}: {}", paint(Tone::Bad, "✗"), read.table, error.message())
            }
        };
        context.screen.print(line);
    }
    Ok(failed)
}

/// Notices whether a row came.
#[derive(Default)]
struct Rows {
    any: std::sync::atomic::AtomicBool,
}

impl Rows {
    fn any(&self) -> bool {
        self.any.load(std::sync::atomic::Ordering::Relaxed)
    }
}

#[async_trait::async_trait]
impl ChangeSink for Rows {
    async fn send(&self, change: Change) -> Result<(), Stopped> {
        if matches!(change, Change::Batch(_) | Change::Rejected(_)) {
            self.any.store(true, std::sync::atomic::Ordering::Relaxed);
        }
        Ok(())
    }

    fn stopped(&self) -> futures::future::BoxFuture<'_, ()> {
        Box::pin(std::future::pending())
    }
}

fn remove(context: &Context<'_>, reference: &str) -> Result<Exit> {
    let project = context.project.root();
    let (name, version) = split_reference(reference);
    let known = library::versions(project, name)?;
    let gone: Vec<&String> =
        known.iter().filter(|known| version.is_none_or(|version| *known == version)).collect();
    if gone.is_empty() {
        return Err(Error::new(ErrorKind::Config, format!("There is no manifest called `{reference}`."))
            .fix("List them with `syncline connector list`."));
    }
    for user in engine::uses(&context.project, &context.state, &context.registry, name)? {
        let of_source = gone.contains(&&user.version);
        let of_connection = user
            .connections
            .iter()
            .find(|user| gone.contains(&&user.version) || gone.contains(&&user.runs_on));
        let who = match (of_source, of_connection) {
            (true, _) => format!("source `{}`", user.source),
            (false, Some(user)) => format!("connection `{}`", user.connection),
            (false, None) => continue,
        };
        return Err(Error::new(ErrorKind::Config, format!("The {who} uses it."))
            .meaning("It was left as it is.")
            .fix("Put it on another version with `syncline connector upgrade`, or remove it first."));
    }
    for version in &gone {
        library::remove(project, name, version)?;
    }
    context.screen.print(format!("Removed connectors/{}.", reference.replace('@', "/")));
    Ok(Exit::Ok)
}

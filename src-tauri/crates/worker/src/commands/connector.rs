//! `syncline connector`

use std::fs;
use std::path::Path;

use connectors::declarative::{Declarative, apps, library};
use syncline_protocol::{
    Change, ChangeSink, Connector as _, DiscoverFilter, Error, ErrorKind, ReadMode, Result, Source, Stopped,
    TableRead,
};
use syncline_store::SystemKind;
use syncline_store::project::validate_name;

use crate::app::Context;
use crate::cli::ConnectorCommand;
use crate::exit::Exit;
use crate::screen::{Column, Tone, paint};
use crate::text::counted;

pub(crate) fn run(context: &Context<'_>, command: ConnectorCommand) -> Result<Exit> {
    match command {
        ConnectorCommand::Add { from, name, replace } => add(context, &from, name, replace),
        ConnectorCommand::List => list(context),
        ConnectorCommand::Test { name, source } => test(context, &name, source.as_deref()),
        ConnectorCommand::Remove { name } => remove(context, &name),
    }
}

fn add(context: &Context<'_>, from: &str, name: Option<String>, replace: bool) -> Result<Exit> {
    let name = match name {
        Some(name) => name,
        None => name_of(from)?,
    };
    validate_name(&name)?;
    let project = context.project.root();
    let ours = library::names(project)?.contains(&name);
    if !ours && context.registry.get(&name).is_ok() {
        return Err(Error::new(
            ErrorKind::Config,
            format!("Syncline has a connector called `{name}` of its own."),
        )
        .fix("Choose another name with --name."));
    }
    if ours && !replace {
        return Err(Error::new(ErrorKind::Config, format!("There is already a manifest called `{name}`."))
            .meaning("It was left as it is.")
            .fix("Choose another name with --name, or add --replace."));
    }
    let connector = if from.starts_with("https://") || from.starts_with("http://") {
        let text = context.runtime.block_on(library::fetch(from))?;
        library::save(project, &name, &text, None)?
    } else {
        let path = Path::new(from);
        let (file, folder) = if path.is_dir() {
            (path.join("manifest.yaml"), Some(path))
        } else {
            (path.to_owned(), path.parent())
        };
        library::save(project, &name, &library::read(&file)?, folder)?
    };
    show(context, &connector);
    context.screen.print(format!(
        "Added connectors/{name}.\nUse it with `syncline add source NAME --connector {name}`."
    ));
    Ok(Exit::Ok)
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

fn list(context: &Context<'_>) -> Result<Exit> {
    let project = context.project.root();
    let names = library::names(project)?;
    if names.is_empty() {
        context.screen.say("This project has no manifests. Add one with `syncline connector add FILE`.");
        return Ok(Exit::Ok);
    }
    let mut rows = Vec::new();
    for name in names {
        let connector = library::open(project, &name)?;
        let state = match connector.broken() {
            Some(why) => format!("cannot be loaded: {why}"),
            None => {
                let tables = connector.tables();
                let broken = tables.iter().filter(|(_, why)| why.is_some()).count();
                let all = counted(tables.len() as u64, "table");
                if broken == 0 { all } else { format!("{all}, {broken} of them cannot be read") }
            }
        };
        rows.push(vec![name, state]);
    }
    context.screen.print_table(&[Column::Left("NAME"), Column::Left("TABLES")], rows);
    Ok(Exit::Ok)
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
    if config.connector != connector.name() {
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
        let line = match source.sample(&read, 1, &rows).await {
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

fn remove(context: &Context<'_>, name: &str) -> Result<Exit> {
    let project = context.project.root();
    if !library::names(project)?.iter().any(|known| known == name) {
        return Err(Error::new(ErrorKind::Config, format!("There is no manifest called `{name}`."))
            .fix("List them with `syncline connector list`."));
    }
    for source in context.project.systems(SystemKind::Source)? {
        if context.project.system(SystemKind::Source, &source)?.connector == name {
            return Err(Error::new(ErrorKind::Config, format!("The source `{source}` uses it."))
                .meaning("It was left as it is.")
                .fix("Remove the source first."));
        }
    }
    let folder = library::folder(project, name);
    fs::remove_dir_all(&folder).map_err(|error| {
        Error::new(ErrorKind::Config, "The manifest could not be removed.")
            .with("folder", folder.display())
            .caused_by(error)
    })?;
    context.screen.print(format!("Removed connectors/{name}."));
    Ok(Exit::Ok)
}

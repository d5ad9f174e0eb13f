//! The command line: what can be typed, and the manual that `--help` prints.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use syncline_protocol::TableName;

use crate::exit::EXIT_CODES;

const OVERVIEW: &str = "\
Syncline moves tables from where they are to where you work: each row arrives exactly once, an \
interrupted sync goes on where it stopped, and every run ends with a receipt whose counts add up.

A project is a folder of YAML files that diff well: project.yaml, sources/, destinations/ and \
connections/. What is not configuration (history, logs, sealed secrets) lies in .syncline/ and is \
never committed. Positions are stored in the destination, in the same transaction as the rows, so \
any computer that reaches the destination can go on.";

const EXAMPLES: &str = "\
Examples:
  syncline demo                              see it work, without any set-up
  syncline init && syncline add source shop --from-url postgres://me@db.example/shop
  syncline add destination studio --connector duckdb --set path=studio.duckdb
  syncline add connection nightly --source shop --destination studio --all
  syncline check nightly                     is everything as it should be?
  syncline plan nightly                      what would change, before it does
  syncline run nightly --verify              run, then compare both sides row for row";

/// Moves tables exactly once.
#[derive(Debug, Parser)]
#[command(
    name = "syncline",
    version,
    about = "Moves tables from where they are to where you work, each row exactly once.",
    long_about = OVERVIEW,
    after_help = EXIT_CODES,
    after_long_help = format!("{EXAMPLES}\n\n{EXIT_CODES}"),
    max_term_width = 100,
    disable_help_subcommand = true
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command understands.
#[derive(Debug, Args)]
pub(crate) struct Global {
    /// The project folder. Without it: the nearest folder upwards that holds project.yaml.
    #[arg(
        long,
        short = 'C',
        value_name = "DIR",
        global = true,
        env = "SYNCLINE_PROJECT",
        help_heading = "Everywhere"
    )]
    pub(crate) project: Option<PathBuf>,
    /// No colours. The environment variable NO_COLOR does the same.
    #[arg(long, global = true, help_heading = "Everywhere")]
    pub(crate) no_color: bool,
    /// Say more: details of errors and the log (-v), also of what is small (-vv).
    #[arg(long, short, action = clap::ArgAction::Count, global = true, help_heading = "Everywhere")]
    pub(crate) verbose: u8,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make a project in a folder: project.yaml, and .syncline/ for what is not configuration.
    Init(Init),
    /// Add a source, a destination or a connection.
    Add(Add),
    /// Test a source, a destination or both ends of a connection, step by step.
    ///
    /// Ends with 0 when everything is ready, also with limits, which are named, and with 1 when something is not.
    Check(Check),
    /// List the tables of a source.
    Discover(Discover),
    /// Show a sample of a table as it will land, with what to know about it. Writes nothing.
    Preview(Preview),
    /// Show what a run would change in the destination. Writes nothing.
    ///
    /// + a new table, ~ new columns or wider types, ↻ built anew and swapped, = only rows, ! needs a decision.
    Plan(Plan),
    /// Run connections.
    ///
    /// On a terminal, a run that changes the shape of tables shows its plan first and asks. Press Ctrl-C once to stop at
    /// the next durable point, twice to stop now. In both cases the next run goes on where this one stopped.
    Run(Run),
    /// Accept how a table changed in its source, so that the next run follows it.
    Accept(Accept),
    /// Show connections and how their last runs ended.
    Status(Status),
    /// Show the account of a run.
    Receipt(Receipt),
    /// Look at rows that could not be converted, and load them again.
    Quarantine(Quarantine),
    /// Store, list and remove secrets in the vault.
    Secret(Secret),
    /// Add connectors that a manifest describes (Airbyte's low-code YAML), list and test them.
    Connector(Connector),
    /// Move a connection from Airbyte with its state, or back.
    State(State),
    /// Print the JSON Schema of project files and connectors.
    Schema(Schema),
    /// Make a project with sample data, run it, and show the result.
    ///
    /// Sample data is generated on this computer; nothing is downloaded and nothing leaves it. Run it again to see how a
    /// second sync reads only what changed.
    Demo(Demo),
    /// Open the studio in the browser.
    ///
    /// Serves it to this computer only; the address that is printed holds a token that lets one browser in. Without a
    /// project, one is made in `syncline-studio`. Press Ctrl-C once to stop running syncs at their next durable point and
    /// end, twice to end now.
    Serve(Serve),
    /// Print a completion script for a shell.
    Completions(Completions),
}

#[derive(Debug, Args)]
pub(crate) struct Init {
    /// The folder; made when it does not exist.
    #[arg(default_value = ".")]
    pub(crate) folder: PathBuf,
    /// The name people see. Without it: the name of the folder.
    #[arg(long)]
    pub(crate) name: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Add {
    #[command(subcommand)]
    pub(crate) command: AddCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AddCommand {
    /// Add a source: where tables come from.
    ///
    /// Settings come from flags, from an address, or from questions when this is a terminal and something is missing.
    /// Secrets are asked for without showing them and go into the vault; on the command line they are refused, because it
    /// is remembered by the shell and visible to others. References are fine: --set 'password=${env:PGPASSWORD}'.
    Source(AddSystem),
    /// Add a destination: where tables go.
    ///
    /// Settings come from flags, from an address, or from questions when this is a terminal and something is missing.
    /// Secrets are asked for without showing them and go into the vault; on the command line they are refused, because it
    /// is remembered by the shell and visible to others. References are fine: --set 'password=${env:PGPASSWORD}'.
    Destination(AddSystem),
    /// Add a connection: which tables go from a source to a destination, and how.
    ///
    /// Name tables with --table, or take all with --all. A mode can follow the name: orders:merge.
    Connection(AddConnection),
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  syncline add source shop --from-url postgres://reporting@db.example:5432/shop
  syncline add source shop --connector postgres --set host=db.example --set database=shop \\
      --set user=me --set 'password=${env:PGPASSWORD}'
  syncline add source exports --connector files --set path='exports/*.csv'
  syncline add destination studio --connector duckdb --set path=studio.duckdb")]
pub(crate) struct AddSystem {
    /// Its name in this project.
    pub(crate) name: String,
    /// The connector, for example postgres. `syncline schema` lists them.
    #[arg(long)]
    pub(crate) connector: Option<String>,
    /// A setting. Names of nested settings are joined by dots: ssl.mode=require.
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = key_value)]
    pub(crate) settings: Vec<(String, String)>,
    /// An address to take settings from, for example postgres://me@host/database.
    #[arg(long, value_name = "URL")]
    pub(crate) from_url: Option<String>,
    /// Replace the one that is there.
    #[arg(long)]
    pub(crate) replace: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Modes:
  merge    one row per key, the latest version
  append   every change is a row
  replace  a full copy, swapped in one step
  history  one row per version, with the time during which it held
Without a mode: merge where the table has a key or an updated-at column, else replace.

Examples:
  syncline add connection nightly --source shop --destination studio --all
  syncline add connection nightly --source shop --destination studio \\
      --table public.orders:merge --table public.events:append")]
pub(crate) struct AddConnection {
    /// Its name in this project.
    pub(crate) name: String,
    /// The source.
    #[arg(long)]
    pub(crate) source: String,
    /// The destination.
    #[arg(long)]
    pub(crate) destination: String,
    /// A table, as the source names it.
    #[arg(long = "table", value_name = "TABLE[:MODE]", value_parser = table_mode)]
    pub(crate) tables: Vec<(TableName, Option<TableMode>)>,
    /// All tables of the source.
    #[arg(long, conflicts_with = "tables")]
    pub(crate) all: bool,
    /// The schema in the destination for all tables.
    #[arg(long)]
    pub(crate) schema: Option<String>,
    /// Read every table whole on each run, although the source offers updated-at columns.
    #[arg(long)]
    pub(crate) full: bool,
    /// Replace the one that is there.
    #[arg(long)]
    pub(crate) replace: bool,
}

/// How rows are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum TableMode {
    Merge,
    Append,
    Replace,
    History,
}

#[derive(Debug, Args)]
pub(crate) struct Check {
    /// A source, a destination or a connection. Without it: every source and destination.
    pub(crate) name: Option<String>,
    /// Print one JSON object per step.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Discover {
    /// The source.
    pub(crate) source: String,
    /// Only tables whose name contains this.
    #[arg(long)]
    pub(crate) filter: Option<String>,
    /// Also tables that belong to the system itself.
    #[arg(long)]
    pub(crate) system: bool,
    /// Print the catalog as JSON, with all columns.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Preview {
    /// The connection.
    pub(crate) connection: String,
    /// The table, as the source names it.
    pub(crate) table: TableName,
    /// How many rows to sample.
    #[arg(long, default_value_t = 1000)]
    pub(crate) rows: usize,
    /// Sample rows from all over the table instead of its first ones. For databases.
    #[arg(long)]
    pub(crate) random: bool,
    /// Sample rows that meet this condition, in the SQL of the source: "status = 'open'". For databases.
    #[arg(long = "where", value_name = "CONDITION", conflicts_with = "random")]
    pub(crate) condition: Option<String>,
    /// How many rows of the sample to show.
    #[arg(long, default_value_t = 10)]
    pub(crate) show: usize,
    /// Print it as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Plan {
    /// The connection.
    pub(crate) connection: String,
    /// Only this table.
    #[arg(long = "table", value_name = "TABLE")]
    pub(crate) tables: Vec<TableName>,
    /// Print it as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = format!("\
Examples:
  syncline run nightly
  syncline run nightly hourly --json         for programs: one event per line
  syncline run nightly --table public.orders --verify

{EXIT_CODES}"))]
pub(crate) struct Run {
    /// The connections, run one after the other.
    #[arg(required_unless_present = "all")]
    pub(crate) connections: Vec<String>,
    /// All connections of the project.
    #[arg(long, conflicts_with = "connections")]
    pub(crate) all: bool,
    /// Only this table.
    #[arg(long = "table", value_name = "TABLE")]
    pub(crate) tables: Vec<TableName>,
    /// Read both sides again at the end and compare every row.
    #[arg(long)]
    pub(crate) verify: bool,
    /// Do not ask.
    #[arg(long, short)]
    pub(crate) yes: bool,
    /// Print one JSON object per event; the last one holds the receipt.
    #[arg(long)]
    pub(crate) json: bool,
    /// How often to try in a row without any progress.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) attempts: u32,
}

#[derive(Debug, Args)]
pub(crate) struct Accept {
    /// The connection.
    pub(crate) connection: String,
    /// The table, as the source names it.
    pub(crate) table: TableName,
}

#[derive(Debug, Args)]
pub(crate) struct Status {
    /// Only this connection, with its latest runs.
    pub(crate) connection: Option<String>,
    /// Print it as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Receipt {
    /// The run, or the beginning of its name; `last` for the latest one.
    pub(crate) run: String,
    /// Print it as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Quarantine {
    #[command(subcommand)]
    pub(crate) command: QuarantineCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum QuarantineCommand {
    /// List rows in quarantine, oldest first.
    List(QuarantineList),
    /// Load rows again, repaired where --set or --null says so. What still does not fit stays.
    Replay(QuarantineReplay),
}

#[derive(Debug, Args)]
pub(crate) struct QuarantineList {
    /// The connection.
    pub(crate) connection: String,
    /// Only this table.
    #[arg(long)]
    pub(crate) table: Option<TableName>,
    /// At most this many rows.
    #[arg(long, default_value_t = 50)]
    pub(crate) limit: usize,
    /// Print one JSON object per row.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct QuarantineReplay {
    /// The connection.
    pub(crate) connection: String,
    /// The table, as the source names it.
    pub(crate) table: TableName,
    /// Only this row, by its id. Without it: all rows of the table.
    #[arg(long = "row", value_name = "ID")]
    pub(crate) rows: Vec<String>,
    /// Give a column this value, by its name in the source.
    #[arg(long = "set", value_name = "COLUMN=VALUE", value_parser = key_value)]
    pub(crate) values: Vec<(String, String)>,
    /// Make a column null.
    #[arg(long = "null", value_name = "COLUMN")]
    pub(crate) nulls: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Secret {
    #[command(subcommand)]
    pub(crate) command: SecretCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum SecretCommand {
    /// Store a secret: asked for without showing it, or read from standard input when that is no terminal.
    Set {
        /// Its name; project files refer to it as ${secret:NAME}.
        name: String,
    },
    /// List the names of secrets. Values are never shown.
    List,
    /// Remove secrets.
    Remove {
        /// Their names.
        #[arg(required_unless_present = "all")]
        names: Vec<String>,
        /// All of them, also when the master key is lost.
        #[arg(long, conflicts_with = "names")]
        all: bool,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Connector {
    #[command(subcommand)]
    pub(crate) command: ConnectorCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConnectorCommand {
    /// Add a manifest to this project, or another version of one that is there.
    ///
    /// Then `syncline add source NAME --connector …` uses it. Sources that are there stay on the version they are on,
    /// until `syncline connector upgrade`.
    #[command(after_help = "\
Examples:
  syncline connector add pokeapi.yaml
  syncline connector add https://example.com/manifest.yaml --name my-api
  syncline connector add airbyte_source_pokeapi-0.3.1-py3-none-any.whl
  syncline connector add pokeapi               by its name in the index that was read last")]
    Add {
        /// The manifest: a file, a folder with manifest.yaml and schemas/, a Python package with a manifest in it
        /// (.whl), an address of either, or a name in the index.
        from: String,
        /// What to call it. Without it: what its maker calls it, or the name of the file or folder.
        #[arg(long)]
        name: Option<String>,
        /// Its version. Without it: as its maker numbers it, or the next whole number.
        #[arg(long = "as", value_name = "VERSION")]
        version: Option<String>,
        /// Replace the version that is there.
        #[arg(long)]
        replace: bool,
    },
    /// List the manifests of this project with their versions, and who uses which.
    List {
        /// Print it as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Read an index of connectors, so that they can be added by name; without one, list what was read last.
    #[command(after_help = "\
Examples:
  syncline connector index https://connectors.airbyte.com/files/registries/v0/oss_registry.json
  syncline connector index --find shop")]
    Index {
        /// The index: an address or a file, in the form of Airbyte's registry.
        from: Option<String>,
        /// List only names that hold this.
        #[arg(long)]
        find: Option<String>,
    },
    /// Put sources on another version, after showing what that changes in their tables.
    ///
    /// The next runs are watched: when the new version fails, or gives less than tables always had, the next attempt
    /// runs on the last version that worked, by itself.
    #[command(after_help = "\
Examples:
  syncline connector upgrade shop                      the newest version, for all sources that use it
  syncline connector upgrade shop --to 3 --only nightly    one connection goes first")]
    Upgrade {
        /// The connector.
        name: String,
        /// The version. Without it: the newest.
        #[arg(long, value_name = "VERSION")]
        to: Option<String>,
        /// Only this connection; the others stay where they are.
        #[arg(long, value_name = "CONNECTION")]
        only: Vec<String>,
        /// Do not ask.
        #[arg(long, short)]
        yes: bool,
        /// Print the plan as JSON and change nothing.
        #[arg(long, conflicts_with = "yes")]
        json: bool,
    },
    /// Do the last recorded run of connections once more on another version, and show how rows and columns differ.
    ///
    /// Only recorded answers are used: nothing is asked of the API, nothing written to a destination.
    Rehearse {
        /// The connector.
        name: String,
        /// The version. Without it: the newest.
        #[arg(long, value_name = "VERSION")]
        to: Option<String>,
        /// Only this connection.
        #[arg(long, value_name = "CONNECTION")]
        only: Vec<String>,
        /// Print it as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Put sources back on the version before: the one that last worked.
    Rollback {
        /// The connector.
        name: String,
        /// Only this connection.
        #[arg(long, value_name = "CONNECTION")]
        only: Vec<String>,
    },
    /// Load a manifest and list its tables, with what Syncline cannot run and why.
    ///
    /// With --source, each table is asked for its first row.
    Test {
        /// A manifest of this project, or a file.
        name: String,
        /// A source of this project that uses it.
        #[arg(long)]
        source: Option<String>,
    },
    /// Remove a manifest from this project, or one of its versions.
    Remove {
        /// Its name; NAME@VERSION for one version.
        name: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct State {
    #[command(subcommand)]
    pub(crate) command: StateCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum StateCommand {
    /// Go on where Airbyte stopped: its state becomes the position of each table, stored in the destination.
    ///
    /// The next run reads what changed since. Rows that Airbyte has loaded are not moved: they stay in its tables, and the
    /// tables of this connection begin empty. Taken is the state that Airbyte shows in the settings of a connection, or
    /// gives by its API, and state messages of its protocol.
    #[command(after_help = "\
Examples:
  syncline state import nightly state.json
  syncline state import nightly - < state.json")]
    Import {
        /// The connection.
        connection: String,
        /// The file; - for standard input.
        file: PathBuf,
        /// Also for tables that Syncline has synced before: they go on from the imported state.
        #[arg(long)]
        replace: bool,
    },
    /// Print the state of each table as a list of Airbyte's state messages.
    Export {
        /// The connection.
        connection: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Schema {
    /// project, source, destination, connection, or a connector. Without it: what there is.
    pub(crate) name: Option<String>,
    /// The side of a connector that is both.
    #[arg(long = "as", value_enum, value_name = "SIDE")]
    pub(crate) side: Option<Side>,
}

/// The side of a connector.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Side {
    Source,
    Destination,
}

#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// The folder for the project.
    #[arg(default_value = "syncline-demo")]
    pub(crate) folder: PathBuf,
    /// Print one JSON object per event; the last one holds the receipt.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// The port to listen on; 0 takes a free one.
    #[arg(long, default_value_t = 0)]
    pub(crate) port: u16,
    /// Do not open the browser; only print the address.
    #[arg(long)]
    pub(crate) no_open: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Completions {
    /// The shell.
    #[arg(value_enum)]
    pub(crate) shell: clap_complete::Shell,
}

fn key_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        // The text could be a secret that was typed in the wrong place; it is not repeated.
        _ => Err("write it as KEY=VALUE".to_owned()),
    }
}

/// `orders`, `public.orders:append`. A colon that no mode follows belongs to the name.
fn table_mode(text: &str) -> Result<(TableName, Option<TableMode>), String> {
    if let Some((name, mode)) = text.rsplit_once(':')
        && let Ok(mode) = TableMode::from_str(mode, false)
    {
        return Ok((name.parse()?, Some(mode)));
    }
    Ok((text.parse()?, None))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_mode_can_follow_a_table() {
        let parsed = |text: &str| table_mode(text).map(|(name, mode)| (name.to_string(), mode));
        assert_eq!(parsed("a.b:append"), Ok(("a.b".to_owned(), Some(TableMode::Append))));
        assert_eq!(parsed("a:b"), Ok(("a:b".to_owned(), None)));
        assert_eq!(parsed("orders"), Ok(("orders".to_owned(), None)));
        assert!(parsed("a.b.c:merge").is_err());
    }

    #[test]
    fn a_mistyped_setting_is_not_repeated() {
        assert!(!key_value("hunter2").unwrap_err().contains("hunter2"));
        assert_eq!(key_value("a=b=c"), Ok(("a".to_owned(), "b=c".to_owned())));
    }
}

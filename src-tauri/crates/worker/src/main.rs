//! `syncline`: the headless binary. See `syncline --help`.

mod app;
mod cli;
mod commands;
mod exit;
mod prompt;
mod screen;
mod text;

use std::process::ExitCode;

use clap::Parser;
use syncline_protocol::{Error, ErrorKind, Result};

use crate::app::{Context, Surroundings};
use crate::cli::{Cli, Command};
use crate::exit::Exit;
use crate::screen::Screen;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // Two TLS providers may be linked; the first one that is asked for must not be left to chance.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let cli = Cli::parse();
    let screen = Screen::new(&cli.global);
    match run(cli, &screen) {
        Ok(exit) => exit.into(),
        Err(error) => {
            screen.error(&error);
            Exit::of(&error).into()
        }
    }
}

fn run(cli: Cli, screen: &Screen) -> Result<Exit> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(|error| {
        Error::new(ErrorKind::LimitExceeded, "The system gave no threads.").caused_by(error)
    })?;
    let surroundings = Surroundings { screen, runtime: &runtime, global: &cli.global };
    let exit = match cli.command {
        Command::Init(arguments) => commands::init::run(&surroundings, arguments),
        Command::Demo(arguments) => commands::demo::run(&surroundings, arguments),
        Command::Schema(arguments) => commands::schema::run(&surroundings, &arguments),
        Command::Completions(arguments) => commands::completions::run(&surroundings, &arguments),
        Command::Serve(arguments) => commands::serve::run(&surroundings, &arguments),
        command => in_project(&surroundings, command),
    };
    // A source or a file system that hangs must not keep the program from ending.
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    exit
}

fn in_project(surroundings: &Surroundings<'_>, command: Command) -> Result<Exit> {
    let context = Context::open(surroundings)?;
    match command {
        Command::Add(arguments) => commands::add::run(&context, arguments),
        Command::Check(arguments) => commands::check::run(&context, &arguments),
        Command::Discover(arguments) => commands::discover::run(&context, &arguments),
        Command::Preview(arguments) => commands::preview::run(&context, &arguments),
        Command::Plan(arguments) => commands::plan::run(&context, &arguments),
        Command::Run(arguments) => commands::run::run(&context, &arguments),
        Command::Accept(arguments) => commands::accept::run(&context, &arguments),
        Command::State(arguments) => commands::state::run(&context, arguments.command),
        Command::Status(arguments) => commands::status::run(&context, &arguments),
        Command::Receipt(arguments) => commands::receipt::run(&context, &arguments),
        Command::Quarantine(arguments) => commands::quarantine::run(&context, arguments.command),
        Command::Secret(arguments) => commands::secret::run(&context, arguments.command),
        Command::Connector(arguments) => commands::connector::run(&context, arguments.command),
        Command::Init(_)
        | Command::Demo(_)
        | Command::Schema(_)
        | Command::Completions(_)
        | Command::Serve(_) => Err(Error::internal("A command was handed to the wrong place.")),
    }
}

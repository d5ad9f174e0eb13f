//! `syncline completions`

use clap::CommandFactory;
use syncline_protocol::Result;

use crate::app::Surroundings;
use crate::cli::{Cli, Completions};
use crate::exit::Exit;

pub(crate) fn run(surroundings: &Surroundings<'_>, arguments: &Completions) -> Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Cli::command(), "syncline", &mut script);
    surroundings.screen.print(String::from_utf8_lossy(&script).trim_end());
    Ok(Exit::Ok)
}

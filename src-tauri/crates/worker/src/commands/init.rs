//! `syncline init`

use std::path::Path;

use syncline_protocol::Result;
use syncline_store::Project;

use crate::app::Surroundings;
use crate::cli::Init;
use crate::exit::Exit;

pub(crate) fn run(surroundings: &Surroundings<'_>, arguments: Init) -> Result<Exit> {
    let name = arguments.name.unwrap_or_else(|| folder_name(&arguments.folder));
    let project = Project::init(&arguments.folder, &name)?;
    surroundings.screen.print(format!(
        "Made the project \"{name}\" in {}.\n\nNext:\n  syncline add source NAME\n  syncline add destination NAME\n  syncline add connection NAME --source … --destination … --all",
        project.root().display()
    ));
    Ok(Exit::Ok)
}

fn folder_name(folder: &Path) -> String {
    let absolute = std::path::absolute(folder).unwrap_or_default();
    let name = absolute.file_name().map(|name| name.to_string_lossy().into_owned());
    name.unwrap_or_else(|| "Project".to_owned())
}

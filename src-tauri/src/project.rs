//! Which project the window opens.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use syncline_protocol::{Error, ErrorKind, Result};
use syncline_store::Project;
use tauri::{AppHandle, Manager as _};

/// The folder that is made at the first start, among the documents of the person.
const FOLDER: &str = "Syncline";
const NAME: &str = "Studio";
const VARIABLE: &str = "SYNCLINE_PROJECT";

/// Opens the project that was asked for, else the person's own one. A folder that is not there or empty becomes a project;
/// one with other things in it is left alone.
pub(crate) fn open(app: &AppHandle) -> Result<Project> {
    let arguments = std::env::args_os().skip(1);
    let arguments: Vec<String> = arguments.map(|argument| argument.to_string_lossy().into_owned()).collect();
    let folder = match given(&arguments, std::env::var_os(VARIABLE)) {
        Some(folder) => folder,
        None => own(app)?,
    };
    open_or_make(&folder)
}

/// The folder that arguments or the environment name. Links and options are none.
pub(crate) fn given<'a>(
    arguments: impl IntoIterator<Item = &'a String>,
    variable: Option<OsString>,
) -> Option<PathBuf> {
    let named = arguments.into_iter().find(|argument| {
        !argument.is_empty() && !argument.starts_with('-') && !argument.starts_with("syncline:")
    });
    let variable = variable.filter(|folder| !folder.is_empty());
    named.map(PathBuf::from).or_else(|| variable.map(PathBuf::from))
}

fn own(app: &AppHandle) -> Result<PathBuf> {
    let path = app.path();
    let parent = path.document_dir().or_else(|_| path.data_dir()).map_err(|error| {
        Error::new(ErrorKind::Config, "This computer does not say where your documents lie.")
            .meaning("No project was opened or made.")
            .fix(format!("Start with the folder of a project: `syncline-studio FOLDER`, or set {VARIABLE}."))
            .caused_by(error)
    })?;
    Ok(parent.join(FOLDER))
}

fn open_or_make(folder: &Path) -> Result<Project> {
    let has_nothing = match std::fs::read_dir(folder) {
        Ok(mut entries) => entries.next().is_none(),
        Err(error) => error.kind() == std::io::ErrorKind::NotFound,
    };
    if has_nothing { Project::init(folder, NAME) } else { Project::open(folder) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(words: &[&str]) -> Vec<String> {
        words.iter().map(|&word| word.to_owned()).collect()
    }

    #[test]
    fn a_folder_on_the_command_line_comes_before_the_environment() {
        let variable = || Some(OsString::from("/from/environment"));
        let of = |words: &[&str]| given(&texts(words), variable()).unwrap();
        assert_eq!(of(&["/a"]), Path::new("/a"));
        assert_eq!(of(&["--quiet", "syncline://open/inbox"]), Path::new("/from/environment"));
        assert_eq!(given(&texts(&["syncline://open/inbox"]), None), None);
        assert_eq!(given(&[], Some(OsString::new())), None);
    }

    #[test]
    fn a_project_is_made_once_and_other_folders_are_left_alone() {
        let scratch = tempfile::tempdir().unwrap();
        let own = scratch.path().join("Syncline");
        let made = open_or_make(&own).unwrap();
        assert_eq!(open_or_make(&own).unwrap().config().id, made.config().id);
        let other = scratch.path().join("photos");
        std::fs::create_dir(&other).unwrap();
        std::fs::write(other.join("cat.jpg"), "").unwrap();
        assert!(open_or_make(&other).is_err());
        assert_eq!(std::fs::read_dir(&other).unwrap().count(), 1);
    }
}

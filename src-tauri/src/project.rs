//! Which project the window opens.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use syncline_protocol::{Error, ErrorKind, Result};
use syncline_store::Project;
use tauri::{AppHandle, Manager as _};
use tauri_plugin_dialog::DialogExt as _;

/// The folder that is made at the first start, among the documents of the person.
const FOLDER: &str = "Syncline";
const NAME: &str = "Studio";
const VARIABLE: &str = "SYNCLINE_PROJECT";
/// In the settings of the program: the folder of the project that was opened last.
const NOTE: &str = "project";

/// Opens the project that was asked for, else the person's own one. A folder that is not there or empty becomes a project;
/// one with other things in it is left alone.
pub(crate) fn open(app: &AppHandle) -> Result<Project> {
    let arguments = std::env::args_os().skip(1);
    let arguments: Vec<String> = arguments.map(|argument| argument.to_string_lossy().into_owned()).collect();
    let folder = match given(&arguments, std::env::var_os(VARIABLE)) {
        Some(folder) => folder,
        None => last(app).map_or_else(|| own(app), Ok)?,
    };
    open_or_make(&folder)
}

/// Lets the person choose a folder; nothing when none was chosen.
#[tauri::command]
pub(crate) async fn pick(app: AppHandle) -> Option<String> {
    let (tell, told) = tokio::sync::oneshot::channel();
    app.dialog().file().pick_folder(move |folder| {
        let _ = tell.send(folder);
    });
    let folder = told.await.ok()??.into_path().ok()?;
    Some(folder.to_string_lossy().into_owned())
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

/// Where the folder is kept that somebody chose to work in.
fn note(app: &AppHandle) -> Option<PathBuf> {
    app.path().app_config_dir().ok().map(|folder| folder.join(NOTE))
}

/// The next start without a folder opens this one.
pub(crate) fn remember(app: &AppHandle, folder: &Path) {
    let Some(note) = note(app) else { return };
    let written =
        note.parent().map_or(Ok(()), std::fs::create_dir_all).and_then(|()| write_path(&note, folder));
    if let Err(error) = written {
        tracing::warn!(%error, "the next start opens another project");
    }
}

fn write_path(note: &Path, folder: &Path) -> std::io::Result<()> {
    std::fs::write(note, folder.to_string_lossy().as_bytes())
}

/// The folder that was opened last, if it is still a project.
fn last(app: &AppHandle) -> Option<PathBuf> {
    noted(&note(app)?)
}

fn noted(note: &Path) -> Option<PathBuf> {
    let folder = PathBuf::from(std::fs::read_to_string(note).ok()?);
    folder.join("project.yaml").is_file().then_some(folder)
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
    fn the_project_that_was_opened_last_is_opened_again_as_long_as_it_is_there() {
        let scratch = tempfile::tempdir().unwrap();
        let (note, folder) = (scratch.path().join("note"), scratch.path().join("shop"));
        assert_eq!(noted(&note), None);
        write_path(&note, &folder).unwrap();
        assert_eq!(noted(&note), None, "nothing is there yet");
        open_or_make(&folder).unwrap();
        assert_eq!(noted(&note), Some(folder.clone()));
        std::fs::remove_dir_all(&folder).unwrap();
        assert_eq!(noted(&note), None);
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

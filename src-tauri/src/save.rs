//! Saves what the page made into a file that the person chooses. The page learns nothing of it but whether there is one.

use std::path::Path;

use tauri::AppHandle;
use tauri_plugin_dialog::{DialogExt as _, MessageDialogKind};

/// Asks where to, and writes.
#[tauri::command]
pub(crate) fn save(app: AppHandle, name: String, text: String) {
    let dialog = app.dialog().file().set_file_name(plain(&name));
    dialog.save_file(move |place| {
        let Some(place) = place.and_then(|place| place.into_path().ok()) else { return };
        tauri::async_runtime::spawn_blocking(move || {
            let Err(why) = write(&place, &text) else { return };
            app.dialog()
                .message(why)
                .title("The file was not saved")
                .kind(MessageDialogKind::Error)
                .show(|_| {});
        });
    });
}

/// Writes the file, or says why it is not there.
fn write(place: &Path, text: &str) -> Result<(), String> {
    std::fs::write(place, text).map_err(|error| {
        tracing::warn!(%error, "a file could not be saved");
        format!("{}: {error}", place.display())
    })
}

/// A name without a folder in it.
fn plain(name: &str) -> String {
    name.chars().map(|c| if matches!(c, '/' | '\\' | ':') || c.is_control() { '-' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_cannot_be_written_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("orders.csv");
        write(&place, "id\n1\n").unwrap();
        assert_eq!(std::fs::read_to_string(&place).unwrap(), "id\n1\n");
        let nowhere = folder.path().join("gone").join("orders.csv");
        assert!(write(&nowhere, "x").unwrap_err().starts_with(&nowhere.display().to_string()));
    }

    #[test]
    fn a_suggested_name_leads_to_no_folder() {
        assert_eq!(plain("orders.csv"), "orders.csv");
        assert_eq!(plain("../a\\b:c\n.csv"), "..-a-b-c-.csv");
    }
}

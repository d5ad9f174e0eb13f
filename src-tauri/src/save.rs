//! Saves what the page made into a file that the person chooses. The page learns nothing of it but whether there is one.

use tauri::AppHandle;
use tauri_plugin_dialog::{DialogExt as _, MessageDialogKind};

/// Asks where to, and writes.
#[tauri::command]
pub(crate) fn save(app: AppHandle, name: String, text: String) {
    let dialog = app.dialog().file().set_file_name(plain(&name));
    dialog.save_file(move |place| {
        let Some(place) = place.and_then(|place| place.into_path().ok()) else { return };
        tauri::async_runtime::spawn_blocking(move || {
            let Err(error) = std::fs::write(&place, text) else { return };
            tracing::warn!(%error, "a file could not be saved");
            app.dialog()
                .message(format!("{}: {error}", place.display()))
                .title("The file was not saved")
                .kind(MessageDialogKind::Error)
                .show(|_| {});
        });
    });
}

/// A name without a folder in it.
fn plain(name: &str) -> String {
    name.chars().map(|c| if matches!(c, '/' | '\\' | ':') || c.is_control() { '-' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_suggested_name_leads_to_no_folder() {
        assert_eq!(plain("orders.csv"), "orders.csv");
        assert_eq!(plain("../a\\b:c\n.csv"), "..-a-b-c-.csv");
    }
}

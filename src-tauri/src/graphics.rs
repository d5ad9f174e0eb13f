//! Web views on Linux draw nothing with some graphics drivers, and slowly without any. What helps is known: a variable
//! that WebKitGTK reads when it starts. See tauri-apps/tauri issue 9304.

use std::path::Path;
use std::process::Command;

use tauri::AppHandle;
use tauri_plugin_dialog::{DialogExt as _, MessageDialogButtons, MessageDialogKind};

use crate::studio::Studio;

const SWITCH: &str = "WEBKIT_DISABLE_DMABUF_RENDERER";

/// Starts once more with safe graphics where it is known that the others fail, with NVIDIA's own driver, and where there
/// is no graphics processor: the others would have the processor imitate one, which makes each step of a scrolling table
/// three times as long (`cargo xtask bench window`). Somebody who set the variable, to whatever, decided it.
pub(crate) fn prepare() {
    let decided = std::env::var_os(SWITCH).is_some();
    if cfg!(target_os = "linux") && !decided && (has_nvidia_driver() || !has_graphics_processor()) {
        start_again();
    }
}

fn has_nvidia_driver() -> bool {
    Path::new("/proc/driver/nvidia/version").exists()
}

/// The kernel has a `renderD…` node for each that can draw.
fn has_graphics_processor() -> bool {
    let nodes = std::fs::read_dir("/dev/dri").into_iter().flatten().flatten();
    nodes.map(|node| node.file_name()).any(|name| name.to_string_lossy().starts_with("renderD"))
}

/// Without a display there is no window: says so, and what there is instead. The library below panics later on.
#[cfg(target_os = "linux")]
pub(crate) fn find_display() -> Result<(), &'static str> {
    gtk::init().map_err(|_| {
        "Syncline Studio needs a display, and there is none here.\n\
         Nothing was opened or changed. Start it from a desktop session, or run `syncline serve`: it opens the same \
         studio in a browser."
    })
}

/// Other systems always have one.
#[cfg(not(target_os = "linux"))]
#[allow(clippy::unnecessary_wraps)] // the shape of its Linux twin
pub(crate) fn find_display() -> Result<(), &'static str> {
    Ok(())
}

/// The page did not draw itself: offers what helps.
pub(crate) fn offer_safe_start(app: &AppHandle) {
    use tauri::Manager as _;
    let can_help = cfg!(target_os = "linux") && std::env::var_os(SWITCH).is_none_or(|value| value != "1");
    let dialog = app.dialog();
    if !can_help {
        let folder = app.state::<Studio>().opened().map(|opened| opened.folder()).unwrap_or_default();
        let logs = folder.join(".syncline").join("logs");
        let text = format!(
            "The web view of this system does not draw the page. What it said is in {}.\n\n\
             `syncline serve` opens the same studio in your browser.",
            logs.display()
        );
        dialog.message(text).title("The window stays empty").kind(MessageDialogKind::Error).show(|_| {});
        return;
    }
    let app = app.clone();
    dialog
        .message(format!(
            "This happens with some graphics drivers. Syncline can start again with safe graphics ({SWITCH}=1). \
             A sync that runs stops at its next durable point and loses nothing."
        ))
        .title("The window stays empty")
        .kind(MessageDialogKind::Warning)
        .buttons(MessageDialogButtons::OkCancelCustom(
            "Start with safe graphics".to_owned(),
            "Wait".to_owned(),
        ))
        .show(move |agreed| {
            if agreed {
                tauri::async_runtime::spawn(async move {
                    if let Some(api) = app.state::<Studio>().api() {
                        api.drain().await;
                    }
                    start_again();
                });
            }
        });
}

/// Replaces this process by one with safe graphics; comes back only where that failed.
#[cfg(unix)]
fn start_again() {
    use std::os::unix::process::CommandExt as _;
    if let Ok(program) = std::env::current_exe() {
        let error = Command::new(program).args(std::env::args_os().skip(1)).env(SWITCH, "1").exec();
        tracing::error!(%error, "the program could not be started again");
    }
}

/// Other systems do not have the switch.
#[cfg(not(unix))]
fn start_again() {}

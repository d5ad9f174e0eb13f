//! The tray: there while a sync runs, and while somebody has to look at what it left.

use std::panic::{AssertUnwindSafe, catch_unwind};

use tauri::image::Image;
use tauri::menu::{Menu, MenuItem};
use tauri::tray::{MouseButton, TrayIconBuilder, TrayIconEvent};
use tauri::{AppHandle, Manager as _};

use crate::menu::{QUIT, SHOW};
use crate::studio::Studio;
use crate::window;

const TRAY: &str = "tray";
/// Macs colour it themselves.
const ICON: &[u8] = if cfg!(target_os = "macos") {
    include_bytes!("../../icons/tray-template.png")
} else {
    include_bytes!("../../icons/tray.png")
};

/// Shows the tray or takes it away, as is due. Whether it is there.
pub(crate) fn update(app: &AppHandle) -> bool {
    let (due, words) = {
        let studio = app.state::<Studio>();
        let wanted = studio.shared().wanted;
        let words = studio.shared().words.clone();
        (wanted || studio.is_running(), words)
    };
    let there = app.tray_by_id(TRAY);
    match (due, there) {
        (false, None) => false,
        (false, Some(tray)) => {
            drop(tray);
            let app_there = app.clone();
            let _ = app.run_on_main_thread(move || drop(app_there.remove_tray_by_id(TRAY)));
            false
        }
        (true, Some(_)) => true,
        // Where it cannot be shown, it is as if it were not there: the window is not hidden then.
        (true, None) => {
            let (tell, told) = std::sync::mpsc::channel();
            let maker = app.clone();
            let make = move || {
                // The library of the tray panics where it is not installed.
                let made =
                    catch_unwind(AssertUnwindSafe(|| make(&maker, &words.show, &words.quit, &words.running)));
                let made = made.is_ok_and(|made| {
                    made.inspect_err(|error| tracing::warn!(%error, "there is no tray")).is_ok()
                });
                let _ = tell.send(made);
            };
            let _ = app.run_on_main_thread(make);
            told.try_recv().unwrap_or(true)
        }
    }
}

fn make(app: &AppHandle, show: &str, quit: &str, running: &str) -> tauri::Result<()> {
    let menu = Menu::new(app)?;
    menu.append(&MenuItem::with_id(app, "shell:running", running, false, None::<&str>)?)?;
    menu.append(&MenuItem::with_id(app, SHOW, show, true, None::<&str>)?)?;
    menu.append(&MenuItem::with_id(app, QUIT, quit, true, None::<&str>)?)?;
    TrayIconBuilder::with_id(TRAY)
        .icon(Image::from_bytes(ICON)?)
        .icon_as_template(true)
        .tooltip(running)
        .menu(&menu)
        .show_menu_on_left_click(cfg!(target_os = "macos"))
        .on_tray_icon_event(|tray, event| {
            if let TrayIconEvent::DoubleClick { button: MouseButton::Left, .. } = event {
                window::show(tray.app_handle());
            }
        })
        .build(app)
        .map(drop)
}

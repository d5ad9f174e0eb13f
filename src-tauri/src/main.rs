//! `syncline-studio`: the studio in a window of its own. Everything it can do is a request of the api; here is only what
//! makes a window out of a page.

#![cfg_attr(all(windows, not(debug_assertions)), windows_subsystem = "windows")]

mod end;
mod graphics;
mod links;
mod menu;
mod news;
mod project;
mod rpc;
mod save;
mod studio;
mod tray;
mod window;
mod words;

use std::process::ExitCode;

use tauri::{App, AppHandle, Context, Manager as _, Wry};
use tauri_plugin_window_state::StateFlags;

use crate::studio::Studio;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    graphics::prepare();
    if let Err(why) = graphics::find_display() {
        use std::io::Write as _;
        // Nobody is left to be told when even this fails.
        let _ = writeln!(std::io::stderr(), "{why}");
        return ExitCode::FAILURE;
    }
    // Two TLS providers may be linked; the first one that is asked for must not be left to chance.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let Ok(runtime) = tokio::runtime::Builder::new_multi_thread().enable_all().build() else {
        return ExitCode::FAILURE;
    };
    tauri::async_runtime::set(runtime.handle().clone());
    let code = match build(tauri::generate_context!()) {
        Ok(app) => app.run_return(|_, _| {}),
        Err(error) => {
            tracing::error!(%error, "the window could not be made");
            1
        }
    };
    // A source or a file system that hangs must not keep the program from ending.
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    ExitCode::from(u8::try_from(code).unwrap_or(1))
}

fn build(context: Context<Wry>) -> tauri::Result<App> {
    tauri::Builder::default()
        // Before everything else: a second program ends here, and the first one comes to the front.
        .plugin(tauri_plugin_single_instance::init(|app, arguments, folder| {
            called_again(app, &arguments, &folder);
        }))
        .plugin(tauri_plugin_deep_link::init())
        .plugin(tauri_plugin_dialog::init())
        .plugin(tauri_plugin_notification::init())
        .plugin(tauri_plugin_opener::init())
        .plugin(
            // The page says when the window is shown.
            tauri_plugin_window_state::Builder::default()
                .with_state_flags(StateFlags::all() & !StateFlags::VISIBLE)
                .build(),
        )
        .invoke_handler(tauri::generate_handler![
            rpc::rpc,
            rpc::cancel,
            rpc::events,
            window::ready,
            window::front,
            menu::present,
            save::save,
            project::pick,
        ])
        .on_menu_event(menu::chosen)
        .on_window_event(window::heard)
        .setup(|app| {
            set_up(app)?;
            Ok(())
        })
        .build(context)
}

/// Opens the window and the project; without a project, says why.
fn set_up(app: &mut App) -> tauri::Result<()> {
    let handle = app.handle();
    app.manage(Studio::default());
    links::listen(handle);
    end::on_signals(handle);
    news::listen(handle);
    let opening = handle.clone();
    // While the web view starts, which takes longer.
    tauri::async_runtime::spawn_blocking(move || {
        if let Err(error) = studio::open(&opening) {
            window::refuse(&opening, &error);
        }
    });
    window::open(handle)
}

/// Somebody started the program while it runs.
fn called_again(app: &AppHandle, arguments: &[String], folder: &str) {
    window::show(app);
    let given = project::given(arguments.iter().skip(1), None);
    if let Some(other) = given.map(|given| std::path::Path::new(folder).join(given)) {
        window::other_project(app, &other);
    }
}

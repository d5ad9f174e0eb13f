//! The menu. The page says what is in it, from the same list that its palette and shortcuts come from, in the language
//! that is shown; what is chosen goes back to it by name.

use serde::Deserialize;
use tauri::menu::{Menu, MenuEvent, MenuItem, MenuItemKind, PredefinedMenuItem, Submenu, SubmenuBuilder};
use tauri::{AppHandle, Emitter as _, Manager as _, State, Wry};

use crate::studio::Studio;
use crate::window::{self, MAIN};
use crate::words::Words;
use crate::{end, tray};

/// Handled here and not by the page.
pub(crate) const QUIT: &str = "shell:quit";
pub(crate) const SHOW: &str = "shell:show";

/// One menu.
#[derive(Debug, Deserialize)]
pub(crate) struct Group {
    title: String,
    commands: Vec<Item>,
}

/// One command of the page.
#[derive(Debug, Deserialize)]
pub(crate) struct Item {
    id: String,
    title: String,
    enabled: bool,
    /// As the page writes it, "mod+shift+p"; none where the key means something else while text is edited.
    shortcut: Option<String>,
}

/// Shows this menu from now on, and says things in these words.
#[tauri::command]
pub(crate) fn present(
    app: AppHandle,
    studio: State<'_, Studio>,
    groups: Vec<Group>,
    words: Words,
) -> Result<(), String> {
    let menu = make(&app, &groups, &words).map_err(|error| error.to_string())?;
    studio.shared().words = words;
    // A menu of the program on a Mac, of the window elsewhere.
    let set = if cfg!(target_os = "macos") {
        app.set_menu(menu).map(drop)
    } else {
        app.get_webview_window(MAIN).map_or(Ok(()), |window| window.set_menu(menu).map(drop))
    };
    tray::update(&app);
    set.map_err(|error| error.to_string())
}

fn make(app: &AppHandle, groups: &[Group], words: &Words) -> tauri::Result<Menu<Wry>> {
    let menu = Menu::new(app)?;
    let quit = MenuItem::with_id(app, QUIT, &words.quit, true, Some("CmdOrCtrl+Q"))?;
    if cfg!(target_os = "macos") {
        let program = SubmenuBuilder::new(app, "Syncline").about(None).separator().hide().hide_others();
        menu.append(&program.separator().item(&quit).build()?)?;
        // Without it the keys for copying do nothing there.
        let edit = SubmenuBuilder::new(app, &words.edit).undo().redo().separator();
        menu.append(&edit.cut().copy().paste().select_all().build()?)?;
    }
    for (at, group) in groups.iter().enumerate() {
        let submenu = submenu(app, group)?;
        if at == 0 && !cfg!(target_os = "macos") {
            submenu.append(&PredefinedMenuItem::separator(app)?)?;
            submenu.append(&quit)?;
        }
        menu.append(&submenu)?;
    }
    Ok(menu)
}

fn submenu(app: &AppHandle, group: &Group) -> tauri::Result<Submenu<Wry>> {
    let items: Vec<MenuItemKind<Wry>> = group
        .commands
        .iter()
        .map(|item| {
            let key = item.shortcut.as_deref().map(accelerator);
            let made = MenuItem::with_id(app, &item.id, &item.title, item.enabled, key.as_deref());
            // A key that this system does not know leaves the command without one.
            let made =
                made.or_else(|_| MenuItem::with_id(app, &item.id, &item.title, item.enabled, None::<&str>));
            made.map(MenuItemKind::MenuItem)
        })
        .collect::<tauri::Result<_>>()?;
    let submenu = Submenu::new(app, &group.title, true)?;
    for item in &items {
        submenu.append(item)?;
    }
    Ok(submenu)
}

/// "mod+shift+p" as menus write it.
fn accelerator(shortcut: &str) -> String {
    let part = |part: &str| match part {
        "mod" => "CmdOrCtrl".to_owned(),
        part => {
            let mut letters = part.chars();
            letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
        }
    };
    shortcut.split('+').map(part).collect::<Vec<String>>().join("+")
}

/// Something was chosen, in the menu or in the tray.
pub(crate) fn chosen(app: &AppHandle, event: MenuEvent) {
    match event.id().as_ref() {
        QUIT => end::begin(app),
        SHOW => window::show(app),
        command => {
            let _ = app.emit_to(MAIN, "command", command);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shortcuts_are_written_as_menus_do() {
        assert_eq!(accelerator("mod+shift+p"), "CmdOrCtrl+Shift+P");
        assert_eq!(accelerator("mod+,"), "CmdOrCtrl+,");
        assert_eq!(accelerator("f6"), "F6");
        assert_eq!(accelerator("alt+left"), "Alt+Left");
    }
}

//! Links into the studio: `syncline://open/inbox`. They come from anywhere, so they only ever lead to a page, and what
//! they say is not believed further than that.

use tauri::{AppHandle, Emitter as _, Manager as _};
use tauri_plugin_deep_link::DeepLinkExt as _;
use url::Url;

use crate::studio::Studio;
use crate::window::{self, MAIN};

const SCHEME: &str = "syncline";
const OPEN: &str = "open";
/// The pages that a link may name.
const PAGES: &[&str] = &["connections", "inbox", "runs", "settings", "sql", "welcome"];
const LENGTH_MAX: usize = 512;

/// Hears links, also the one that this program was started with.
pub(crate) fn listen(app: &AppHandle) {
    let links = app.deep_link();
    // Packages register the scheme when they are installed; programs that were only unpacked do so here.
    if cfg!(windows) || std::env::var_os("APPIMAGE").is_some() {
        let _ = links.register_all().inspect_err(|error| tracing::warn!(%error, "links are not for us"));
    }
    if let Ok(Some(urls)) = links.get_current() {
        follow(app, &urls);
    }
    let heard = app.clone();
    links.on_open_url(move |event| follow(&heard, &event.urls()));
}

fn follow(app: &AppHandle, urls: &[Url]) {
    let Some(place) = urls.iter().find_map(place) else {
        tracing::warn!("a link that leads nowhere");
        return;
    };
    let studio = app.state::<Studio>();
    {
        let mut shared = studio.shared();
        if !shared.ready {
            shared.place = Some(place);
            return;
        }
    }
    window::show(app);
    let _ = app.emit_to(MAIN, "go", place);
}

/// Where a link leads, as a path of the page.
fn place(url: &Url) -> Option<String> {
    if url.scheme() != SCHEME || url.host_str() != Some(OPEN) || url.as_str().len() > LENGTH_MAX {
        return None;
    }
    let parts: Vec<&str> = url.path_segments()?.filter(|part| !part.is_empty()).collect();
    match parts.first() {
        None => Some("/".to_owned()),
        Some(first) if PAGES.contains(first) => Some(format!("/{}", parts.join("/"))),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_lead_to_pages_and_nowhere_else() {
        let of = |link: &str| place(&Url::parse(link).unwrap());
        assert_eq!(of("syncline://open/inbox"), Some("/inbox".to_owned()));
        assert_eq!(of("syncline://open/"), Some("/".to_owned()));
        assert_eq!(
            of("syncline://open/connections/my%20shop/history?run=x#y"),
            Some("/connections/my%20shop/history".to_owned())
        );
        for wrong in [
            "syncline://open/new",
            "syncline://run/shop",
            "syncline:open/inbox",
            "https://open/inbox",
            "syncline://open/javascript:alert(1)",
            "syncline://open/connections/../../new",
            &format!("syncline://open/sql/{}", "x".repeat(LENGTH_MAX)),
        ] {
            assert_eq!(of(wrong), None, "{wrong}");
        }
    }
}

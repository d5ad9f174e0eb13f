//! The open project, as the commands of the page find it.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use syncline_api::Api;
use syncline_protocol::{Result, Stopped};
use syncline_worker::{Opened, Redaction};
use tauri::{AppHandle, Manager as _};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::project;
use crate::words::Words;

/// What the window works with. The page is loaded while the project is opened: what it asks for waits for it.
#[derive(Default)]
pub(crate) struct Studio {
    opened: watch::Sender<Option<Arc<Opened>>>,
    shared: Mutex<Shared>,
}

/// What changes while the window is open.
#[derive(Default)]
pub(crate) struct Shared {
    /// Requests that the page may give up, by the number it gave them.
    pub(crate) requests: HashMap<u32, CancellationToken>,
    /// The stream of events to the page; there is one, of the latest page.
    pub(crate) stream: CancellationToken,
    /// Whether the page has been drawn.
    pub(crate) ready: bool,
    /// The window comes back, with news, after it was closed while a sync ran.
    pub(crate) wanted: bool,
    /// Where a link leads that came before the page.
    pub(crate) place: Option<String>,
    /// How the program ends; set once somebody asked for it.
    pub(crate) ending: bool,
    /// What the page called things in the language that is shown.
    pub(crate) words: Words,
}

impl Studio {
    /// The project is open.
    pub(crate) fn put(&self, opened: Arc<Opened>) {
        self.opened.send_replace(Some(opened));
    }

    /// The project, once it is open.
    pub(crate) fn opened(&self) -> Option<Arc<Opened>> {
        self.opened.borrow().clone()
    }

    /// What answers for the project, once it is open.
    pub(crate) fn api(&self) -> Option<Api> {
        self.opened().map(|opened| opened.api())
    }

    /// Waits until the project is open.
    pub(crate) async fn ready_api(&self) -> Result<Api> {
        let mut told = self.opened.subscribe();
        let opened = told.wait_for(Option::is_some).await.ok().and_then(|opened| opened.clone());
        Ok(opened.ok_or(Stopped)?.api())
    }

    /// Whether a sync is running.
    pub(crate) fn is_running(&self) -> bool {
        self.api().is_some_and(|api| api.is_running())
    }

    pub(crate) fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Opens the project that this program was started for.
pub(crate) fn open(app: &AppHandle) -> Result<()> {
    let project = project::open(app)?;
    let runtime = tauri::async_runtime::handle();
    let _entered = runtime.inner().enter();
    let remembered = app.clone();
    let remember = move |folder: &Path| project::remember(&remembered, folder);
    let opened = Opened::open(project, 0, Redaction::default(), remember)?;
    tracing::info!(folder = %opened.folder().display(), "the studio is open");
    app.state::<Studio>().put(opened);
    Ok(())
}

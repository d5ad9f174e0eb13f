//! The open project, as the commands of the page find it.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use syncline_api::Api;
use syncline_protocol::Result;
use syncline_store::State;
use syncline_worker::logging::{self, Log};
use syncline_worker::{ProgramHost, Redaction};
use tauri::{AppHandle, Manager as _};
use tokio_util::sync::CancellationToken;

use crate::project;
use crate::words::Words;

/// What the window works with.
pub(crate) struct Studio {
    pub(crate) api: Api,
    /// The project.
    pub(crate) folder: PathBuf,
    shared: Mutex<Shared>,
    _log: Log,
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
    /// Opens the project that this program was started for.
    pub(crate) fn open(app: &AppHandle) -> Result<()> {
        let project = project::open(app)?;
        let redaction = Redaction::default();
        let log = logging::begin(&project.logs(), 0, &redaction)?;
        let state = Arc::new(State::open(&project.state_path())?);
        let folder = project.root().to_owned();
        let runtime = tauri::async_runtime::handle();
        let _entered = runtime.inner().enter();
        let host = ProgramHost::new(redaction, &project)?;
        let api = Api::new(Arc::new(host), project, state);
        tracing::info!(folder = %folder.display(), "the studio is open");
        app.manage(Studio { api, folder, shared: Mutex::default(), _log: log });
        Ok(())
    }

    pub(crate) fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

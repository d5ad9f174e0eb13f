//! The project that a program shows in its windows. Another one can take its place while the program runs: windows only
//! have to load anew.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock, Weak};

use syncline_api::Api;
use syncline_protocol::{Error, Result};
use syncline_store::{Project, State};

use crate::host::ProgramHost;
use crate::logging::{self, Log};
use crate::redaction::Redaction;

/// The open project, its api and its log.
pub struct Opened {
    current: RwLock<Current>,
    redaction: Redaction,
    log: Log,
    /// Told the folder of a project that took the place of another one.
    remember: Box<dyn Fn(&Path) + Send + Sync>,
}

#[derive(Clone)]
struct Current {
    api: Api,
    folder: PathBuf,
}

impl Opened {
    /// Begins the log of a project and makes it ready to answer. Must be called within a runtime.
    ///
    /// # Errors
    /// When its log, its state or its connectors cannot be opened.
    pub fn open(
        project: Project,
        verbose: u8,
        redaction: Redaction,
        remember: impl Fn(&Path) + Send + Sync + 'static,
    ) -> Result<Arc<Opened>> {
        let log = logging::begin(&project.logs(), verbose, &redaction)?;
        let state = State::open(&project.state_path())?;
        let host = ProgramHost::new(redaction.clone(), &project)?;
        Ok(Arc::new_cyclic(|opened| Opened {
            current: RwLock::new(Current::new(project, state, host, opened)),
            redaction,
            log,
            remember: Box::new(remember),
        }))
    }

    /// The api of the project that is open now.
    pub fn api(&self) -> Api {
        self.current().api
    }

    /// The folder of the project that is open now.
    pub fn folder(&self) -> PathBuf {
        self.current().folder
    }

    fn current(&self) -> Current {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Opens another project instead. What does not open leaves everything as it is.
    pub(crate) fn replace(self: &Arc<Self>, folder: &Path) -> Result<()> {
        let project = Project::open(folder)?;
        let state = State::open(&project.state_path())?;
        let host = ProgramHost::new(self.redaction.clone(), &project)?;
        self.log.move_to(&project.logs())?;
        let next = Current::new(project, state, host, &Arc::downgrade(self));
        tracing::info!(folder = %next.folder.display(), "another project is open");
        (self.remember)(&next.folder);
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = next;
        Ok(())
    }
}

impl Current {
    fn new(project: Project, state: State, host: ProgramHost, opened: &Weak<Opened>) -> Current {
        let folder = project.root().to_owned();
        let host = host.of(Weak::clone(opened));
        Current { api: Api::new(Arc::new(host), project, Arc::new(state)), folder }
    }
}

/// The program is at its end.
pub(crate) fn is_closing() -> Error {
    Error::internal("The program is closing, so no other project was opened.")
}

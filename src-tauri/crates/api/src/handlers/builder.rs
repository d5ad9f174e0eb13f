//! Connectors that are being made.

use syncline_engine::versions::pin;
use syncline_protocol::builder::{Draft, DraftFrom, Examined, Trial, TrialResult};
use syncline_protocol::{ConnectorBuilder, Error, ErrorKind, Result, split_reference};
use syncline_store::SystemKind;
use syncline_store::project::validate_name;

use std::collections::BTreeMap;
use std::sync::PoisonError;

use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value, json};
use syncline_store::{Recorder, Recording};

use crate::api::{Api, Open};
use crate::form::{self, fields};
use crate::types::{
    ExamineRequest, ForgetDraftRequest, KeptDraft, LookAnswer, LookRequest, LookedTable,
    OpenConnectorRequest, OpenedConnector, PracticeApi, SaveConnectorRequest, SavedConnector, SecretText,
    TrialRequest,
};

/// The settings of the state that hold drafts.
const KEPT: &str = "builder.draft.";
/// An answer larger than this is not kept with its draft.
const SAMPLE_BYTES_MAX: usize = 256 << 10;
const DRAFTS_MAX: usize = 50;

impl Open {
    pub(super) fn builder(&self) -> Result<&dyn ConnectorBuilder> {
        self.host.builder().ok_or_else(|| {
            Error::new(ErrorKind::Unsupported, "This program cannot make connectors.").fix("Use the studio.")
        })
    }

    /// The sources that use a connector.
    fn sources_of(&self, connector: &str) -> Result<Vec<String>> {
        let mut sources = self.project.systems(SystemKind::Source)?;
        sources.retain(|name| {
            self.project
                .system(SystemKind::Source, name)
                .is_ok_and(|system| split_reference(&system.connector).0 == connector)
        });
        Ok(sources)
    }
}

impl Api {
    pub(crate) async fn builder_draft(&self, from: DraftFrom) -> Result<Draft> {
        self.open.builder()?.draft(from).await
    }

    pub(crate) async fn builder_look(&self, request: LookRequest) -> Result<LookAnswer> {
        self.blocking(move |open| {
            let look = open.builder()?.look(&request.yaml);
            let tables = look.tables.into_iter().map(|(name, problem)| LookedTable { name, problem });
            Ok(LookAnswer {
                tables: tables.collect(),
                fields: fields::descriptors(&look.settings),
                problem: look.problem,
            })
        })
        .await
    }

    pub(crate) async fn builder_examine(&self, request: ExamineRequest) -> Result<Examined> {
        self.blocking(move |open| open.builder()?.examine(&request.answer, request.rows.as_deref())).await
    }

    pub(crate) async fn builder_trial(&self, request: TrialRequest) -> Result<TrialResult> {
        let (config, secrets) = filled(request.config, &request.secrets);
        self.open.host.learn_secrets(&secrets);
        self.recall_recordings().await;
        let trial = Trial {
            yaml: request.yaml,
            table: request.table,
            config,
            replay: request.replay,
            twice: request.twice,
            secrets,
            bounds: None,
        };
        let mut result = self.open.builder()?.trial(trial).await;
        result.recording_ends = !self.keep_recordings().await;
        Ok(result)
    }

    /// Brings back what was recorded when the project was open before; once.
    pub(super) async fn recall_recordings(&self) {
        let recalled = self.blocking(|open| {
            let mut recalled = open.recordings.lock().unwrap_or_else(PoisonError::into_inner);
            if !std::mem::replace(&mut *recalled, true)
                && let Some(recording) = Recording::of_builder(&open.project, &open.vault()?)?
            {
                open.builder()?.take_recordings(recording.answers);
            }
            Ok(())
        });
        // A recording is a help: without it the API is asked.
        if let Err(error) = recalled.await {
            tracing::warn!(message = error.message(), "what the builder recorded cannot be brought back");
        }
    }

    /// Keeps what was recorded with the project, sealed. Whether that went well.
    pub(super) async fn keep_recordings(&self) -> bool {
        let kept = self.blocking(|open| {
            let builder = open.builder()?;
            let _one = open.recordings.lock().unwrap_or_else(PoisonError::into_inner);
            if !builder.has_new_recordings() {
                return Ok(());
            }
            let recorder = Recorder::of_builder(&open.project, &open.vault()?)?;
            recorder.begin(&json!({}));
            builder.keep_recordings(&recorder);
            recorder.finish(true);
            Ok(())
        });
        if let Err(error) = kept.await {
            tracing::warn!(
                message = error.message(),
                "what the builder recorded is forgotten with this program"
            );
            return false;
        }
        true
    }

    pub(crate) async fn builder_save(&self, request: SaveConnectorRequest) -> Result<SavedConnector> {
        self.blocking(move |open| {
            let SaveConnectorRequest { name, yaml, replace } = request;
            validate_name(&name)?;
            let builder = open.builder()?;
            open.host.refresh_connectors()?;
            let known = builder.open(open.project.root(), &name).is_ok();
            if known && !replace {
                return Err(Error::new(
                    ErrorKind::Config,
                    format!("There is already a connector called `{name}`."),
                )
                .meaning("It was left as it is.")
                .fix("Choose another name."));
            }
            let newest = known.then(|| open.connector(&name)).transpose()?;
            let in_use = match newest.map(|newest| newest.version().into_owned()) {
                Some(newest) if open.uses(&name)?.iter().any(|source| source.is_on(&newest)) => Some(newest),
                _ => None,
            };
            let connector = builder.save(open.project.root(), &name, &yaml, in_use.is_some())?;
            if let Some(newest) = &in_use {
                // What follows the newest version would move by itself.
                open.keep_files(true)?;
                pin(&open.project, &open.state, open.host.connectors(), &name, newest)?;
                open.keep_files(false)?;
            }
            let saved =
                SavedConnector { version: connector.version().into_owned(), beside: in_use.is_some() };
            open.host.connectors().add(connector);
            Ok(saved)
        })
        .await
    }

    pub(crate) async fn builder_open(&self, request: OpenConnectorRequest) -> Result<OpenedConnector> {
        self.blocking(move |open| {
            let yaml = open.builder()?.open(open.project.root(), &request.name)?;
            Ok(OpenedConnector { yaml, used_by: open.sources_of(&request.name)? })
        })
        .await
    }

    pub(crate) async fn builder_drafts(&self, (): ()) -> Result<Vec<KeptDraft>> {
        self.blocking(|open| {
            let kept = open.state.settings::<KeptDraft>(KEPT)?;
            Ok(kept.into_iter().map(|(_, draft)| draft).collect())
        })
        .await
    }

    pub(crate) async fn builder_keep(&self, mut draft: KeptDraft) -> Result<()> {
        self.blocking(move |open| {
            validate_name(&draft.name)?;
            let kept = open.state.settings::<KeptDraft>(KEPT)?;
            if kept.len() >= DRAFTS_MAX && kept.iter().all(|(name, _)| *name != draft.name) {
                return Err(Error::new(ErrorKind::LimitExceeded, "There are 50 drafts already.")
                    .meaning("This one is not kept when the window is closed.")
                    .fix("Finish or remove one of them."));
            }
            draft.sample = draft.sample.filter(|sample| sample.len() <= SAMPLE_BYTES_MAX);
            open.state.set_setting(&format!("{KEPT}{}", draft.name), &draft)
        })
        .await
    }

    pub(crate) async fn builder_forget(&self, request: ForgetDraftRequest) -> Result<()> {
        self.blocking(move |open| open.state.remove_setting(&format!("{KEPT}{}", request.name)).map(|_| ()))
            .await
    }

    pub(crate) async fn builder_practice(&self, (): ()) -> Result<Vec<PracticeApi>> {
        self.open.host.practice().await
    }
}

/// Settings with the secrets in their places, and the secrets.
pub(super) fn filled(config: Value, typed: &BTreeMap<String, SecretText>) -> (Value, Vec<SecretString>) {
    let mut config = match config {
        Value::Object(config) => config,
        _ => Map::new(),
    };
    for (path, secret) in typed {
        form::put(&mut config, path, Value::from(secret.secret().expose_secret()));
    }
    (Value::Object(config), typed.values().map(|secret| secret.secret().clone()).collect())
}

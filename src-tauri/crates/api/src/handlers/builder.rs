//! Connectors that are being made.

use syncline_engine::versions::pin;
use syncline_protocol::builder::{Draft, DraftFrom, Examined, Trial, TrialResult};
use syncline_protocol::{ConnectorBuilder, Error, ErrorKind, Result, split_reference};
use syncline_store::SystemKind;
use syncline_store::project::validate_name;

use secrecy::ExposeSecret;
use serde_json::{Map, Value};

use crate::api::{Api, Open};
use crate::form::{self, fields};
use crate::types::{
    ExamineRequest, ForgetDraftRequest, KeptDraft, LookAnswer, LookRequest, LookedTable,
    OpenConnectorRequest, OpenedConnector, PracticeApi, SaveConnectorRequest, SavedConnector, TrialRequest,
};

/// The settings of the state that hold drafts.
const KEPT: &str = "builder.draft.";
/// An answer larger than this is not kept with its draft.
const SAMPLE_BYTES_MAX: usize = 256 << 10;
const DRAFTS_MAX: usize = 50;

impl Open {
    fn builder(&self) -> Result<&dyn ConnectorBuilder> {
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
        let mut config = request.config.as_object().cloned().unwrap_or_else(Map::new);
        for (path, secret) in &request.secrets {
            self.open.host.learn_secrets(std::slice::from_ref(secret.secret()));
            form::put(&mut config, path, Value::from(secret.secret().expose_secret()));
        }
        let trial = Trial {
            yaml: request.yaml,
            table: request.table,
            config: Value::Object(config),
            replay: request.replay,
            twice: request.twice,
        };
        Ok(self.open.builder()?.trial(trial).await)
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

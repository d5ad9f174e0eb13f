//! Makes connectors of a project from what an API shows. The guessing and the proof are the interpreter's; here its
//! schemas become the types that land, and its text a connector of the project.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use serde_json::{Value, json};
use syncline_manifest::builder::{self, Recordings};
use syncline_protocol::builder::{
    Bounds, Draft, DraftFrom, Examined, HelpMessage, HelpRequest, HelpWanted, HelpedDraft, Helper, Look,
    Trial, TrialResult,
};
use syncline_protocol::{Connector, ConnectorBuilder, Error, ErrorKind, Result, Tape};

use super::{form, library};
use crate::json_schema as columns;

/// The builder of a program; holds what its trials recorded.
#[derive(Default)]
pub struct Builder {
    recordings: Arc<Recordings>,
}

/// Says of each column as what it lands.
fn with_types(result: &mut TrialResult) {
    for column in columns::columns(&result.schema) {
        if let Some(shown) = result.columns.iter_mut().find(|shown| shown.name == column.name) {
            shown.lands_as = column.logical.to_string();
        }
    }
}

#[async_trait]
impl ConnectorBuilder for Builder {
    async fn draft(&self, from: DraftFrom) -> Result<Draft> {
        builder::draft(from).await
    }

    fn look(&self, yaml: &str) -> Look {
        let look = builder::look(yaml);
        let settings = if look.problem.is_none() { form::marked(&look.settings, 0) } else { json!({}) };
        Look { settings, ..look }
    }

    fn examine(&self, answer: &str, rows: Option<&[String]>) -> Result<Examined> {
        builder::examine(answer, rows)
    }

    async fn trial(&self, trial: Trial) -> TrialResult {
        let mut result = builder::trial(&self.recordings, &trial, jiff::Timestamp::now).await;
        with_types(&mut result);
        result
    }

    fn may_help(&self, helper: &Helper) -> Result<()> {
        builder::may_help(helper)
    }

    fn help_messages(&self, wanted: &HelpWanted) -> Vec<HelpMessage> {
        builder::help_messages(wanted)
    }

    fn bounds(&self, yaml: &str, config: &Value) -> Bounds {
        builder::bounds(yaml, config)
    }

    async fn help(&self, request: HelpRequest) -> Result<HelpedDraft> {
        let mut helped = builder::help(&self.recordings, &request, jiff::Timestamp::now).await?;
        helped.tables.iter_mut().for_each(|table| with_types(&mut table.result));
        Ok(helped)
    }

    fn has_new_recordings(&self) -> bool {
        self.recordings.has_new()
    }

    fn keep_recordings(&self, tape: &dyn Tape) {
        self.recordings.keep(tape);
    }

    fn take_recordings(&self, answers: Vec<Vec<u8>>) {
        self.recordings.take(&answers);
    }

    fn save(&self, project: &Path, name: &str, yaml: &str, beside: bool) -> Result<Arc<dyn Connector>> {
        if super::super::registry().get(name).is_ok() {
            return Err(Error::new(
                ErrorKind::Config,
                format!("Syncline has a connector called `{name}` of its own."),
            )
            .meaning("Nothing was saved.")
            .fix("Choose another name."));
        }
        Ok(Arc::new(match beside {
            true => library::save_next(project, name, yaml)?,
            false => library::save(project, name, yaml, None)?,
        }))
    }

    fn open(&self, project: &Path, name: &str) -> Result<String> {
        if !library::names(project)?.iter().any(|known| known == name) {
            return Err(Error::new(
                ErrorKind::NotFound,
                format!("This project has no manifest called `{name}`."),
            )
            .fix("Look for it in the catalogue."));
        }
        library::text(project, name)
    }
}

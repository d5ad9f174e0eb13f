//! Help from a language model: who may be asked, what is told, and what comes of it. Nobody is asked before somebody has
//! set up a model, and what is told is what was shown: made by the same function, with every secret taken out.

use std::time::Duration;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use syncline_protocol::builder::{HelpMessage, HelpRequest, HelpWanted, HelpedDraft, Helper};
use syncline_protocol::{Error, ErrorKind, Result};

use crate::api::{Api, Open};
use crate::types::{AskHelpRequest, HelpPreview, HelperInfo, SaveHelperRequest};

const SETTING: &str = "helper";
/// The name of its key in the vault.
const SECRET: &str = "builder-helper-key";
/// So often a model is told what is wrong with its draft.
const ROUNDS_MAX: usize = 4;
/// Models on one's own computer take their time.
const PATIENCE: Duration = Duration::from_secs(240);

/// The model, as the state keeps it. The key is in the vault.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Kept {
    url: String,
    model: String,
    has_key: bool,
}

impl Open {
    fn helper(&self) -> Result<Option<Helper>> {
        let Some(Kept { url, model, has_key }) = self.state.setting::<Kept>(SETTING)? else {
            return Ok(None);
        };
        let key = if has_key { self.vault()?.get(SECRET)? } else { None };
        self.host.learn_secrets(key.as_slice());
        Ok(Some(Helper { url, model, key }))
    }

    fn save_helper(&self, request: SaveHelperRequest) -> Result<()> {
        let (url, model) = (request.url.trim().to_owned(), request.model.trim().to_owned());
        if model.is_empty() {
            return Err(Error::new(ErrorKind::Config, "The name of the model is missing.")
                .meaning("Nothing was changed.")
                .fix("Enter it as the service writes it."));
        }
        let vault = self.vault()?;
        let before = self.state.setting::<Kept>(SETTING)?;
        // A key belongs to the address that it was entered for: another one never gets it.
        let stays = before.filter(|before| before.has_key && before.url == url);
        let (key, typed) = match request.key {
            Some(typed) => (Some(typed.secret().clone()).filter(|_| !typed.is_empty()), true),
            None => (stays.map(|_| vault.get(SECRET)).transpose()?.flatten(), false),
        };
        let helper = Helper { url, model, key };
        self.builder()?.may_help(&helper).map_err(|error| error.meaning("Nothing was changed."))?;
        match &helper.key {
            Some(key) if typed => vault.set(SECRET, key, self.now())?,
            Some(_) => {}
            None => drop(vault.remove(SECRET)?),
        }
        let has_key = helper.key.is_some();
        self.state.set_setting(SETTING, &Kept { url: helper.url, model: helper.model, has_key })
    }

    /// What a model is told, without any secret that this program knows.
    fn told(&self, wanted: &HelpWanted, secrets: &[SecretString]) -> Result<Vec<HelpMessage>> {
        if wanted.earlier.len() > ROUNDS_MAX {
            return Err(Error::new(
                ErrorKind::LimitExceeded,
                "The model has been told what is wrong often enough.",
            )
            .meaning("The draft stays as it is.")
            .fix("Correct it by hand, or begin anew with other words."));
        }
        self.host.learn_secrets(secrets);
        self.host.learn_secrets(&self.vault()?.all()?);
        let mut messages = self.builder()?.help_messages(wanted);
        for message in &mut messages {
            message.content = self.host.without_secrets(&message.content);
        }
        Ok(messages)
    }
}

fn nobody() -> Error {
    Error::new(ErrorKind::Config, "No language model is set up.")
        .meaning("Nothing was sent.")
        .fix("Enter its address and name in the settings.")
}

impl Api {
    pub(crate) async fn helper_info(&self, (): ()) -> Result<Option<HelperInfo>> {
        self.blocking(|open| {
            let kept = open.state.setting::<Kept>(SETTING)?;
            Ok(kept.map(|Kept { url, model, has_key }| HelperInfo { url, model, has_key }))
        })
        .await
    }

    pub(crate) async fn save_helper(&self, request: SaveHelperRequest) -> Result<()> {
        self.blocking(move |open| open.save_helper(request)).await
    }

    pub(crate) async fn remove_helper(&self, (): ()) -> Result<()> {
        self.blocking(|open| {
            open.vault()?.remove(SECRET)?;
            open.state.remove_setting(SETTING).map(|_| ())
        })
        .await
    }

    pub(crate) async fn help_preview(&self, request: AskHelpRequest) -> Result<HelpPreview> {
        self.blocking(move |open| {
            let helper = open.state.setting::<Kept>(SETTING)?.ok_or_else(nobody)?;
            let bounds = open.builder()?.bounds(&request.wanted.yaml, &request.config);
            let secrets: Vec<_> = request.secrets.values().map(|secret| secret.secret().clone()).collect();
            let messages = open.told(&request.wanted, &secrets)?;
            Ok(HelpPreview { url: helper.url, model: helper.model, messages, bounds })
        })
        .await
    }

    pub(crate) async fn builder_help(&self, request: AskHelpRequest) -> Result<HelpedDraft> {
        let (config, secrets) = super::builder::filled(request.config, &request.secrets);
        let (wanted, replay, bounds) = (request.wanted, request.replay, request.bounds);
        let values = wanted.values;
        let asked = self.blocking(move |open| {
            let messages = open.told(&wanted, &secrets)?;
            let helper = open.helper()?.ok_or_else(nobody)?;
            let patience = PATIENCE;
            Ok(HelpRequest { helper, messages, patience, config, secrets, replay, bounds, values })
        });
        let asked = asked.await?;
        self.recall_recordings().await;
        let mut helped = self.open.builder()?.help(asked).await?;
        self.keep_recordings().await;
        // What a bad draft sends in the open is not repeated to the model.
        for failed in &mut helped.failed {
            *failed = self.open.host.without_secrets(failed);
        }
        Ok(helped)
    }
}

use std::sync::PoisonError;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};
use syncline_protocol::sign_in::SignInSpec;
use syncline_protocol::{CheckStep as Step, Connector, Error, ErrorKind, Result, StepSink, split_reference};
use syncline_store::config::SystemConfig;
use syncline_store::project::validate_name;
use syncline_store::secrets::{has_reference, secret_names};
use syncline_store::{SystemKind, Vault};

use crate::api::{Api, Open, schema_of};
use crate::events::Events;
use crate::form::{self, Form, fields};
use crate::sign_in;
use crate::types::{
    AddressAnswer, AddressRequest, BeginSignInRequest, CheckOutcome, CheckRequest, CheckResult,
    ConnectorForm, ConnectorInfo, FormCondition, FormRequest, SaveSystemRequest, SecretText, Side,
    SignInCodeRequest, SignInInfo, SignInOutcome, SignInRequest, SignInStarted, SystemDetail, SystemInfo,
    SystemRef, SystemRequest,
};

impl Open {
    /// The connections that use a system. One that cannot be read uses nothing for sure.
    pub(crate) fn users(&self, kind: SystemKind, name: &str) -> Result<Vec<String>> {
        let mut users = self.project.connections()?;
        users.retain(|user| {
            self.project.connection(user).is_ok_and(|connection| connection.system(kind) == name)
        });
        Ok(users)
    }

    /// A system as its connections show it. What cannot be read has its name only.
    pub(crate) fn system_ref(&self, kind: SystemKind, name: &str) -> SystemRef {
        let reference = self.project.system(kind, name).map(|system| system.connector).unwrap_or_default();
        let connector = split_reference(&reference).0.to_owned();
        let title = self
            .connector(&reference)
            .map_or_else(|_| connector.clone(), |known| known.listing().title.into_owned());
        SystemRef { name: name.to_owned(), connector, title }
    }

    pub(crate) fn system_info(&self, side: Side, name: &str) -> Result<SystemInfo> {
        let system = self.project.system(side.into(), name)?;
        let SystemRef { name, connector, title } = self.system_ref(side.into(), name);
        let asked = self.host.analytics().is_some_and(|analytics| analytics.answers(&connector));
        Ok(SystemInfo {
            side,
            summary: summary(&system.config).unwrap_or_else(|| title.clone()),
            queryable: side == Side::Destination && asked,
            used_by: self.users(side.into(), &name)?,
            version: split_reference(&system.connector).1.map(str::to_owned),
            name,
            connector,
            title,
        })
    }
}

/// A system in a few words: `shop@db.example.com:5432`, or its file. Only from settings that are never secret.
pub(crate) fn summary(config: &Value) -> Option<String> {
    let text = |name: &str| config.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    if let Some(host) = text("host") {
        let database = text("database").map(|database| format!("{database}@")).unwrap_or_default();
        let port = config.get("port").map(|port| format!(":{port}")).unwrap_or_default();
        return Some(format!("{database}{host}{port}"));
    }
    text("path").map(str::to_owned)
}

impl Api {
    pub(crate) async fn connectors(&self, (): ()) -> Result<Vec<ConnectorInfo>> {
        self.blocking(|open| {
            let infos =
                open.host.connectors().list().into_iter().map(|connector| ConnectorInfo {
                    origin: connector.origin(),
                    ..connector.listing().into()
                });
            Ok(infos.collect())
        })
        .await
    }

    pub(crate) async fn form(&self, request: FormRequest) -> Result<ConnectorForm> {
        self.blocking(move |open| {
            let connector = open.connector(&request.connector)?;
            Ok(ConnectorForm {
                fields: fields::descriptors(&schema_of(&connector.spec(), request.side.into())?),
                sign_in: connector.sign_in_spec().map(sign_in_info),
            })
        })
        .await
    }

    pub(crate) async fn address(&self, request: AddressRequest) -> Result<Option<AddressAnswer>> {
        self.blocking(move |open| {
            let address = request.address.secret().expose_secret();
            let scheme = form::scheme(address)?;
            let knows = |connector: &Arc<dyn Connector>| {
                let listing = connector.listing();
                let is_offered = match request.side {
                    Side::Source => listing.source,
                    Side::Destination => listing.destination,
                };
                is_offered && listing.url_schemes.contains(&scheme.as_str())
            };
            let Some(connector) = open.host.connectors().list().into_iter().find(knows) else {
                return Ok(None);
            };
            let schema = schema_of(&connector.spec(), request.side.into())?;
            let form = Form::new(&schema);
            let mut answer = AddressAnswer {
                connector: connector.name().into_owned(),
                values: std::collections::BTreeMap::new(),
                secrets: Vec::new(),
            };
            for (path, text) in form::from_url(&form, address)? {
                let field = form.field(&path)?;
                if field.is_secret() {
                    answer.secrets.push(path);
                } else {
                    answer.values.insert(path, field.parse(&text)?);
                }
            }
            Ok(Some(answer))
        })
        .await
    }

    pub(crate) async fn systems(&self, (): ()) -> Result<Vec<SystemInfo>> {
        self.blocking(|open| {
            let mut systems = Vec::new();
            for side in [Side::Source, Side::Destination] {
                for name in open.project.systems(side.into())? {
                    // One that cannot be read is listed all the same: it can be repaired or removed.
                    systems.push(open.system_info(side, &name).unwrap_or_else(|error| SystemInfo {
                        side,
                        name,
                        connector: String::new(),
                        version: None,
                        title: String::new(),
                        summary: error.message().to_owned(),
                        queryable: false,
                        used_by: Vec::new(),
                    }));
                }
            }
            Ok(systems)
        })
        .await
    }

    pub(crate) async fn system(&self, request: SystemRequest) -> Result<SystemDetail> {
        self.blocking(move |open| {
            let system = open.project.system(request.side.into(), &request.name)?;
            let schema = schema_of(&open.connector(&system.connector)?.spec(), request.side.into())?;
            let secrets = fields::secret_paths(&schema)
                .into_iter()
                .filter(|path| at(&system.config, path).and_then(Value::as_str).is_some_and(has_reference));
            let secrets = secrets.collect();
            let mut config = system.config;
            // A plain secret that somebody wrote into the file is refused by every run; it is not shown either.
            for path in fields::secret_paths(&schema) {
                let plain = at(&config, &path)
                    .is_some_and(|value| value.as_str().is_none_or(|text| !has_reference(text)));
                if plain && let Value::Object(config) = &mut config {
                    form::put(config, &path, Value::Null);
                }
            }
            Ok(SystemDetail { info: open.system_info(request.side, &request.name)?, config, secrets })
        })
        .await
    }

    pub(crate) async fn check_system(&self, request: CheckRequest) -> Result<CheckResult> {
        let steps = Steps { events: self.events(), check: request.check, ended: Mutex::default() };
        let typed = self.typed(request.secrets, request.sign_in.as_deref())?;
        let system = SystemConfig { connector: request.connector, config: request.config };
        let side = request.side;
        match side {
            Side::Source => {
                let made = self.blocking(move |open| {
                    refuse_plain_secrets(open, side.into(), &system)?;
                    let (connector, config) = open.resolve(side.into(), &system, &typed)?;
                    connector.source(&config, &open.context_of(&system, &typed))
                });
                match made.await {
                    Ok(source) => source.check(&steps).await,
                    Err(error) => steps.step(unreadable(&error)),
                }
            }
            Side::Destination => {
                let made = self.blocking(move |open| {
                    refuse_plain_secrets(open, side.into(), &system)?;
                    let (connector, config) = open.resolve(side.into(), &system, &typed)?;
                    connector.destination(&config, &open.context_of(&system, &typed))
                });
                match made.await {
                    Ok(destination) => destination.check(&steps).await,
                    Err(error) => steps.step(unreadable(&error)),
                }
            }
        }
        let steps = steps.ended.into_inner().unwrap_or_else(PoisonError::into_inner);
        Ok(CheckResult {
            outcome: CheckOutcome::from(syncline_protocol::CheckOutcome::of(&steps)),
            steps: steps.into_iter().map(Into::into).collect(),
        })
    }

    pub(crate) async fn save_system(&self, request: SaveSystemRequest) -> Result<SystemInfo> {
        let sign_in = request.sign_in.clone();
        let typed = self.typed(request.secrets, sign_in.as_deref())?;
        let saved = self.blocking(move |open| {
            let kind = SystemKind::from(request.side);
            validate_name(&request.name)?;
            // Of several versions, the source stays with the one of today.
            let connector = open.pinned(&request.connector)?;
            let mut system = SystemConfig { connector, config: request.config };
            if system.config.is_null() {
                system.config = Value::Object(Map::new());
            }
            refuse_plain_secrets(open, kind, &system)?;
            // The connector's own opinion, before anything is written. It does not connect.
            let (connector, config) = open.resolve(kind, &system, &typed)?;
            match kind {
                SystemKind::Source => {
                    connector.source(&config, &open.context_of(&system, &typed)).map(|_| ())
                }
                SystemKind::Destination => {
                    connector.destination(&config, &open.context_of(&system, &typed)).map(|_| ())
                }
            }
            .map_err(|error| error.meaning("Nothing was saved."))?;
            // Secrets first, then the file: a file that refers to nothing would be refused at the next run.
            let vault = open.vault()?;
            for (path, secret) in &typed {
                let name = format!("{}_{}_{}", kind.word(), request.name, path.replace('.', "_"));
                vault.set(&name, &open.replaced.newest(secret), open.now())?;
                if let Value::Object(config) = &mut system.config {
                    form::put(config, path, Value::from(format!("${{secret:{name}}}")));
                }
            }
            let before = open.project.system(kind, &request.name).map(|system| secret_names(&system.config));
            open.keep_files(true)?;
            open.project.save_system(kind, &request.name, &system)?;
            open.keep_files(false)?;
            // Secrets that were taken out of the settings go out of the vault, too.
            let kept = secret_names(&system.config);
            let gone = before.unwrap_or_default().into_iter().filter(|name| !kept.contains(name));
            forget_secrets(&vault, kind, &request.name, gone)?;
            open.system_info(request.side, &request.name)
        });
        let saved = saved.await?;
        // Now the vault has them.
        sign_in.inspect(|id| self.sign_ins.cancel(id));
        Ok(saved)
    }

    pub(crate) async fn remove_system(&self, request: SystemRequest) -> Result<()> {
        self.blocking(move |open| {
            let kind = SystemKind::from(request.side);
            let names = open
                .project
                .system(kind, &request.name)
                .map(|system| secret_names(&system.config))
                .unwrap_or_default();
            open.project.remove_system(kind, &request.name)?;
            forget_secrets(&open.vault()?, kind, &request.name, names)
        })
        .await
    }
}

/// Removes secrets that only this system has. One that somebody named otherwise may belong to others, too.
fn forget_secrets(
    vault: &Vault<'_>,
    kind: SystemKind,
    system: &str,
    names: impl IntoIterator<Item = String>,
) -> Result<()> {
    let prefix = format!("{}_{system}_", kind.word());
    for name in names.into_iter().filter(|name| name.starts_with(&prefix)) {
        vault.remove(&name)?;
    }
    Ok(())
}

impl Api {
    pub(crate) async fn begin_sign_in(&self, request: BeginSignInRequest) -> Result<SignInStarted> {
        let typed = self.typed(request.secrets, None)?;
        let system = SystemConfig { connector: request.connector, config: request.config };
        let kind = SystemKind::from(request.side);
        let way = self.blocking(move |open| {
            refuse_plain_secrets(open, kind, &system)?;
            let (connector, config) = open.resolve(kind, &system, &typed)?;
            connector.sign_in(&config)
        });
        self.sign_ins.begin(way.await?, request.words, sign_in::PATIENCE).await
    }

    pub(crate) async fn wait_for_sign_in(&self, request: SignInRequest) -> Result<SignInOutcome> {
        let outcome = self.sign_ins.wait(&request.id).await?;
        if let SignInOutcome::Done { .. } = outcome {
            let tokens: Vec<SecretString> =
                self.sign_ins.tokens(&request.id)?.into_iter().map(|(_, token)| token).collect();
            self.open.host.learn_secrets(&tokens);
        }
        Ok(outcome)
    }

    pub(crate) async fn sign_in_code(&self, request: SignInCodeRequest) -> Result<()> {
        self.sign_ins.code(&request.id, request.code.secret()).await
    }

    #[allow(clippy::unused_async)] // the shape of every handler
    pub(crate) async fn cancel_sign_in(&self, request: SignInRequest) -> Result<()> {
        self.sign_ins.cancel(&request.id);
        Ok(())
    }

    /// The secrets that somebody typed, and those that a sign-in brought.
    fn typed(
        &self,
        secrets: std::collections::BTreeMap<String, SecretText>,
        sign_in: Option<&str>,
    ) -> Result<Vec<(String, SecretString)>> {
        let mut typed = sign_in.map_or_else(|| Ok(Vec::new()), |id| self.sign_ins.tokens(id))?;
        let given = secrets.into_iter().filter(|(_, secret)| !secret.is_empty());
        typed.extend(given.map(|(path, secret)| (path, secret.secret().clone())));
        Ok(typed)
    }
}

fn sign_in_info(spec: SignInSpec) -> SignInInfo {
    let steps = |path: &str| path.split('.').map(str::to_owned).collect();
    let when = spec.when.map(|(path, equals)| FormCondition { path: steps(&path), equals: equals.into() });
    SignInInfo { fills: spec.fills, needs: spec.needs, when }
}

/// Secrets come apart from the settings, so that settings can be kept, shown and logged.
fn refuse_plain_secrets(open: &Open, kind: SystemKind, system: &SystemConfig) -> Result<()> {
    let schema = schema_of(&open.connector(&system.connector)?.spec(), kind)?;
    let plain = fields::secret_paths(&schema).into_iter().find(|path| {
        at(&system.config, path)
            .and_then(Value::as_str)
            .is_some_and(|text| !text.is_empty() && !has_reference(text))
    });
    match plain {
        None => Ok(()),
        Some(path) => {
            Err(Error::new(ErrorKind::Config, format!("The secret `{path}` came among the settings."))
                .meaning("Nothing was stored or sent.")
                .fix("Enter it in its own field."))
        }
    }
}

/// Settings that cannot even be read are the first step that fails.
fn unreadable(error: &Error) -> Step {
    Step::failed("Read the settings", Duration::ZERO, error)
}

/// The value at a path of names joined by dots.
fn at<'a>(config: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(config, |value, name| value.get(name))
}

/// Tells steps as they end, and keeps them.
struct Steps<'a> {
    events: &'a Events,
    check: String,
    ended: Mutex<Vec<Step>>,
}

impl StepSink for Steps<'_> {
    fn step(&self, step: Step) {
        self.events.check_step(&self.check, step.clone().into());
        self.ended.lock().unwrap_or_else(PoisonError::into_inner).push(step);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_system_is_summed_up_without_secrets() {
        let summary = |config: Value| summary(&config);
        assert_eq!(
            summary(json!({"host": "db.example.com", "port": 5432, "database": "shop", "password": "x"})),
            Some("shop@db.example.com:5432".to_owned())
        );
        assert_eq!(summary(json!({"path": "studio.duckdb"})), Some("studio.duckdb".to_owned()));
        assert_eq!(summary(json!({"seed": 1})), None);
    }
}

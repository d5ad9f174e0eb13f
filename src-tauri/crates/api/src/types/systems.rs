use std::collections::BTreeMap;
use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use syncline_protocol::{
    Badge as Noticed, Category as Heading, CheckOutcome as Worst, Fix, Maturity as Proved, Origin, Side,
    StepStatus as Status,
};
use ts_rs::TS;

use crate::error::ApiError;

/// A secret that somebody typed. Comes in, is never sent out, and does not print itself.
#[derive(Clone, TS)]
#[ts(type = "string")]
pub struct SecretText(SecretString);

impl SecretText {
    /// The secret.
    pub fn secret(&self) -> &SecretString {
        &self.0
    }

    /// Whether nothing was typed.
    pub fn is_empty(&self) -> bool {
        self.0.expose_secret().is_empty()
    }
}

impl From<&str> for SecretText {
    fn from(text: &str) -> Self {
        SecretText(SecretString::from(text))
    }
}

impl<'de> Deserialize<'de> for SecretText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| SecretText(SecretString::from(text)))
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretText(…)")
    }
}

/// How long a connector has proved itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Maturity {
    /// Proved in use.
    Stable,
    /// Complete and tested, not yet proved in use.
    New,
}

/// Under which heading of the catalogue a system stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Category {
    /// Databases and warehouses.
    Databases,
    /// Files and object stores.
    Files,
    /// Services with an API.
    Apps,
}

/// What a source can notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Badge {
    /// Only what is new is read.
    Incremental,
    /// Deleted rows.
    Deletes,
    /// New columns and other types.
    SchemaChanges,
}

/// A line of the catalogue.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct ConnectorInfo {
    /// What project files call it.
    pub name: String,
    /// What people call it.
    pub title: String,
    /// One line on what it reads and writes.
    pub description: String,
    /// Other words people search for.
    pub aliases: Vec<String>,
    /// Schemes of connection addresses that belong to it.
    pub url_schemes: Vec<String>,
    /// How long it has proved itself.
    pub maturity: Maturity,
    /// Where it comes from.
    pub origin: Origin,
    /// Its heading.
    pub category: Category,
    /// What it notices as a source.
    pub badges: Vec<Badge>,
    /// A small drawing (SVG).
    pub icon: Option<String>,
    /// Whether it can be read.
    pub source: bool,
    /// Whether it can be written.
    pub destination: bool,
}

/// What somebody fills in to use a connector.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct ConnectorForm {
    /// Its settings.
    pub fields: Vec<FormField>,
    /// How somebody can sign in with a browser; none when there is no such way.
    pub sign_in: Option<SignInInfo>,
}

/// What is known about signing in before anybody does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct SignInInfo {
    /// The paths of the settings that it fills.
    pub fills: Vec<String>,
    /// The paths of the settings that it needs.
    pub needs: Vec<String>,
    /// When it applies; always when there is none.
    pub when: Option<FormCondition>,
}

/// Begins to sign in.
#[derive(Debug, Clone, Deserialize, TS)]
pub struct BeginSignInRequest {
    /// Source or destination.
    pub side: Side,
    /// The connector.
    pub connector: String,
    /// Settings without plain secrets.
    #[ts(type = "unknown")]
    pub config: Value,
    /// Secrets by path.
    #[ts(type = "Record<string, string>")]
    pub secrets: BTreeMap<String, SecretText>,
    /// What the page says that the browser ends on.
    pub words: SignInWords,
}

/// What the browser shows at the end, in the language of the window.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct SignInWords {
    /// When all went well.
    pub done: String,
    /// When it did not.
    pub failed: String,
}

/// Where the browser has to go.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct SignInStarted {
    /// Names this sign-in.
    pub id: String,
    /// The page where the person agrees.
    pub url: String,
    /// The id of the client that asks.
    pub client: String,
    /// What it asks to be allowed, in the words of the service.
    pub scopes: Vec<String>,
}

/// Names a sign-in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct SignInRequest {
    /// As it was named when it began.
    pub id: String,
}

/// A code out of the browser.
#[derive(Debug, Clone, Deserialize, TS)]
pub struct SignInCodeRequest {
    /// The sign-in.
    pub id: String,
    /// The code, or the whole address that it stands in.
    pub code: SecretText,
}

/// How a sign-in ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "how", rename_all = "snake_case")]
pub enum SignInOutcome {
    /// Somebody has signed in.
    Done {
        /// The paths of the settings that are filled.
        filled: Vec<String>,
    },
    /// Somebody chose not to allow it.
    Denied,
    /// Nobody came back in time.
    TimedOut,
    /// The service refused, or could not be asked.
    Failed {
        /// Why.
        error: Box<ApiError>,
    },
}

/// One of the program.
impl From<syncline_protocol::Listing> for ConnectorInfo {
    fn from(listing: syncline_protocol::Listing) -> Self {
        let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        let badge = |badge: &Noticed| match badge {
            Noticed::Incremental => Badge::Incremental,
            Noticed::Deletes => Badge::Deletes,
            Noticed::SchemaChanges => Badge::SchemaChanges,
        };
        ConnectorInfo {
            name: listing.name.into_owned(),
            title: listing.title.into_owned(),
            description: listing.description.into_owned(),
            aliases: owned(listing.aliases),
            url_schemes: owned(listing.url_schemes),
            maturity: match listing.maturity {
                Proved::Stable => Maturity::Stable,
                Proved::New => Maturity::New,
            },
            category: match listing.category {
                Heading::Databases => Category::Databases,
                Heading::Files => Category::Files,
                Heading::Apps => Category::Apps,
            },
            badges: listing.badges.iter().map(badge).collect(),
            icon: listing.icon.map(std::borrow::Cow::into_owned),
            origin: Origin::Program,
            source: listing.source,
            destination: listing.destination,
        }
    }
}

/// Asks for the form of a connector.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct FormRequest {
    /// The connector.
    pub connector: String,
    /// As what.
    pub side: Side,
}

/// Which control a field needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Control {
    /// A line of text.
    Text,
    /// A secret: sent apart from the settings, never sent back.
    Secret,
    /// A whole number.
    Number,
    /// Yes or no.
    Boolean,
    /// One of several words.
    Choice,
    /// Several texts.
    List,
    /// Turns a group of settings on; the group's fields have a condition on it.
    Switch,
}

/// One field of a form. Forms are flat: a field inside a group has a path of several names.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct FormField {
    /// Where its value stands in the settings.
    pub path: Vec<String>,
    /// Which control it needs.
    pub control: Control,
    /// Its name for people.
    pub label: String,
    /// What it is for.
    pub help: Option<String>,
    /// Whether it must be given.
    pub required: bool,
    /// What holds when it is left out.
    #[ts(type = "unknown")]
    pub default: Value,
    /// For example.
    pub example: Option<String>,
    /// The smallest number.
    pub minimum: Option<f64>,
    /// The largest number.
    pub maximum: Option<f64>,
    /// What can be chosen.
    pub choices: Vec<FormChoice>,
    /// Whether its text can have several lines.
    pub multiline: bool,
    /// Whether most people leave it as it is.
    pub advanced: bool,
    /// The name of its group for people; none at the top.
    pub group: Option<String>,
    /// When it applies; always when there is none.
    pub condition: Option<FormCondition>,
}

/// Something that can be chosen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct FormChoice {
    /// What is sent.
    pub value: String,
    /// What is shown.
    pub label: String,
    /// What it means.
    pub help: Option<String>,
}

/// A field applies when another one has a certain value (and itself applies).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct FormCondition {
    /// The other field.
    pub path: Vec<String>,
    /// Its value.
    #[ts(type = "unknown")]
    pub equals: Value,
}

/// A connection address that was pasted. May hold a password, so that it is a secret as a whole.
#[derive(Debug, Clone, Deserialize, TS)]
pub struct AddressRequest {
    /// For example `postgres://me@db.example.com/shop`.
    pub address: SecretText,
    /// As what.
    pub side: Side,
}

/// What an address says. A password in it is not repeated: the window still has it and sends it with the settings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct AddressAnswer {
    /// The connector it belongs to.
    pub connector: String,
    /// Values by path, for fields that are not secret.
    #[ts(type = "Record<string, unknown>")]
    pub values: BTreeMap<String, Value>,
    /// The paths of the secret fields that the address fills, with where in the address the value stands.
    pub secrets: Vec<String>,
}

/// A configured system in a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct SystemInfo {
    /// Source or destination.
    pub side: Side,
    /// Its name.
    pub name: String,
    /// Its connector.
    pub connector: String,
    /// The version that it names; none when it follows the newest, and when there is only the one of the program.
    pub version: Option<String>,
    /// What people call the connector.
    pub title: String,
    /// In a few words: "shop@db.example.com:5432".
    pub summary: String,
    /// Whether it can be asked in SQL here.
    pub queryable: bool,
    /// The connections that use it.
    pub used_by: Vec<String>,
}

/// Names a configured system.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct SystemRequest {
    /// Source or destination.
    pub side: Side,
    /// Its name.
    pub name: String,
}

/// A configured system to be changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct SystemDetail {
    /// As in the list.
    pub info: SystemInfo,
    /// Its settings; secrets only as references (`${secret:NAME}`).
    #[ts(type = "Record<string, unknown>")]
    pub config: Value,
    /// The paths of secret fields that have a value in the vault or the environment.
    pub secrets: Vec<String>,
}

/// Tests settings. Steps arrive as `check_step` events while it runs.
#[derive(Debug, Clone, Deserialize, TS)]
pub struct CheckRequest {
    /// Made by the window; stands in the events.
    pub check: String,
    /// Source or destination.
    pub side: Side,
    /// The connector.
    pub connector: String,
    /// Settings without plain secrets.
    #[ts(type = "unknown")]
    pub config: Value,
    /// Secrets by path (`ssh.private_key`). Those that are left out keep the reference in the settings.
    #[ts(type = "Record<string, string>")]
    pub secrets: BTreeMap<String, SecretText>,
    /// A sign-in whose tokens are used.
    #[serde(default)]
    pub sign_in: Option<String>,
}

/// Writes a system.
#[derive(Debug, Clone, Deserialize, TS)]
pub struct SaveSystemRequest {
    /// Source or destination.
    pub side: Side,
    /// Its name.
    pub name: String,
    /// The connector.
    pub connector: String,
    /// Settings without plain secrets.
    #[ts(type = "unknown")]
    pub config: Value,
    /// Secrets by path; they go into the vault.
    #[ts(type = "Record<string, string>")]
    pub secrets: BTreeMap<String, SecretText>,
    /// A sign-in whose tokens go into the vault, too.
    #[serde(default)]
    pub sign_in: Option<String>,
}

/// How a test ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct CheckResult {
    /// From its worst step.
    pub outcome: CheckOutcome,
    /// Its steps, in order.
    pub steps: Vec<CheckStep>,
}

/// How a test ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum CheckOutcome {
    /// Everything works.
    Ready,
    /// It works, with limits.
    ReadyWithLimits,
    /// It does not work.
    NotReady,
}

impl From<Worst> for CheckOutcome {
    fn from(worst: Worst) -> Self {
        match worst {
            Worst::Ready => CheckOutcome::Ready,
            Worst::ReadyWithLimits => CheckOutcome::ReadyWithLimits,
            Worst::NotReady => CheckOutcome::NotReady,
        }
    }
}

/// How a step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum StepStatus {
    /// It works.
    Ok,
    /// It works, with a limit.
    Limited,
    /// It does not work.
    Failed,
}

/// One step of a test.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct CheckStep {
    /// What was tried.
    pub title: String,
    /// How it ended.
    pub status: StepStatus,
    /// How long it took.
    pub duration_ms: u64,
    /// What was found.
    pub detail: Option<String>,
    /// What it costs.
    pub consequence: Option<String>,
    /// What to do, most likely first.
    pub fixes: Vec<StepFix>,
}

/// What can be done about a step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct StepFix {
    /// In words.
    pub text: String,
    /// A statement to copy, when there is one.
    pub command: Option<String>,
}

impl From<syncline_protocol::CheckStep> for CheckStep {
    fn from(step: syncline_protocol::CheckStep) -> Self {
        CheckStep {
            title: step.title,
            status: match step.status {
                Status::Ok => StepStatus::Ok,
                Status::Limited => StepStatus::Limited,
                Status::Failed => StepStatus::Failed,
            },
            duration_ms: u64::try_from(step.duration.as_millis()).unwrap_or(u64::MAX),
            detail: step.detail,
            consequence: step.consequence,
            fixes: step.fixes.into_iter().map(|Fix { text, command }| StepFix { text, command }).collect(),
        }
    }
}

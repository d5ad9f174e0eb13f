//! The one table of what a window may ask and what it is told without asking.
//!
//! From each line come: the dispatch from name to handler, the typed `Requests` map in TypeScript, and which cached
//! answers of other windows are out of date afterwards.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use syncline_engine::versions::UpgradePlan;
use syncline_engine::{ColumnProfile, Comparison, Event, Plan, Receipt, Replayed};
use syncline_protocol::builder::{Draft, DraftFrom, Examined, HelpedDraft, TrialResult};
use syncline_protocol::{Error, ErrorKind};
use ts_rs::TS;

use crate::api::Api;
use crate::error::ApiError;
use crate::types::*;
use crate::typescript::Types;

/// Names a group of answers. A request that provides a tag is out of date when another one invalidates it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum CacheTag {
    /// The project and its settings.
    Project,
    /// What connectors there are.
    Connectors,
    /// Sources and destinations.
    Systems,
    /// What sources hold.
    Tables,
    /// Connections.
    Connections,
    /// Connections that are being set up.
    Drafts,
    /// Runs and what happened besides.
    Runs,
    /// Changes of sources.
    Inbox,
    /// Rejected rows.
    Quarantine,
    /// Rows in destinations.
    Data,
}

impl CacheTag {
    /// All of them.
    pub const ALL: [CacheTag; 10] = [
        CacheTag::Project,
        CacheTag::Connectors,
        CacheTag::Systems,
        CacheTag::Tables,
        CacheTag::Connections,
        CacheTag::Drafts,
        CacheTag::Runs,
        CacheTag::Inbox,
        CacheTag::Quarantine,
        CacheTag::Data,
    ];
}

/// What every window is told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum ServerEvent {
    /// Answers with these tags are out of date.
    Changed {
        /// The tags.
        tags: Vec<CacheTag>,
    },
    /// Something happened in a run. Progress comes at most four times a second. Somebody who begins to listen is told
    /// first where the runs that are working stand.
    Run {
        /// The run.
        run: String,
        /// Its connection.
        connection: String,
        /// What happened.
        what: Event,
    },
    /// A step of a test ended.
    CheckStep {
        /// As the request named the test.
        check: String,
        /// The step.
        step: CheckStep,
    },
}

/// A line of the table, for programs.
#[derive(Debug, Clone, Copy)]
pub struct RequestInfo {
    /// The name.
    pub name: &'static str,
    /// What it is for.
    pub doc: &'static str,
    /// The answers it gives.
    pub provides: &'static [CacheTag],
    /// The answers that are out of date once it succeeded.
    pub invalidates: &'static [CacheTag],
    /// Its request and response in TypeScript; tells the types it needs.
    pub(crate) types: fn(&mut Types) -> (String, String),
}

macro_rules! requests {
    ($(
        #[doc = $doc:literal]
        $name:literal => $handler:ident($request:ty) -> $response:ty,
        provides [$($provides:ident)*] invalidates [$($invalidates:ident)*];
    )*) => {
        /// All requests, in the order in which they are documented.
        pub const REQUESTS: &[RequestInfo] = &[$(RequestInfo {
            name: $name,
            doc: $doc,
            provides: &[$(CacheTag::$provides),*],
            invalidates: &[$(CacheTag::$invalidates),*],
            types: |types| (types.name_of::<$request>(), types.name_of::<$response>()),
        }),*];

        impl Api {
            async fn dispatch(&self, name: &str, request: Value) -> Result<Value, Error> {
                match name {
                    // Each on the heap: together they would make one very large future.
                    $($name => {
                        let request = parse::<$request>(name, request)?;
                        let response = Box::pin(self.$handler(request)).await?;
                        render::<$response>(name, &response)
                    })*
                    _ => Err(unknown(name)),
                }
            }
        }
    };
}

requests! {
    /// The open project and the program.
    "project.info" => project_info(()) -> Project, provides [Project Connections] invalidates [];
    /// Opens another project in place of this one. Windows load anew afterwards.
    "project.open" => open_project(OpenProjectRequest) -> (), provides [] invalidates [Project];
    /// What a person has set for this project.
    "settings.get" => settings(()) -> Settings, provides [Project] invalidates [];
    /// Sets it.
    "settings.save" => save_settings(Settings) -> (), provides [] invalidates [Project Connections];
    /// The language model that may be asked for help; null: none.
    "helper.get" => helper_info(()) -> Option<HelperInfo>, provides [Project] invalidates [];
    /// Sets it. Its key goes into the vault. Nothing is asked yet.
    "helper.save" => save_helper(SaveHelperRequest) -> (), provides [] invalidates [Project];
    /// Forgets it, with its key.
    "helper.remove" => remove_helper(()) -> (), provides [] invalidates [Project];
    /// Finds connections, tables, columns, systems and runs by name.
    "search" => search(SearchRequest) -> Vec<SearchHit>, provides [Connections Systems Runs] invalidates [];

    /// Makes the sample: source, destination and connection. Nothing is synced yet.
    "sample.prepare" => prepare_sample(()) -> Prepared, provides [] invalidates [Project Connections Systems];
    /// Removes the sample from the project and does not offer it again. Loaded rows stay where they are.
    "sample.remove" => remove_sample(()) -> (), provides [] invalidates [Project Connections Systems Runs Inbox Quarantine Data];

    /// The catalogue of connectors.
    "connectors.list" => connectors(()) -> Vec<ConnectorInfo>, provides [Connectors] invalidates [];
    /// The form of a connector, and how somebody can sign in with a browser.
    "connectors.form" => form(FormRequest) -> ConnectorForm, provides [Connectors] invalidates [];
    /// What a pasted connection address says; null when no connector knows it.
    "connectors.address" => address(AddressRequest) -> Option<AddressAnswer>, provides [] invalidates [];

    /// Begins to sign in with the browser of the person, and says where to send it.
    "sign_in.begin" => begin_sign_in(BeginSignInRequest) -> SignInStarted, provides [] invalidates [];
    /// Waits until somebody has signed in, or has not. The tokens stay here, for the test and for saving.
    "sign_in.wait" => wait_for_sign_in(SignInRequest) -> SignInOutcome, provides [] invalidates [];
    /// Takes a code that somebody copied out of the browser.
    "sign_in.code" => sign_in_code(SignInCodeRequest) -> (), provides [] invalidates [];
    /// Forgets a sign-in, with what it brought.
    "sign_in.cancel" => cancel_sign_in(SignInRequest) -> (), provides [] invalidates [];

    /// A draft of a connector from what an API shows: a description, an answer, a request.
    "builder.draft" => builder_draft(DraftFrom) -> Draft, provides [] invalidates [];
    /// What the text of a manifest says: its tables, its settings, what is wrong with it.
    "builder.look" => builder_look(LookRequest) -> LookAnswer, provides [] invalidates [];
    /// What an answer shows: arrays, keys, times, the way to the next page.
    "builder.examine" => builder_examine(ExamineRequest) -> Examined, provides [] invalidates [];
    /// Asks a table of a draft for its first rows, and says what they prove. Writes nothing.
    "builder.trial" => builder_trial(TrialRequest) -> TrialResult, provides [] invalidates [];
    /// What a language model would be told, word for word. Sends nothing.
    "builder.help_preview" => help_preview(AskHelpRequest) -> HelpPreview, provides [] invalidates [];
    /// Asks the language model for a draft, and proves it by requests of its tables. Writes nothing.
    "builder.help" => builder_help(AskHelpRequest) -> HelpedDraft, provides [] invalidates [];
    /// Keeps a draft among the connectors of the project.
    "builder.save" => builder_save(SaveConnectorRequest) -> SavedConnector, provides [] invalidates [Connectors Systems];
    /// The manifest of a connector of the project, and the sources that use it.
    "builder.open" => builder_open(OpenConnectorRequest) -> OpenedConnector, provides [Connectors Systems] invalidates [];
    /// Drafts that are kept; the latest first.
    "builder.drafts" => builder_drafts(()) -> Vec<KeptDraft>, provides [Drafts] invalidates [];
    /// Keeps a draft for later. Never holds a secret.
    "builder.keep" => builder_keep(KeptDraft) -> (), provides [] invalidates [Drafts];
    /// Forgets it.
    "builder.forget" => builder_forget(ForgetDraftRequest) -> (), provides [] invalidates [Drafts];
    /// APIs on this computer to learn with.
    "builder.practice" => builder_practice(()) -> Vec<PracticeApi>, provides [] invalidates [];

    /// The connectors that the project keeps in versions side by side, and who uses which.
    "connectors.versions" => connector_versions(()) -> Vec<ConnectorVersions>, provides [Connectors Systems Connections Runs] invalidates [];
    /// What an upgrade would change in the tables of sources. Writes nothing.
    "connectors.upgrade_plan" => plan_upgrade(UpgradeRequest) -> UpgradePlan, provides [] invalidates [];
    /// Puts sources, or some connections first, on another version. Their next runs are watched.
    "connectors.upgrade" => upgrade(UpgradeRequest) -> VersionsMoved, provides [] invalidates [Systems Connections Tables Runs];
    /// How the last recorded run of a connection comes out on another version. Asks nothing and writes nothing.
    "connectors.rehearse" => rehearse(RehearsalRequest) -> Rehearsal, provides [] invalidates [];
    /// Puts them back on the version that last worked.
    "connectors.roll_back" => roll_back(RollbackRequest) -> VersionsMoved, provides [] invalidates [Systems Connections Tables Runs];
    /// Takes an upgrade or a roll-back back: everything stands as before.
    "connectors.put_back" => put_back(PutBackRequest) -> Vec<VersionChanged>, provides [] invalidates [Systems Connections Tables Runs];

    /// Sources and destinations.
    "systems.list" => systems(()) -> Vec<SystemInfo>, provides [Systems Connections] invalidates [];
    /// A source or destination, to be changed.
    "systems.get" => system(SystemRequest) -> SystemDetail, provides [Systems] invalidates [];
    /// Tests settings, step by step. Writes nothing.
    "systems.check" => check_system(CheckRequest) -> CheckResult, provides [] invalidates [];
    /// Writes a source or destination; secrets go into the vault.
    "systems.save" => save_system(SaveSystemRequest) -> SystemInfo, provides [] invalidates [Systems Connections Tables];
    /// Removes a source or destination that no connection uses.
    "systems.remove" => remove_system(SystemRequest) -> (), provides [] invalidates [Systems Project];

    /// The tables of a source.
    "discover" => discover(DiscoverRequest) -> Vec<FoundTable>, provides [Tables] invalidates [];
    /// A window of the tables of a source that match a search.
    "tables.search" => search_tables(TableSearchRequest) -> TableSearchResult, provides [Tables] invalidates [];

    /// All connections, those that need somebody first.
    "connections.list" => connections(()) -> Vec<ConnectionSummary>, provides [Connections Runs Inbox] invalidates [];
    /// A connection.
    "connections.get" => connection(ConnectionRequest) -> ConnectionDetail, provides [Connections Runs Inbox] invalidates [];
    /// Writes a connection. Nothing is synced.
    "connections.save" => save_connection(SaveConnectionRequest) -> (), provides [] invalidates [Project Connections Systems Inbox];
    /// Pauses a connection, or lets it go on. A run that is working is stopped at the next durable point.
    "connections.pause" => pause_connection(PauseRequest) -> (), provides [] invalidates [Connections Runs];
    /// Removes a connection. What it loaded stays in the destination.
    "connections.remove" => remove_connection(ConnectionRequest) -> (), provides [] invalidates [Project Connections Systems Inbox];
    /// Connections that are being set up.
    "drafts.list" => drafts(()) -> Vec<ConnectionDraft>, provides [Drafts] invalidates [];
    /// Keeps a connection that is being set up.
    "drafts.save" => save_draft(SaveDraftRequest) -> (), provides [] invalidates [Drafts];
    /// Forgets it.
    "drafts.remove" => remove_draft(DraftRequest) -> (), provides [] invalidates [Drafts];

    /// What a run would do in the destination. Writes nothing.
    "plan.make" => plan(PlanRequest) -> Plan, provides [] invalidates [];
    /// A sample of a table as it is and as it will land, with findings and profiles. Writes nothing.
    "preview" => preview(PreviewRequest) -> SampledPreview, provides [Project Data] invalidates [];
    /// What the first of these columns of a sample hold, as many as can be counted in a moment; the rest is asked for again.
    "preview.profile" => profile(ProfileRequest) -> Vec<ColumnProfile>, provides [] invalidates [];
    /// How far the reading of a sample is; nothing when it is not read (any more).
    "preview.progress" => sample_progress(SampleTicket) -> Option<SampleProgress>, provides [] invalidates [];
    /// Has a sample that is being read be answered with the rows that are here.
    "preview.enough" => enough_of_sample(SampleTicket) -> (), provides [] invalidates [];
    /// A window of a table in the destination.
    "data" => data(DataRequest) -> GridData, provides [Data] invalidates [];

    /// Starts a run, or continues one. With a fingerprint it does exactly the plan that was shown, or refuses.
    "run.start" => start_run(StartRequest) -> Started, provides [] invalidates [Runs Connections];
    /// Stops a run at the next durable point: what is being read is finished and kept.
    "run.pause" => pause_run(RunRequest) -> (), provides [] invalidates [Connections];
    /// Stops a run now: what is not durable is dropped. The next run goes on from the last checkpoint.
    "run.stop" => stop_run(RunRequest) -> (), provides [] invalidates [Connections];
    /// Has a run that waits before its next attempt try again at once.
    "run.hurry" => hurry_run(RunRequest) -> (), provides [] invalidates [Connections];
    /// The account of a run that ended.
    "run.get" => receipt(RunRequest) -> Receipt, provides [Runs] invalidates [];
    /// The latest runs, newest first.
    "runs.list" => runs(RunsRequest) -> Vec<RunSummary>, provides [Runs] invalidates [];
    /// A window of the log of a run.
    "run.log" => run_log(LogRequest) -> LogPage, provides [Runs] invalidates [];
    /// The next match in the log of a run. The search goes through all of it.
    "run.log.find" => find_in_log(LogFindRequest) -> LogFound, provides [Runs] invalidates [];
    /// Compares both sides of a table row by row. Reads both in full; writes nothing.
    "compare" => compare(CompareRequest) -> Comparison, provides [] invalidates [];
    /// The last comparison of each table of a connection.
    "compare.last" => comparisons(ConnectionRequest) -> Vec<Comparison>, provides [Runs] invalidates [];
    /// How reliable a connection was.
    "runs.reliability" => reliability(ReliabilityRequest) -> Reliability, provides [Runs Project] invalidates [];
    /// What happened to a connection besides its runs, newest first.
    "timeline" => timeline(TimelineRequest) -> Vec<TimelineEntry>, provides [Runs Inbox Connections] invalidates [];
    /// What changed between two versions of a file of the configuration.
    "config.diff" => config_diff(DiffRequest) -> ConfigDiff, provides [] invalidates [];

    /// Changes of sources that wait for a decision.
    "inbox.list" => inbox(()) -> Vec<InboxEntry>, provides [Inbox] invalidates [];
    /// Decides about them.
    "inbox.decide" => decide(DecideRequest) -> Decided, provides [] invalidates [Inbox Connections];
    /// Takes decisions back, as long as no run has followed them.
    "inbox.undo" => undo(UndoRequest) -> (), provides [] invalidates [Inbox Connections];

    /// Rows that could not be converted.
    "quarantine.list" => quarantine(QuarantineRequest) -> Vec<QuarantineRow>, provides [Quarantine] invalidates [];
    /// Loads them again, repaired.
    "quarantine.replay" => replay(ReplayRequest) -> Replayed, provides [] invalidates [Quarantine Data Connections];
    /// Lets them go without loading them.
    "quarantine.accept" => accept_rejected(AcceptRequest) -> Accepted, provides [] invalidates [Quarantine Connections];

    /// Asks a destination in SQL. Only reads.
    "sql.run" => run_sql(SqlRequest) -> SqlResult, provides [] invalidates [];
    /// The tables that can be queried, for completion.
    "sql.schema" => sql_schema(DestinationRequest) -> Vec<SqlTable>, provides [Data] invalidates [];
}

impl Api {
    /// Answers one request. Dropping the future cancels a request that only reads; one that changes something goes on to
    /// its end, so that nothing is left half done.
    ///
    /// # Errors
    /// Whatever happened, ready to be shown.
    pub async fn call(&self, name: &str, request: Value) -> Result<Value, ApiError> {
        let changes =
            REQUESTS.iter().find(|known| known.name == name).map_or(&[][..], |known| known.invalidates);
        let response = if changes.is_empty() {
            self.dispatch(name, request).await
        } else {
            let (api, owned) = (self.clone(), name.to_owned());
            let changing = tokio::spawn(async move {
                let response = api.dispatch(&owned, request).await;
                // Also a change that failed half-way may have changed something.
                api.events().changed(changes);
                response
            });
            changing.await.unwrap_or_else(|panic| {
                Err(Error::internal("A part of the program failed while it answered.").caused_by(panic))
            })
        };
        response.map_err(|error| {
            tracing::info!(request = name, kind = ?error.kind(), message = error.message(), "a request failed");
            ApiError::from(error)
        })
    }
}

/// The message of serde may quote a value that came in a wrong place, which could be a secret: only its place is told.
fn parse<T: DeserializeOwned>(name: &str, request: Value) -> Result<T, Error> {
    serde_json::from_value(request).map_err(|_| {
        Error::new(
            ErrorKind::Config,
            format!("The request `{name}` does not have the shape that it should have."),
        )
        .meaning("Nothing was done.")
        .fix("Reload the window: it may be from another version of the program.")
    })
}

fn render<T: Serialize>(name: &str, response: &T) -> Result<Value, Error> {
    serde_json::to_value(response).map_err(|error| {
        Error::internal(format!("The answer to `{name}` could not be written as JSON.")).caused_by(error)
    })
}

fn unknown(name: &str) -> Error {
    let short: String = name.chars().take(60).collect();
    Error::new(ErrorKind::Unsupported, format!("There is no request called `{short}`."))
        .meaning("Nothing was done.")
        .fix("Reload the window: it may be from another version of the program.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn names_are_unique_and_every_tag_is_of_use() {
        let names: HashSet<_> = REQUESTS.iter().map(|request| request.name).collect();
        assert_eq!(names.len(), REQUESTS.len());
        let provided: HashSet<_> = REQUESTS.iter().flat_map(|request| request.provides).collect();
        let invalidated: HashSet<_> = REQUESTS.iter().flat_map(|request| request.invalidates).collect();
        assert!(invalidated.iter().all(|tag| provided.contains(tag)));
        assert!(provided.iter().all(|tag| invalidated.contains(tag)));
    }

    #[test]
    fn a_malformed_request_does_not_repeat_its_values() {
        let error =
            parse::<SaveSystemRequest>("systems.save", serde_json::json!({"side": "hunter2"})).unwrap_err();
        assert!(!format!("{error:?}").contains("hunter2"));
    }
}

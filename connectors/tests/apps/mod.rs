//! Each service of the catalogue against the exchanges recorded in its folder: what is asked and what comes of it, the
//! second sync, a rate limit, a refused sign-in, and the conformance suite of sources.

mod form;
mod reading;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use connectors::declarative::Declarative;
use connectors::declarative::apps::{APPS, App};
use serde_json::Value;
use syncline_protocol::{Badge, Config, Connector as _, ConnectorContext, Source};
use syncline_testkit::conformance::source::Suite;
use syncline_testkit::recorded::{Expected, Recording, Replay};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("manifests").join(name)
}

fn fixture(name: &str, file: &str) -> String {
    let path = folder(name).join("fixtures").join(file);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// When the answers were recorded.
fn then() -> jiff::Timestamp {
    "2026-03-01T00:00:00Z".parse().unwrap()
}

/// A manifest as it lies in its folder, so that it can be written without compiling anything.
fn manifest(app: &App) -> String {
    std::fs::read_to_string(folder(app.name).join("manifest.yaml")).unwrap()
}

/// A service whose addresses are those of a server that replays a recording.
struct Service {
    app: &'static App,
    recording: Recording,
    replay: Replay,
}

impl Service {
    async fn start(app: &'static App, recording: Recording) -> Service {
        let replay = Replay::start(&recording).await.unwrap();
        Service { app, recording, replay }
    }

    fn source(&self) -> Box<dyn Source> {
        let text = self.replay.localised(&manifest(self.app));
        let connector = Declarative::new(self.app.name, text, |_| None).at(then);
        let settings = self.replay.localised(&self.recording.settings.to_string());
        let settings: Value = serde_json::from_str(&settings).unwrap();
        connector.source(&Config::new(settings), &ConnectorContext::default()).unwrap()
    }
}

async fn service_holds(name: &str) {
    let app = APPS.iter().find(|app| app.name == name).unwrap();
    let recording = Recording::parse(&fixture(name, "exchanges.yaml")).unwrap();
    let expected = Expected::parse(&fixture(name, "expected.yaml")).unwrap();
    form::is_fit_for_people(app, manifest(app));

    let service = Arc::new(Service::start(app, recording).await);
    reading::signs_in(&service).await;
    reading::gives_what_is_expected(&service, &expected).await;
    reading::waits_when_told(&service, &expected).await;
    reading::says_who_may_not_come_in(&service).await;
    for also in &service.recording.also {
        let other = Service::start(app, service.recording.signed_in(also)).await;
        reading::signs_in(&other).await;
        assert_eq!(other.replay.unexpected(), Vec::<String>::new(), "{}", also.name);
    }
    let shared = Arc::clone(&service);
    let suite = Suite::new(move || {
        let source = shared.source();
        Box::pin(async move { source })
    });
    suite.run().await.unwrap();
    assert_eq!(service.replay.unexpected(), Vec::<String>::new(), "requests that are not recorded");
    assert_eq!(service.replay.unused(), Vec::<String>::new(), "recorded answers that were never asked for");
}

macro_rules! services {
    ($($name:ident $folder:literal,)*) => {
        $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            service_holds($folder).await;
        })*

        const TESTED: &[&str] = &[$($folder),*];
    };
}

services! {
    airtable "airtable",
    asana "asana",
    github "github",
    gitlab "gitlab",
    google_analytics "google-analytics",
    google_sheets "google-sheets",
    hubspot "hubspot",
    intercom "intercom",
    jira "jira",
    klaviyo "klaviyo",
    linear "linear",
    mailchimp "mailchimp",
    notion "notion",
    pipedrive "pipedrive",
    quickbooks "quickbooks",
    salesforce "salesforce",
    sendgrid "sendgrid",
    shopify "shopify",
    slack "slack",
    stripe "stripe",
    twilio "twilio",
    typeform "typeform",
    xero "xero",
    zendesk "zendesk",
}

#[test]
fn every_folder_is_listed_and_tested() {
    let entries = std::fs::read_dir(folder("")).unwrap().map(Result::unwrap);
    let folders = entries.filter(|entry| entry.path().is_dir());
    let mut folders: Vec<String> = folders.map(|entry| entry.file_name().into_string().unwrap()).collect();
    folders.sort();
    let listed: Vec<&str> = APPS.iter().map(|app| app.name).collect();
    let sorted = |mut names: Vec<&'static str>| {
        names.sort_unstable();
        names
    };
    assert_eq!(folders, sorted(listed));
    assert_eq!(folders, sorted(TESTED.to_vec()));
}

#[test]
fn drawings_are_small_and_plain() {
    for app in APPS {
        assert!(app.manifest == manifest(app), "{}: what is embedded is not what is tested", app.name);
        let icon = app.icon;
        assert!(icon.starts_with("<svg") && icon.len() < 2_000, "{}: {} bytes", app.name, icon.len());
        // An image of a page cannot run these, and none of ours needs them.
        for bad in ["<script", "href", "<image", "<style", "onload", "url("] {
            assert!(!icon.contains(bad), "{}: {bad}", app.name);
        }
    }
}

#[test]
fn a_registry_does_not_parse_manifests() {
    let began = std::time::Instant::now();
    let listings: Vec<_> =
        connectors::registry().list().iter().map(|connector| connector.listing()).collect();
    assert!(listings.iter().filter(|listing| listing.icon.is_some()).count() == APPS.len());
    let whole = listings.iter().filter(|listing| listing.badges == [Badge::SchemaChanges]);
    assert_eq!(whole.map(|listing| listing.name.clone()).collect::<Vec<_>>(), ["airtable", "google-sheets"]);
    // One manifest alone takes longer than this list.
    assert!(began.elapsed().as_millis() < 250, "{:?}", began.elapsed());
}

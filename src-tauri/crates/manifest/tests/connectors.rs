//! Real connectors: what they ask for and what they offer is what the reference tells.

use std::sync::Arc;

use serde_json::Value as Json;
use syncline_manifest::Run;
use syncline_manifest::connector::Connector;
use syncline_manifest::context::Compatibility;
use syncline_manifest::http::client::{Client, Limits};

use crate::corpus::{corpus, manifests};

fn read(path: std::path::PathBuf) -> Option<Json> {
    serde_json::from_str(&std::fs::read_to_string(path).ok()?).ok()
}

#[tokio::test]
async fn specification_and_catalog_are_those_of_the_reference() {
    let Some(corpus) = corpus() else { return };
    let (mut compared, mut different) = (0, Vec::new());
    for (name, text) in manifests(&corpus) {
        let file = |what: &str| read(corpus.join(format!("reference/{name}.{what}.json")));
        let loaded = Connector::parse(&text, &|_| None);
        let connector = match loaded {
            Ok(connector) => connector,
            Err(error) => {
                different.push(format!("{name}: {error:?}"));
                continue;
            }
        };
        let (Some(config), Some(spec), Some(catalog)) = (file("config"), file("spec"), file("catalog"))
        else {
            continue;
        };
        compared += 1;
        if *connector.specification() != spec {
            different.push(format!(
                "{name}: specification {}",
                first_difference(&spec, connector.specification(), "")
            ));
        }
        let config = match connector.configure(config.clone()) {
            Ok(config) => config,
            // the made-up token of this one does not have the form that its specification asks for
            Err(_) if name == "gocardless" => config,
            Err(error) => {
                different.push(format!("{name}: configuration {error:?}"));
                continue;
            }
        };
        let client = Client::new(Limits::default()).unwrap();
        let run = Arc::new(Run::new(config, client, Compatibility::Exact, jiff::Timestamp::now));
        match connector.catalog(&run).await {
            Ok(ours) if ours == catalog => {}
            Ok(ours) => different.push(format!("{name}: catalog {}", first_difference(&catalog, &ours, ""))),
            Err(error) => different.push(format!("{name}: catalog {error:?}")),
        }
    }
    println!("{compared} connectors compared, {} differences", different.len());
    assert!(compared >= 235, "{compared} connectors");
    assert!(different.is_empty(), "{} differences:\n{}", different.len(), different.join("\n"));
}

fn first_difference(reference: &Json, ours: &Json, place: &str) -> String {
    match (reference, ours) {
        (Json::Object(one), Json::Object(other)) => {
            let keys = one.keys().chain(other.keys());
            for key in keys {
                if one.get(key) != other.get(key) {
                    let null = Json::Null;
                    let inner = (one.get(key).unwrap_or(&null), other.get(key).unwrap_or(&null));
                    return first_difference(inner.0, inner.1, &format!("{place}/{key}"));
                }
            }
            String::new()
        }
        (Json::Array(one), Json::Array(other)) if one.len() == other.len() => {
            let differ = one.iter().zip(other).enumerate().find(|(_, (one, other))| one != other);
            differ.map_or_else(String::new, |(at, (one, other))| {
                first_difference(one, other, &format!("{place}/{at}"))
            })
        }
        _ => format!("{place}: {reference:.300} for the reference, {ours:.300} for us"),
    }
}

/// Manifests that name Python, and need none here: their classes are known.
#[test]
fn manifests_with_known_classes_are_complete() {
    let Some(corpus) = corpus() else { return };
    let (mut complete, mut partly) = (Vec::new(), Vec::new());
    for (name, text) in manifests(&corpus) {
        if !text.contains("class_name:") {
            continue;
        }
        let tables = match Connector::parse(&text, &|_| None) {
            Ok(connector) => connector.declared_tables(),
            Err(error) => {
                partly.push(format!("{name}: {}", error.message()));
                continue;
            }
        };
        let missing = tables.iter().find_map(|table| Some((&table.name, table.stream.as_ref().err()?)));
        match missing {
            None => complete.push(name),
            Some((table, error)) => partly.push(format!("{name}: {table}: {}", error.message())),
        }
    }
    println!("{} complete: {}", complete.len(), complete.join(", "));
    partly.iter().for_each(|line| println!("    {line}"));
    assert!(complete.len() >= 27, "{complete:?} {partly:#?}");
}

//! A whole manifest: its tables, the specification of its configuration, its check.

mod catalog;
mod configuration;
mod dynamic;
mod specification;

use std::collections::HashSet;
use std::sync::Arc;

use syncline_protocol::{Error, Result};

use crate::Json;
use crate::context::Run;
use crate::document::{Document, Node};
use crate::expression::{Condition, Scope, Text};
use crate::http::budget::{Budget, Gate};
use crate::http::client::AT_ONCE;
use crate::http::sign_in::Description;
use crate::stream::{Stream, parents};

/// No manifest gets more requests at once than this.
const AT_ONCE_MAX: usize = 64;

/// A connector made from a manifest.
pub struct Connector {
    document: Arc<Document>,
    specification: Json,
}

/// A table of a connector: its stream, or why it cannot be read.
pub struct Table {
    /// Its name.
    pub name: String,
    /// The stream, or the reason why it is not available (a custom class in Python, mostly).
    pub stream: Result<Arc<Stream>, Error>,
}

/// A stream's component, with the path where it stands or was made from.
struct Component {
    path: String,
    value: Json,
}

impl Component {
    fn node<'a>(&'a self, document: &'a Document) -> Node<'a> {
        Node::made(document, &self.value, self.path.clone())
    }

    fn name(&self) -> String {
        self.value.get("name").and_then(Json::as_str).unwrap_or_default().to_owned()
    }
}

impl Connector {
    /// Loads a manifest. Schema files that it refers to are given by name (`./schemas/users.json` is asked for as
    /// `users`).
    ///
    /// # Errors
    /// `Config`, with line, path and fix.
    pub fn parse(text: &str, schema_file: &dyn Fn(&str) -> Option<Json>) -> Result<Connector> {
        let document = Document::with_schemas(text, schema_file)?;
        let root = Node::root(&document);
        if root.field("streams").is_none() && root.field("dynamic_streams").is_none() {
            return Err(root.error("it has neither `streams` nor `dynamic_streams`"));
        }
        root.require("check")?;
        let specification = specification::of(&root)?;
        Ok(Connector { document, specification })
    }

    /// The specification as the reference tells it: `connectionSpecification`, the JSON Schema of the configuration with
    /// the reference's extensions (`airbyte_secret` …), and what else the manifest says.
    pub fn specification(&self) -> &Json {
        &self.specification
    }

    /// How somebody can sign in with a browser; none when the manifest describes no complete way.
    pub fn sign_in(&self) -> Option<Description> {
        Description::of(&self.specification)
    }

    /// What those who made the manifest noted in it, for their own use; null when nothing.
    pub fn metadata(&self) -> &Json {
        self.document.root().get("metadata").unwrap_or(&Json::Null)
    }

    /// What it reads, in a line, when the manifest says so.
    pub fn description(&self) -> Option<&str> {
        let text = self.document.root().get("description").and_then(Json::as_str)?;
        text.lines().map(str::trim).find(|line| !line.is_empty())
    }

    /// The configuration as streams see it: defaults filled in, migrated, transformed, validated.
    ///
    /// # Errors
    /// `Config`, naming the field; never its value.
    pub fn configure(&self, config: Json) -> Result<Json> {
        configuration::configure(&Node::root(&self.document), &self.specification, config)
    }

    /// All tables, in the manifest's order; those of dynamic streams too, for which the API may be asked.
    ///
    /// # Errors
    /// When the API must be asked and does not answer.
    pub async fn tables(&self, run: &Arc<Run>) -> Result<Vec<Table>> {
        let components = self.components(run).await?;
        // A stream that is read as itself and as a parent is asked for once.
        let parents: HashSet<String> =
            components.iter().flat_map(|component| parents(&component.value)).collect();
        let stream = |component: &Component| {
            let mut stream = Stream::new(&component.node(&self.document))?;
            stream.settle(run)?;
            if parents.contains(&stream.name) {
                stream.keep_answers();
            }
            Ok(Arc::new(stream))
        };
        let table = |component: &Component| Table { name: component.name(), stream: stream(component) };
        Ok(components.iter().map(table).collect())
    }

    /// The tables that the manifest itself names, without asking the API for more.
    pub fn declared_tables(&self) -> Vec<Table> {
        let root = Node::root(&self.document);
        let mut tables = Vec::new();
        for stream in root.list("streams") {
            let inner =
                if stream.kind() == "ConditionalStreams" { stream.list("streams") } else { vec![stream] };
            for stream in inner {
                let name = stream.json().get("name").and_then(Json::as_str).unwrap_or_default().to_owned();
                tables.push(Table { name, stream: Stream::new(&stream).map(Arc::new) });
            }
        }
        tables
    }

    /// The catalog of the connector as the reference tells it: name, schema, key and cursor of each stream.
    ///
    /// # Errors
    /// When the API must be asked and does not answer.
    pub async fn catalog(&self, run: &Arc<Run>) -> Result<Json> {
        catalog::of(&self.document, &self.components(run).await?, run).await
    }

    /// The names of the streams that the check reads (`CheckStream`, `CheckDynamicStream`).
    pub fn check_streams(&self) -> Vec<String> {
        let names = Node::root(&self.document).field("check").map(|check| check.list("stream_names"));
        let names = names.unwrap_or_default();
        names.iter().filter_map(|name| name.json().as_str().map(str::to_owned)).collect()
    }

    /// How many requests the manifest wants to run side by side (`concurrency_level`), by this configuration.
    pub fn concurrency(&self, config: &Json) -> usize {
        let Some(level) = Node::root(&self.document).field("concurrency_level") else { return AT_ONCE };
        let wanted = Text::of(&level, "default_concurrency").ok().flatten();
        let wanted = wanted.and_then(|text| text.eval(&Scope::new(config, jiff::Timestamp::now)).ok());
        let wanted = wanted.and_then(|wanted| wanted.as_i64()).unwrap_or(1);
        let most =
            level.integer("max_concurrency").ok().flatten().filter(|most| *most > 0).unwrap_or(i64::MAX);
        usize::try_from(wanted.min(most)).unwrap_or(1).clamp(1, AT_ONCE_MAX)
    }

    /// Tells a run how much the manifest lets it ask at once, and in a time.
    ///
    /// # Errors
    /// `Config`, when the budget of the manifest is not valid.
    pub fn limit(&self, run: &mut Run) -> Result<()> {
        let config = run.config();
        run.client.budget = Budget::of(&Node::root(&self.document), &config, run.clock)?;
        run.concurrency = self.concurrency(&config);
        run.client.gate = Gate::new(run.concurrency);
        Ok(())
    }

    async fn components(&self, run: &Arc<Run>) -> Result<Vec<Component>> {
        let root = Node::root(&self.document);
        let config = run.config();
        let mut components = Vec::new();
        for stream in root.list("streams") {
            if stream.kind() != "ConditionalStreams" {
                components.push(Component { path: stream.path().to_owned(), value: stream.json().clone() });
                continue;
            }
            let condition = Condition::of(&stream, "condition")?;
            let holds =
                condition.map(|condition| condition.holds(&Scope::new(&config, run.clock))).transpose()?;
            if holds.unwrap_or_default() {
                let inner = stream.list("streams");
                let inner = inner
                    .iter()
                    .map(|one| Component { path: one.path().to_owned(), value: one.json().clone() });
                components.extend(inner);
            }
        }
        dynamic::resolve(&root, run, &mut components).await?;
        Ok(components)
    }
}

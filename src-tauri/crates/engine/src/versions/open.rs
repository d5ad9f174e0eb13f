//! Which version a connection runs on.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use syncline_protocol::{
    Catalog, ChangeSink, CheckStep, ConnectorRegistry, DiscoverFilter, Error, Result, SamplePicks, Sampling,
    Source, SourceCapabilities, SourceSession, StepSink, TableRead, Traffic,
};
use syncline_store::config::ConnectionConfig;
use syncline_store::{Project, Recorder, State, SystemKind, VersionMark};

use super::trial::Trial;

/// So many runs that brought rows have to succeed on a version before it is no longer watched.
const PROVED_RUNS: u64 = 3;

/// What a connection was made from, for its account.
#[derive(Clone, Default)]
pub struct Origin {
    /// The versions of its connectors, by name.
    pub connectors: BTreeMap<String, String>,
    /// A hash of its configuration.
    pub config_hash: String,
    /// The version of the source's connector.
    pub source: Option<SourceVersion>,
    /// Keeps what the source is answered in a run, for rehearsals.
    pub recorder: Option<Arc<Recorder>>,
}

impl Origin {
    /// Of a connection of this project, whose source's connector has this version.
    ///
    /// # Errors
    /// `Config`, when a file of the connection cannot be read or its connector is not there.
    pub fn of(
        project: &Project,
        registry: &ConnectorRegistry,
        name: &str,
        config: &ConnectionConfig,
        source: SourceVersion,
        recorder: Option<Arc<Recorder>>,
    ) -> Result<Origin> {
        let destination = project.system(SystemKind::Destination, &config.destination)?.connector;
        let destination = registry.get(&destination)?;
        Ok(Origin {
            connectors: BTreeMap::from([
                (destination.name().into_owned(), destination.version().into_owned()),
                (source.connector.clone(), source.version.clone()),
            ]),
            config_hash: project.config_hash(name)?,
            recorder: recorder
                .filter(|_| registry.get(&source.connector).is_ok_and(|known| known.versioned())),
            source: Some(source),
        })
    }
}

/// A version of a source's connector, as a connection uses it.
#[derive(Clone)]
pub struct SourceVersion {
    /// The connector.
    pub connector: String,
    /// The version it runs on.
    pub version: String,
    /// Set while the version is watched.
    pub trial: Option<Trial>,
}

/// Which version a connection runs on, and which one it could go back to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Choice {
    pub(super) version: String,
    pub(super) fallback: Option<String>,
}

/// `wanted` is what the configuration says, `known` what there is. A version that is bad for the connection is not used
/// as long as an earlier one worked.
pub(super) fn choose(wanted: &str, marks: &[VersionMark], known: &[String]) -> Choice {
    let mark = |version: &str| marks.iter().find(|mark| mark.version == version);
    let worked = marks
        .iter()
        .filter(|mark| mark.version != wanted && mark.bad.is_none() && known.contains(&mark.version))
        .filter_map(|mark| Some((mark.worked_at?, &mark.version)))
        .max()
        .map(|(_, version)| version.clone());
    let is_bad = mark(wanted).is_some_and(|mark| mark.bad.is_some());
    match worked {
        Some(worked) if is_bad => Choice { version: worked, fallback: None },
        worked => Choice {
            version: wanted.to_owned(),
            fallback: worked.filter(|_| mark(wanted).is_none_or(|mark| mark.proved < PROVED_RUNS)),
        },
    }
}

/// Makes a source for a reference, `name@version`; on a tape when one is given.
pub type MakeSource<'a> = dyn Fn(&str, Option<Traffic>) -> Result<Arc<dyn Source>> + 'a;

/// The source of a connection, at the version that the configuration and what is known of it say. `reference` is what
/// the project file says; `make` makes a source for such a reference, on the tape when it is to be recorded. A new version that cannot even be made is a
/// version that fails: the run goes back from it.
///
/// # Errors
/// `Config` when there is no such connector or version; whatever `make` says.
pub fn open_source(
    state: &State,
    connection: &str,
    registry: &ConnectorRegistry,
    reference: &str,
    recorder: Option<&Arc<Recorder>>,
    make: &MakeSource<'_>,
) -> Result<(Arc<dyn Source>, SourceVersion)> {
    let connector = registry.get(reference)?;
    let (name, wanted) = (connector.name().into_owned(), connector.version().into_owned());
    if !connector.versioned() {
        let version = SourceVersion { connector: name, version: wanted, trial: None };
        return Ok((make(reference, None)?, version));
    }
    let known: Vec<String> =
        registry.versions(&name).iter().map(|version| version.version().into_owned()).collect();
    let Choice { version, fallback } = choose(&wanted, &state.version_marks(connection, &name)?, &known);
    let at = |version: &str, tape| make(&format!("{name}@{version}"), tape);
    let tape = recorder.map(|recorder| Traffic::Record(Arc::<Recorder>::clone(recorder)));
    let trial = match fallback {
        None => None,
        Some(worked) => Some(Trial {
            fallback: at(&worked, None)?,
            connector: name.clone(),
            version: version.clone(),
            before: Arc::new(state.table_values(connection)?),
            worked,
        }),
    };
    let source = match at(&version, tape) {
        Err(error) if trial.is_some() => Arc::new(Unusable::new(&error)),
        made => made?,
    };
    Ok((source, SourceVersion { connector: name, version, trial }))
}

/// A source that could not be made: every use of it says why.
pub(super) struct Unusable {
    error: Error,
}

impl Unusable {
    pub(super) fn new(error: &Error) -> Unusable {
        Unusable { error: Unusable::same(error) }
    }

    fn same(error: &Error) -> Error {
        let same = Error::new(error.kind(), error.message()).meaning(error.meaning_text());
        error.fixes().into_iter().fold(same, |same, fix| same.fix(fix))
    }
}

#[async_trait]
impl Source for Unusable {
    fn capabilities(&self) -> SourceCapabilities {
        SourceCapabilities {
            parallel_parts: 1,
            incremental: true,
            key_lists: false,
            consistent: false,
            inferred_types: true,
            samples: SamplePicks::default(),
        }
    }

    async fn check(&self, steps: &dyn StepSink) {
        steps.step(CheckStep::failed("Read the settings", std::time::Duration::ZERO, &self.error));
    }

    async fn discover(&self, _: &DiscoverFilter) -> Result<Catalog> {
        Err(Unusable::same(&self.error))
    }

    async fn sample(&self, _: &TableRead, _: &Sampling, _: &dyn ChangeSink) -> Result<()> {
        Err(Unusable::same(&self.error))
    }

    async fn open(&self, _: &[TableRead]) -> Result<Box<dyn SourceSession>> {
        Err(Unusable::same(&self.error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;
    use syncline_store::BadVersion;

    fn mark(version: &str, worked: Option<i64>, proved: u64, bad: bool) -> VersionMark {
        let at = |second| Timestamp::from_second(second).unwrap();
        let bad = bad.then(|| BadVersion { since: at(9), because: "it failed".to_owned() });
        VersionMark { version: version.to_owned(), worked_at: worked.map(at), proved, bad }
    }

    #[test]
    fn a_version_is_watched_until_it_is_proved_and_left_when_it_is_bad() {
        let known: Vec<String> = ["1", "2", "3"].map(str::to_owned).to_vec();
        let chosen = |wanted: &str, marks: &[VersionMark]| {
            let choice = choose(wanted, marks, &known);
            (choice.version, choice.fallback)
        };
        let is = |version: &str, fallback: Option<&str>| (version.to_owned(), fallback.map(str::to_owned));
        assert_eq!(chosen("1", &[]), is("1", None), "nothing to go back to");
        let one = mark("1", Some(1), 7, false);
        assert_eq!(chosen("2", std::slice::from_ref(&one)), is("2", Some("1")));
        assert_eq!(chosen("2", &[one.clone(), mark("2", Some(2), 2, false)]), is("2", Some("1")));
        assert_eq!(chosen("2", &[one.clone(), mark("2", Some(2), 3, false)]), is("2", None));
        assert_eq!(chosen("2", &[one.clone(), mark("2", None, 0, true)]), is("1", None));
        assert_eq!(chosen("3", &[one.clone(), mark("2", Some(2), 1, true)]), is("3", Some("1")));
        assert_eq!(chosen("3", &[one, mark("2", Some(2), 1, false)]), is("3", Some("2")), "the latest");
        let gone = [mark("0", Some(1), 7, false), mark("2", None, 0, true)];
        assert_eq!(chosen("2", &gone), is("2", None), "what worked is not there any more");
    }
}

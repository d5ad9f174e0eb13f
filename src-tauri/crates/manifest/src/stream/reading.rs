//! What is read for a stream, or for a parent of one: a retriever, what divides it, how far it has been read.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use serde_json::json;
use syncline_protocol::Result;

use super::delegating::Delegating;
use super::dividing::{Noted, Pieces, Wish};
use super::retriever::{self, Freshness, PageSink, Retriever, SliceRead};
use super::{NO_CURSOR, is_scalar};
use crate::context::{Compatibility, Output, Run, Slice};
use crate::cursor::{Cursor, Division, Fresh, Migration, Opened, Partition, Progress, Seen};
use crate::document::Node;
use crate::expression::Scope;
use crate::records::RawRecords;
use crate::slices::{Divided, PartitionSink, Router, Routing, overlay};
use crate::{Json, Map};

/// Parents of parents of parents: more than this is a mistake.
const DEPTH_MAX: usize = 32;

/// Reads the slices of a stream: its retriever.
#[async_trait]
pub(crate) trait SliceReader: Send + Sync {
    /// Reads one slice to its end, or until there is enough.
    async fn read(&self, read: SliceRead<'_>, pages: &dyn PageSink) -> Result<()>;

    /// Answers are kept for other streams of the run.
    fn keep_answers(&mut self);
}

#[async_trait]
impl SliceReader for Retriever {
    async fn read(&self, read: SliceRead<'_>, pages: &dyn PageSink) -> Result<()> {
        Retriever::read(self, read, pages).await
    }

    fn keep_answers(&mut self) {
        Retriever::keep_answers(self);
    }
}

/// Makes the reader of a stream from the components of its retriever and of itself.
type MakeReader = dyn Fn(&Node<'_>, &Node<'_>) -> Result<Box<dyn SliceReader>>;

/// How streams are made.
#[derive(Clone, Copy)]
pub(crate) struct Making<'m> {
    make_reader: &'m MakeReader,
    /// How many parents deep.
    depth: usize,
}

impl<'m> Making<'m> {
    pub(super) fn new(make_reader: &'m MakeReader) -> Making<'m> {
        Making { make_reader, depth: 0 }
    }

    /// For the parent of a stream.
    pub(crate) fn parent(self) -> Making<'m> {
        Making { depth: self.depth + 1, ..self }
    }
}

/// What reads the slices of a stream, except in tests.
pub(super) fn retriever(component: &Node<'_>, stream: &Node<'_>) -> Result<Box<dyn SliceReader>> {
    Ok(Box::new(Retriever::new(component, Some(stream))?))
}

/// What a stream reads from.
pub(crate) enum Reading {
    /// A `DeclarativeStream`.
    Plain(Box<Plain>),
    /// A `StateDelegatingStream`.
    Delegating(Box<Delegating>),
}

/// One retriever with its router and its cursor.
pub(crate) struct Plain {
    pub(super) name: String,
    retriever: Box<dyn SliceReader>,
    router: Option<Router>,
    pub(super) cursor: Option<Cursor>,
    migrations: Vec<Migration>,
    /// Whether windows may become shorter while they are read.
    divides: bool,
}

impl Reading {
    /// From the component of a stream.
    ///
    /// # Errors
    /// `Config` or `Unsupported`.
    pub(crate) fn new(node: &Node<'_>, making: Making<'_>) -> Result<Reading> {
        if making.depth > DEPTH_MAX {
            return Err(node.error(format!("its parents are more than {DEPTH_MAX} deep")));
        }
        Ok(match node.kind() {
            "StateDelegatingStream" => Reading::Delegating(Box::new(Delegating::new(node, making)?)),
            _ => Reading::Plain(Box::new(Plain::new(node, making)?)),
        })
    }

    /// Of a retriever that is no stream's: it has no cursor.
    pub(super) fn list(node: &Node<'_>) -> Result<Reading> {
        let router = Router::of(node, Making::new(&retriever))?;
        let name = "the list of tables".to_owned();
        let retriever = Box::new(Retriever::new(node, None)?);
        Ok(Reading::Plain(Box::new(Plain {
            name,
            retriever,
            router,
            cursor: None,
            migrations: Vec::new(),
            divides: false,
        })))
    }

    /// The same for a stream whose records divide another one: its answers are kept, for it may be read as itself, too.
    pub(crate) fn parent(node: &Node<'_>, making: Making<'_>) -> Result<Reading> {
        let mut reading = Reading::new(node, making)?;
        reading.keep_answers();
        Ok(reading)
    }

    pub(super) fn keep_answers(&mut self) {
        match self {
            Reading::Plain(plain) => plain.keep_answers(),
            Reading::Delegating(delegating) => delegating.keep_answers(),
        }
    }

    pub(crate) fn name(&self) -> &str {
        match self {
            Reading::Plain(plain) => &plain.name,
            Reading::Delegating(delegating) => &delegating.incremental.name,
        }
    }

    /// The cursor of the stream that goes on from a state.
    pub(super) fn cursor(&self) -> Option<&Cursor> {
        match self {
            Reading::Plain(plain) => plain.cursor.as_ref(),
            Reading::Delegating(delegating) => delegating.incremental.cursor.as_ref(),
        }
    }

    /// Begins to read from a state.
    ///
    /// # Errors
    /// `Config`, when templates fail; `PositionLost`, when the state is not of the reference's form.
    pub(crate) fn session<'a>(
        &'a self,
        run: &'a Arc<Run>,
        state: Option<&Map>,
        output: &'a dyn Output,
    ) -> Result<Session<'a>> {
        match self {
            Reading::Plain(plain) => plain.session(run, state, output),
            Reading::Delegating(delegating) => {
                let (plain, state) = delegating.chosen(run, state)?;
                plain.session(run, state, output)
            }
        }
    }

    /// This parent's state in the state of a child: under its name, or what the child's own position says of it.
    pub(crate) fn state_in(&self, child: &Map, run: &Run) -> Result<Option<Map>> {
        let own = child.get("parent_state").and_then(|parents| parents.get(self.name()));
        if let Some(state) = own.or_else(|| child.get("state")) {
            return Ok(state.as_object().cloned());
        }
        let mut values = child.iter().filter(|(key, _)| *key != NO_CURSOR).map(|(_, value)| value);
        match (values.next(), values.next(), self.cursor()) {
            (Some(value), None, Some(cursor)) if is_scalar(value) => {
                let field = cursor.field(&Scope::new(&run.config(), run.clock))?;
                Ok(Some(Map::from_iter([(field, value.clone())])))
            }
            _ => Ok(None),
        }
    }
}

impl Plain {
    pub(super) fn new(node: &Node<'_>, making: Making<'_>) -> Result<Plain> {
        if node.field("file_uploader").is_some() {
            return Err(node.unsupported("the transfer of files (`file_uploader`)"));
        }
        let component = node.require("retriever")?;
        let router = Router::of(&component, making)?;
        let cursor = node.field("incremental_sync").map(|cursor| Cursor::new(&cursor)).transpose()?;
        if router.is_some() && cursor.as_ref().is_some_and(Cursor::counts) {
            return Err(node.error("an `IncrementingCountCursor` cannot be used with a `partition_router`"));
        }
        let divides = retriever::rules::divides(&component, cursor.as_ref())?;
        Ok(Plain {
            divides,
            name: node.text("name")?.unwrap_or_default().to_owned(),
            retriever: (making.make_reader)(&component, node)?,
            router,
            cursor,
            migrations: Migration::all(node)?,
        })
    }

    pub(super) fn keep_answers(&mut self) {
        self.retriever.keep_answers();
    }

    pub(super) fn is_divided(&self) -> bool {
        self.router.is_some()
    }

    fn division(&self) -> Division {
        match &self.router {
            None => Division::Whole,
            Some(router) if router.groups() => Division::Groups,
            Some(_) => Division::Partitions,
        }
    }

    pub(super) fn session<'a>(
        &'a self,
        run: &'a Arc<Run>,
        state: Option<&Map>,
        output: &'a dyn Output,
    ) -> Result<Session<'a>> {
        let config = run.config();
        let scope = Scope::new(&config, run.clock);
        let mut state = state.cloned().unwrap_or_default();
        for migration in &self.migrations {
            state = migration.apply(state, &scope)?;
        }
        let settings = self.cursor.as_ref().map(|cursor| cursor.settle(run)).transpose()?;
        // Only a stream with a position of its own can follow the changes of its parents: another would pass over
        // the children of those that did not change.
        let follows = settings.is_some() || run.compatibility == Compatibility::Exact;
        let followed = Some(&state).filter(|_| follows);
        let is_lazy = state.is_empty() && self.router.as_ref().is_some_and(Router::is_lazy);
        let divided = Divided { run, output, state: followed, is_lazy };
        let routing = Routing::new(self.router.as_ref(), divided)?;
        let progress = Progress::new(settings, self.division(), run, Some(&state))?;
        Ok(Session { plain: self, run, output, progress, routing })
    }
}

/// Takes slices, one by one.
#[async_trait]
pub(crate) trait SliceSink: Send {
    /// Takes one; waits while it cannot. False: enough.
    async fn take(&mut self, opened: Opened) -> Result<bool>;
}

/// One read of a stream from a state.
pub(crate) struct Session<'a> {
    plain: &'a Plain,
    run: &'a Arc<Run>,
    output: &'a dyn Output,
    progress: Progress,
    routing: Routing<'a>,
}

impl Session<'_> {
    pub(crate) fn name(&self) -> &str {
        &self.plain.name
    }

    pub(crate) fn has_cursor(&self) -> bool {
        self.plain.cursor.is_some()
    }

    /// Names all slices. False: the sink has enough.
    ///
    /// # Errors
    /// Of reading parents, and of the sink.
    pub(crate) async fn slices(&self, sink: &mut dyn SliceSink) -> Result<bool> {
        self.routing.each(&mut Opening { session: self, sink }).await
    }

    /// Reads one slice: its new records, page after page. One that the API does not give as a whole is read in pieces.
    ///
    /// # Errors
    /// Of the retriever and of the sink.
    pub(crate) async fn read(&self, opened: &Opened, pages: &dyn PageSink) -> Result<()> {
        let settings = self.progress.settings().map(Arc::as_ref);
        let mut pieces = Pieces::of(opened.slice.clone());
        while let Some((slice, depth)) = pieces.next() {
            let wish = Wish::default();
            // Only who may wish for the rest of a window needs to know what came of it.
            let noted =
                Noted { settings: settings.filter(|_| self.plain.divides), seen: Mutex::default(), pages };
            let pages: &dyn PageSink = if self.plain.divides { &noted } else { pages };
            self.read_piece(opened, &slice, &wish, pages).await?;
            let seen = noted.seen.into_inner().unwrap_or_else(PoisonError::into_inner);
            let followed = pieces.follow((slice, depth), &wish, settings, &seen);
            followed.map_err(|error| error.with("table", &self.plain.name))?;
        }
        Ok(())
    }

    async fn read_piece(
        &self,
        opened: &Opened,
        slice: &Slice,
        wish: &Wish,
        pages: &dyn PageSink,
    ) -> Result<()> {
        let mut options = match &self.plain.router {
            Some(router) => router.options(self.run, slice)?,
            None => Default::default(),
        };
        if let (Some(cursor), Some(settings)) = (&self.plain.cursor, self.progress.settings()) {
            let mut own = Default::default();
            cursor.options(self.run, settings, slice, &mut own)?;
            overlay(&mut options, own);
        }
        let fresh = self.progress.fresh(opened, self.run)?;
        let is_feed = self.progress.settings().is_some_and(|settings| settings.is_data_feed);
        let (filter, feed) = if is_feed { (None, fresh) } else { (fresh, None) };
        // A record dated in the future must not end a feed: everything after it would be lost.
        let endless =
            feed.as_ref().filter(|_| self.run.compatibility == Compatibility::Safe).map(Fresh::endless);
        let within = feed.as_ref().filter(|_| endless.is_some()).map(|fresh| Within { fresh, pages });
        let feed = endless.as_ref().or(feed.as_ref());
        let read = SliceRead {
            run: self.run,
            slice,
            options: &options,
            stream: &self.plain.name,
            output: self.output,
            wish: Some(wish),
            filter: filter.as_ref().map(|fresh| fresh as &dyn Freshness),
            feed: feed.map(|fresh| fresh as &dyn Freshness),
        };
        let pages = within.as_ref().map_or(pages, |within| within as &dyn PageSink);
        self.plain.retriever.read(read, pages).await
    }

    /// Takes note of records that are about to be handed over.
    pub(crate) fn note(&self, seen: &mut Seen, records: &[Json]) {
        self.progress.note(seen, records, self.run);
    }

    /// The same for records as text.
    ///
    /// # Errors
    /// `CorruptInput`, when one cannot be read after all.
    pub(crate) fn note_raw(&self, seen: &mut Seen, records: &RawRecords) -> Result<()> {
        self.progress.note_raw(seen, records, self.run)
    }

    /// A slice has been read to its end. True: a state should be handed out.
    pub(crate) fn close(&self, opened: &Opened, seen: &Seen) -> bool {
        self.progress.close(opened, seen, self.run)
    }

    /// The end of the read. `is_complete`: every slice was named and closed.
    pub(crate) fn finish(&self, is_complete: bool) {
        self.progress.finish(is_complete, self.routing.state());
    }

    /// The state in the reference's form.
    pub(crate) fn state(&self) -> Json {
        self.progress.state()
    }

    /// Changes when the state changes.
    pub(crate) fn version(&self) -> u64 {
        self.progress.version()
    }
}

/// Partitions on their way to become slices.
struct Opening<'s, 'a> {
    session: &'s Session<'a>,
    sink: &'s mut dyn SliceSink,
}

#[async_trait]
impl PartitionSink for Opening<'_, '_> {
    async fn take(&mut self, partition: Partition) -> Result<bool> {
        let session = self.session;
        let parents = if session.has_cursor() { session.routing.state() } else { None };
        let Some(mut unread) = session.progress.open(partition, parents)? else { return Ok(true) };
        while let Some(opened) = session.progress.next(&mut unread) {
            if !self.sink.take(opened).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// The records of a feed that are not after the end.
struct Within<'s> {
    fresh: &'s Fresh,
    pages: &'s dyn PageSink,
}

#[async_trait]
impl PageSink for Within<'_> {
    async fn page(&self, mut records: Vec<Json>) -> Result<bool> {
        records.retain(|record| self.fresh.is_fresh(record));
        self.pages.page(records).await
    }
}

/// The state that says that a stream without a cursor has been read.
pub(super) fn read_once() -> Json {
    json!({ NO_CURSOR: true })
}

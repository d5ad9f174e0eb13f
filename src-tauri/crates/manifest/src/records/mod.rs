//! From an answer to records: extract, filter, transform, normalise.

mod expand;
mod extract;
mod flatten;
mod glob;
mod normalise;
pub(crate) mod paths;
pub(crate) mod raw;
mod transform;

use std::sync::Arc;

use syncline_protocol::Result;

use crate::Json;
use crate::classes::class_of;
use crate::context::Run;
use crate::document::Node;
use crate::expression::{Condition, Scope};
use crate::http::named;
use crate::stream::retriever::{Freshness, SliceRead};
use crate::stream::schema::SchemaLoader;

pub use extract::{Extracted, Extractor};
use normalise::Normaliser;
pub use raw::{RawRecords, value as parse_record};
use transform::Transformation;

/// Chooses and shapes the records of a page (`RecordSelector`, with the stream's transformations).
pub struct Selector {
    extractor: Extractor,
    filter: Option<Condition>,
    transformations: Vec<Transformation>,
    /// None: the manifest does not say; client-side cursors then transform first.
    transform_first: Option<bool>,
    normaliser: Option<Normaliser>,
}

/// What the templates of a selector see beyond the record.
pub struct Place<'a> {
    /// Client and configuration.
    pub run: &'a Arc<Run>,
    /// `stream_slice`.
    pub slice: &'a Json,
    /// `next_page_token`.
    pub token: &'a Json,
    /// Records that are not fresh are left out.
    pub fresh: Option<&'a dyn Freshness>,
}

impl Selector {
    /// From the component, and the stream it belongs to: transformations and schema are written there.
    ///
    /// # Errors
    /// `Config` or `Unsupported`.
    pub fn new(node: &Node<'_>, stream: Option<&Node<'_>>) -> Result<Selector> {
        if node.kind() != "RecordSelector" {
            return Err(node.unsupported(named(node, "record selector")));
        }
        let filter = match node.field("record_filter") {
            Some(filter) if filter.kind() == "RecordFilter" => Condition::of(&filter, "condition")?,
            Some(filter) => return Err(filter.unsupported(named(&filter, "record filter"))),
            None => None,
        };
        let transformations = stream.map(|stream| stream.list("transformations")).unwrap_or_default();
        let normaliser = match node.field("schema_normalization") {
            Some(kind) if kind.json() == "Default" => Some(Normaliser::default()),
            Some(kind) if kind.json() == "None" => None,
            Some(kind) if class_of(&kind) == Some("TwilioDateTimeTypeTransformer") => {
                Some(Normaliser::default().with_mail_times())
            }
            Some(kind) => return Err(kind.unsupported(named(&kind, "schema normalization"))),
            None => None,
        };
        let normaliser = match (normaliser, stream) {
            (Some(normaliser), Some(stream)) => Some(normaliser.with(Arc::new(SchemaLoader::new(stream)?))),
            _ => None,
        };
        Ok(Selector {
            extractor: Extractor::new(&node.require("extractor")?)?,
            filter,
            transformations: transformations
                .iter()
                .map(|node| Transformation::new(node, stream))
                .collect::<Result<_>>()?,
            transform_first: node.boolean("transform_before_filtering")?,
            normaliser,
        })
    }

    /// The decoder that the extractor names itself (older manifests).
    pub fn own_decoder(&self) -> Option<crate::http::Decoder> {
        self.extractor.decoder.clone()
    }

    /// Takes records from elsewhere (downloads of jobs).
    pub fn set_extractor(&mut self, extractor: Extractor) {
        self.extractor = extractor;
    }

    /// The records in an element of the body.
    ///
    /// # Errors
    /// As [`Extractor::extract`].
    pub async fn extract(&self, read: &SliceRead<'_>, element: Json) -> Result<Extracted> {
        self.extractor.extract(read, element).await
    }

    /// The extractor, for those who must fit to it.
    pub(crate) fn extractor(&self) -> &Extractor {
        &self.extractor
    }

    /// The names that lead to the list of records in a body. None: more than that must be done to find them.
    ///
    /// # Errors
    /// Of templates in the path.
    pub(crate) fn list(&self, run: &Run) -> Result<Option<Vec<String>>> {
        self.extractor.list(run)
    }

    /// Whether all records are handed on as they came.
    pub(crate) fn is_straight(&self, place: &Place<'_>) -> bool {
        place.fresh.is_none()
            && self.filter.is_none()
            && self.transformations.is_empty()
            && self.normaliser.is_none()
    }

    /// Filters and shapes records.
    ///
    /// # Errors
    /// Of templates, and of a schema that cannot be had.
    pub async fn select(&self, place: &Place<'_>, records: Vec<Json>) -> Result<Vec<Json>> {
        let schema = match &self.normaliser {
            Some(normaliser) => Some(normaliser.schema(place.run).await?),
            None => None,
        };
        let config = place.run.config();
        let transform_first = self.transform_first.unwrap_or(place.fresh.is_some());
        let mut selected = Vec::with_capacity(records.len());
        for mut record in records {
            if !transform_first && !self.keeps(place, &config, &record)? {
                continue;
            }
            for transformation in &self.transformations {
                transformation.apply(place, &config, &mut record)?;
            }
            if transform_first && !self.keeps(place, &config, &record)? {
                continue;
            }
            if let Some(schema) = &schema {
                schema.cast(&mut record, place.run.compatibility);
            }
            selected.push(record);
        }
        Ok(selected)
    }

    fn keeps(&self, place: &Place<'_>, config: &Json, record: &Json) -> Result<bool> {
        if place.fresh.is_some_and(|fresh| !fresh.is_fresh(record)) {
            return Ok(false);
        }
        match &self.filter {
            Some(filter) => filter.holds(&place.scope(config, record)),
            None => Ok(true),
        }
    }
}

impl<'a> Place<'a> {
    pub(crate) fn scope<'s>(&'s self, config: &'s Json, record: &'s Json) -> Scope<'s> {
        Scope::new(config, self.run.clock)
            .with("record", record)
            .with("stream_slice", self.slice)
            .with("next_page_token", self.token)
    }
}

/// Null fields at the top are left out, as the reference leaves them out of what it hands on. This happens where records
/// leave a retriever: filters, transformations, casts and paginators before it still see them.
pub(crate) fn without_nulls(records: &mut [Json]) {
    for record in records {
        if let Json::Object(fields) = record
            && fields.values().any(Json::is_null)
        {
            fields.retain(|_, value| !value.is_null());
        }
    }
}

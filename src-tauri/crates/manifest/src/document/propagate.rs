//! Types that are left out, and `$parameters`, from component to component downwards.

use syncline_protocol::{Error, ErrorKind, Result};

use super::reference::MOST_VALUES;
use crate::expression::truthy;
use crate::{Json, Map};

const PARAMETERS: &str = "$parameters";

/// Which component stands at a field when it does not say so.
const DEFAULT_TYPES: &[(&str, &[(&str, &str)])] = &[
    ("AddFields", &[("fields", "AddedFieldDefinition")]),
    ("CompositeErrorHandler", &[("error_handlers", "DefaultErrorHandler")]),
    (
        "ConfigComponentsResolver",
        &[("stream_config", "StreamConfig"), ("components_mapping", "ComponentMappingDefinition")],
    ),
    ("CursorPagination", &[("decoder", "JsonDecoder")]),
    ("CustomPartitionRouter", &[("parent_stream_configs", "ParentStreamConfig")]),
    (
        "DatetimeBasedCursor",
        &[
            ("start_datetime", "MinMaxDatetime"),
            ("end_datetime", "MinMaxDatetime"),
            ("start_time_option", "RequestOption"),
            ("end_time_option", "RequestOption"),
        ],
    ),
    ("DeclarativeSource", &[("check", "CheckStream"), ("spec", "Spec"), ("streams", "DeclarativeStream")]),
    ("DeclarativeStream", &[("retriever", "SimpleRetriever"), ("schema_loader", "JsonFileSchemaLoader")]),
    ("DefaultErrorHandler", &[("response_filters", "HttpResponseFilter")]),
    ("DefaultPaginator", &[("decoder", "JsonDecoder"), ("page_size_option", "RequestOption")]),
    ("DpathExtractor", &[("decoder", "JsonDecoder"), ("record_expander", "RecordExpander")]),
    (
        "DynamicDeclarativeStream",
        &[("stream_template", "DeclarativeStream"), ("components_resolver", "ConfigComponentResolver")],
    ),
    ("DynamicSchemaLoader", &[("retriever", "SimpleRetriever")]),
    (
        "HttpComponentsResolver",
        &[("retriever", "SimpleRetriever"), ("components_mapping", "ComponentMappingDefinition")],
    ),
    ("HttpRequester", &[("error_handler", "DefaultErrorHandler")]),
    ("ListPartitionRouter", &[("request_option", "RequestOption")]),
    ("ParentStreamConfig", &[("request_option", "RequestOption"), ("stream", "DeclarativeStream")]),
    ("RecordExpander", &[("parent_fields", "ParentFieldPath")]),
    ("RecordSelector", &[("extractor", "DpathExtractor"), ("record_filter", "RecordFilter")]),
    ("SchemaTypeIdentifier", &[("types_map", "TypesMap")]),
    (
        "SimpleRetriever",
        &[
            ("paginator", "NoPagination"),
            ("record_selector", "RecordSelector"),
            ("requester", "HttpRequester"),
        ],
    ),
    ("SubstreamPartitionRouter", &[("parent_stream_configs", "ParentStreamConfig")]),
];

/// The same for components that name a class.
const CUSTOM_TYPES: &[(&str, &[(&str, &str)])] = &[
    ("CompositeErrorHandler", &[("backoff_strategies", "CustomBackoffStrategy")]),
    ("DeclarativeStream", &[("retriever", "CustomRetriever"), ("transformations", "CustomTransformation")]),
    ("DefaultErrorHandler", &[("backoff_strategies", "CustomBackoffStrategy")]),
    ("DefaultPaginator", &[("pagination_strategy", "CustomPaginationStrategy")]),
    ("HttpRequester", &[("authenticator", "CustomAuthenticator"), ("error_handler", "CustomErrorHandler")]),
    ("RecordSelector", &[("extractor", "CustomRecordExtractor")]),
    ("SimpleRetriever", &[("partition_router", "CustomPartitionRouter")]),
];

/// Where a component stands: the type of the one around it, and the field there.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) parent: &'a str,
    pub(super) field: &'a str,
}

/// Which parameters win when a component and what is around it set the same one.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Nearest {
    /// The component's own.
    Own,
    /// Those from around it: for templates of dynamic streams.
    Parent,
}

/// Fills in types and parameters, from this component downwards.
pub(super) fn propagate(place: Place<'_>, component: Map, parameters: &Map, nearest: Nearest) -> Result<Map> {
    Propagation { nearest, values: 0 }.component(place, component, parameters)
}

struct Propagation {
    nearest: Nearest,
    /// How many values parameters have brought so far: every component gets a copy.
    values: usize,
}

impl Propagation {
    fn component(&mut self, place: Place<'_>, mut component: Map, inherited: &Map) -> Result<Map> {
        if !component.contains_key("type") {
            let table = if component.contains_key("class_name") { CUSTOM_TYPES } else { DEFAULT_TYPES };
            if let Some(found) = type_at(table, place) {
                component.insert("type".to_owned(), Json::from(found));
            }
        }
        let mut parameters = self.parameters(&mut component, inherited)?;
        let kind = match component.get("type") {
            // a JSON schema, or its map of properties
            Some(Json::Array(_) | Json::Object(_)) => return Ok(component),
            Some(Json::String(kind)) if kind == "object" => return Ok(component),
            Some(Json::String(kind)) => kind.clone(),
            Some(_) => String::new(),
            None => return self.wrapper(place, component, &parameters),
        };
        let brought = fill_in(&mut component, &parameters);
        self.count(&parameters)?;
        for (name, field) in &mut component {
            if !matches!(field, Json::Object(_) | Json::Array(_)) {
                continue;
            }
            // a parameter with the name of the field is kept from it: it would contain itself
            let withheld = parameters.shift_remove(name);
            let inner = Place { parent: &kind, field: name };
            self.field(inner, field, &parameters)?;
            // a list that a parameter brought is one and the same here and in the parameters that go on downwards
            let shared = brought.contains(name) && field.is_array();
            let withheld = if shared { Some(field.clone()) } else { withheld };
            if let Some(value) = withheld.filter(truthy) {
                parameters.insert(name.clone(), value);
            }
        }
        if !parameters.is_empty() {
            component.insert(PARAMETERS.to_owned(), Json::Object(parameters));
        }
        Ok(component)
    }

    fn field(&mut self, place: Place<'_>, field: &mut Json, parameters: &Map) -> Result<()> {
        match field {
            Json::Object(inner) => *inner = self.component(place, std::mem::take(inner), parameters)?,
            Json::Array(items) => {
                for item in items.iter_mut().filter_map(Json::as_object_mut) {
                    *item = self.component(place, std::mem::take(item), parameters)?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// An object without a type is gone into only when one of its fields is a component.
    fn wrapper(&mut self, place: Place<'_>, mut wrapper: Map, parameters: &Map) -> Result<Map> {
        for inner in wrapper.values_mut().filter_map(Json::as_object_mut) {
            if inner.get("type").is_some_and(truthy) {
                *inner = self.component(place, std::mem::take(inner), parameters)?;
            }
        }
        Ok(wrapper)
    }

    /// Takes the component's own parameters out and lays them over (or under) the inherited ones.
    fn parameters(&self, component: &mut Map, inherited: &Map) -> Result<Map> {
        let own = match component.shift_remove(PARAMETERS) {
            None => Map::new(),
            Some(Json::Object(own)) => own,
            Some(_) => {
                let kind = component.get("type").and_then(Json::as_str).unwrap_or("a component");
                let what = format!(
                    "The connector's manifest is not valid: `$parameters` of {kind} must be an object."
                );
                return Err(
                    Error::new(ErrorKind::Config, what).fix("Write `$parameters` as names with values.")
                );
            }
        };
        let (mut under, over) = match self.nearest {
            Nearest::Own => (inherited.clone(), own),
            Nearest::Parent => (own, inherited.clone()),
        };
        under.extend(over);
        Ok(under)
    }

    fn count(&mut self, parameters: &Map) -> Result<()> {
        self.values += parameters.values().map(size).sum::<usize>();
        if self.values > MOST_VALUES {
            let what = "The connector's manifest is too great: its `$parameters` reach too many components.";
            return Err(
                Error::new(ErrorKind::LimitExceeded, what).fix("Put fewer values into `$parameters`.")
            );
        }
        Ok(())
    }
}

/// Every parameter is also a field of the component, unless that has a value of its own. Says which came this way.
fn fill_in(component: &mut Map, parameters: &Map) -> Vec<String> {
    let mut brought = Vec::new();
    for (name, value) in parameters {
        if !component.get(name).is_some_and(truthy) {
            component.insert(name.clone(), value.clone());
            brought.push(name.clone());
        }
    }
    brought
}

fn type_at(table: &[(&str, &[(&str, &'static str)])], place: Place<'_>) -> Option<&'static str> {
    let (_, fields) = table.iter().find(|(parent, _)| *parent == place.parent)?;
    fields.iter().find(|(field, _)| *field == place.field).map(|(_, kind)| *kind)
}

fn size(value: &Json) -> usize {
    match value {
        Json::Array(items) => 1 + items.iter().map(size).sum::<usize>(),
        Json::Object(fields) => 1 + fields.values().map(size).sum::<usize>(),
        _ => 1,
    }
}

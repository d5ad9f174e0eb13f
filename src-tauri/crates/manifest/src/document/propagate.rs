//! Types that are left out, and `$parameters` that flow from a component to all inside it.

use crate::{Json, Map};

const PARAMETERS: &str = "$parameters";

/// The type of a component without one, by the type it stands in and the field.
const TYPES: &[(&str, &str)] = &[
    ("AddFields.fields", "AddedFieldDefinition"),
    ("CompositeErrorHandler.error_handlers", "DefaultErrorHandler"),
    ("ConfigComponentsResolver.components_mapping", "ComponentMappingDefinition"),
    ("ConfigComponentsResolver.stream_config", "StreamConfig"),
    ("CursorPagination.decoder", "JsonDecoder"),
    ("CustomPartitionRouter.parent_stream_configs", "ParentStreamConfig"),
    ("DatetimeBasedCursor.end_datetime", "MinMaxDatetime"),
    ("DatetimeBasedCursor.end_time_option", "RequestOption"),
    ("DatetimeBasedCursor.start_datetime", "MinMaxDatetime"),
    ("DatetimeBasedCursor.start_time_option", "RequestOption"),
    ("DeclarativeSource.check", "CheckStream"),
    ("DeclarativeSource.spec", "Spec"),
    ("DeclarativeSource.streams", "DeclarativeStream"),
    ("DeclarativeStream.retriever", "SimpleRetriever"),
    ("DeclarativeStream.schema_loader", "JsonFileSchemaLoader"),
    ("DefaultErrorHandler.response_filters", "HttpResponseFilter"),
    ("DefaultPaginator.decoder", "JsonDecoder"),
    ("DefaultPaginator.page_size_option", "RequestOption"),
    ("DpathExtractor.decoder", "JsonDecoder"),
    ("DpathExtractor.record_expander", "RecordExpander"),
    ("DynamicDeclarativeStream.components_resolver", "ConfigComponentResolver"),
    ("DynamicDeclarativeStream.stream_template", "DeclarativeStream"),
    ("DynamicSchemaLoader.retriever", "SimpleRetriever"),
    ("HttpComponentsResolver.components_mapping", "ComponentMappingDefinition"),
    ("HttpComponentsResolver.retriever", "SimpleRetriever"),
    ("HttpRequester.error_handler", "DefaultErrorHandler"),
    ("ListPartitionRouter.request_option", "RequestOption"),
    ("ParentStreamConfig.request_option", "RequestOption"),
    ("ParentStreamConfig.stream", "DeclarativeStream"),
    ("RecordExpander.parent_fields", "ParentFieldPath"),
    ("RecordSelector.extractor", "DpathExtractor"),
    ("RecordSelector.record_filter", "RecordFilter"),
    ("SchemaTypeIdentifier.types_map", "TypesMap"),
    ("SimpleRetriever.paginator", "NoPagination"),
    ("SimpleRetriever.record_selector", "RecordSelector"),
    ("SimpleRetriever.requester", "HttpRequester"),
    ("SubstreamPartitionRouter.parent_stream_configs", "ParentStreamConfig"),
];

/// The same for components that name a class in Python.
const CUSTOM_TYPES: &[(&str, &str)] = &[
    ("CompositeErrorHandler.backoff_strategies", "CustomBackoffStrategy"),
    ("DeclarativeStream.retriever", "CustomRetriever"),
    ("DeclarativeStream.transformations", "CustomTransformation"),
    ("DefaultErrorHandler.backoff_strategies", "CustomBackoffStrategy"),
    ("DefaultPaginator.pagination_strategy", "CustomPaginationStrategy"),
    ("HttpRequester.authenticator", "CustomAuthenticator"),
    ("HttpRequester.error_handler", "CustomErrorHandler"),
    ("RecordSelector.extractor", "CustomRecordExtractor"),
    ("SimpleRetriever.partition_router", "CustomPartitionRouter"),
];

/// The component with types and parameters, and all inside it. `place` is the type it stands in and the field.
/// `outer_wins`: where two parameters have one name, the farther one counts (dynamic streams).
pub(super) fn propagate(place: &str, component: Json, outer: &Map, outer_wins: bool) -> Json {
    let Json::Object(mut fields) = component else { return component };
    if !fields.contains_key("type") {
        let types = if fields.contains_key("class_name") { CUSTOM_TYPES } else { TYPES };
        if let Some((_, name)) = types.iter().find(|(known, _)| *known == place) {
            fields.insert("type".to_owned(), Json::from(*name));
        }
    }
    let own = match fields.shift_remove(PARAMETERS) {
        Some(Json::Object(own)) => own,
        _ => Map::new(),
    };
    let (mut parameters, nearer) = if outer_wins { (own, outer.clone()) } else { (outer.clone(), own) };
    parameters.extend(nearer);
    match fields.get("type") {
        // A JSON Schema is no component.
        Some(Json::String(name)) if name == "object" => return Json::Object(fields),
        Some(Json::Object(_) | Json::Array(_)) => return Json::Object(fields),
        None => {
            for value in fields.values_mut().filter(|value| is_typed(value)) {
                *value = propagate(place, value.take(), &parameters, outer_wins);
            }
            return Json::Object(fields);
        }
        Some(_) => {}
    }
    for (name, value) in &parameters {
        let empty = fields.get(name).is_none_or(|known| !crate::expression::truthy(known));
        if empty {
            fields.insert(name.clone(), value.clone());
        }
    }
    let own_type = fields.get("type").and_then(Json::as_str).unwrap_or_default().to_owned();
    for (name, value) in &mut fields {
        if !matches!(value, Json::Object(_) | Json::Array(_)) {
            continue;
        }
        // A parameter called like the field it flows into would flow into itself.
        let withheld = parameters.shift_remove(name);
        let place = format!("{own_type}.{name}");
        match value {
            Json::Array(items) => {
                for item in items.iter_mut().filter(|item| item.is_object()) {
                    *item = propagate(&place, item.take(), &parameters, outer_wins);
                }
            }
            value => *value = propagate(&place, value.take(), &parameters, outer_wins),
        }
        if let Some(withheld) = withheld.filter(crate::expression::truthy) {
            parameters.insert(name.clone(), withheld);
        }
    }
    if !parameters.is_empty() {
        fields.insert(PARAMETERS.to_owned(), Json::Object(parameters));
    }
    Json::Object(fields)
}

fn is_typed(value: &Json) -> bool {
    value.get("type").is_some_and(crate::expression::truthy)
}

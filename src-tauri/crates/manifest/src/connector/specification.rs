//! The specification of a connector's configuration, as the reference gives it.

use serde_json::json;
use syncline_protocol::Result;

use crate::document::Node;
use crate::{Json, Map};

/// Of a manifest without `spec`: any object.
pub(super) fn of(root: &Node<'_>) -> Result<Json> {
    let Some(spec) = root.field("spec") else {
        return Ok(json!({ "connectionSpecification": { "type": "object", "additionalProperties": true } }));
    };
    let mut told = Map::new();
    told.insert(
        "connectionSpecification".to_owned(),
        spec.require("connection_specification")?.json().clone(),
    );
    if let Some(address) = spec.text("documentation_url")? {
        told.insert("documentationUrl".to_owned(), Json::from(address));
    }
    if let Some(flow) = spec.field("advanced_auth") {
        told.insert("advanced_auth".to_owned(), without_additions(flow.json()));
    }
    told.insert("supportsDBT".to_owned(), Json::from(false));
    told.insert("supportsNormalization".to_owned(), Json::from(false));
    Ok(Json::Object(told))
}

/// The sign-in as it is written, without the type and parameters that came with being a component.
fn without_additions(flow: &Json) -> Json {
    let Some(fields) = flow.as_object() else { return flow.clone() };
    const KEPT: [&str; 4] =
        ["auth_flow_type", "predicate_key", "predicate_value", "oauth_config_specification"];
    let kept =
        KEPT.iter().filter_map(|name| fields.get(*name).map(|value| ((*name).to_owned(), clean(value))));
    Json::Object(kept.collect())
}

fn clean(value: &Json) -> Json {
    let mut value = value.clone();
    if let Some(fields) = value.as_object_mut() {
        fields.retain(|name, field| name != "$parameters" && name != "type" && !field.is_null());
    }
    value
}

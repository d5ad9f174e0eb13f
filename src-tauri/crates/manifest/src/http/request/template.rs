//! The templates of a requester, and what they come to for one request.

use reqwest::Method;
use syncline_protocol::{Error, ErrorKind, Result};

use super::address;
use super::option::{merge, merge_nested};
use crate::context::{Compatibility, Run, Slice};
use crate::document::Node;
use crate::expression::{Accept, Mapping, Scope, Text, python_str, truthy};
use crate::http::{Asked, Options};
use crate::{Json, Map};

/// What a requester sends, as templates.
pub(crate) struct Template {
    pub(crate) method: Method,
    url: Option<Text>,
    url_base: Option<Text>,
    path: Option<Text>,
    parameters: Option<Fields>,
    headers: Option<Fields>,
    form: Option<Fields>,
    json: Option<Fields>,
    /// The parameter that takes the properties of a chunk.
    properties: Option<String>,
}

/// A mapping of templates, or one template that yields a mapping.
enum Fields {
    Mapping(Mapping),
    Text(Text),
}

/// A request before its authenticator had a say.
#[derive(Clone)]
pub(crate) struct Filled {
    pub(crate) address: String,
    /// The address that the manifest names, when another was asked for.
    pub(crate) base: Option<String>,
    pub(crate) own: Options,
    /// A body that is sent as it is.
    pub(crate) text: Option<String>,
    /// A JSON body that is no object.
    pub(crate) list: Option<Json>,
}

impl Fields {
    fn flat(node: &Node<'_>, field: &str) -> Result<Option<Fields>> {
        Fields::new(node, field, false)
    }

    fn new(node: &Node<'_>, field: &str, nested: bool) -> Result<Option<Fields>> {
        let Some(value) = node.field(field) else { return Ok(None) };
        Ok(match value.json() {
            Json::String(text) if text.is_empty() => None,
            Json::String(_) => Text::of(node, field)?.map(Fields::Text),
            _ if nested => Mapping::nested(node, field)?.map(Fields::Mapping),
            Json::Object(_) => Mapping::of(node, field)?.map(Fields::Mapping),
            _ => return Err(value.error(format!("`{field}` must be an object or a template"))),
        })
    }

    fn eval(&self, scope: &Scope<'_>, accept: Accept) -> Result<Json> {
        match self {
            Fields::Mapping(mapping) => mapping.eval_any(scope, accept),
            Fields::Text(text) => text.eval(scope),
        }
    }
}

impl Template {
    pub(crate) fn new(node: &Node<'_>, properties: Option<String>) -> Result<Template> {
        let method = match node.text("http_method")?.unwrap_or("GET").to_ascii_uppercase().as_str() {
            "GET" => Method::GET,
            "POST" => Method::POST,
            "PUT" => Method::PUT,
            "PATCH" => Method::PATCH,
            "DELETE" => Method::DELETE,
            other => return Err(node.error(format!("`{other}` is no method of HTTP that is possible here"))),
        };
        let mut form = Fields::flat(node, "request_body_data")?;
        let mut json = Fields::new(node, "request_body_json", true)?;
        if let Some(body) = node.field("request_body") {
            match body.kind() {
                "RequestBodyPlainText" | "RequestBodyUrlEncodedForm" => form = Fields::flat(&body, "value")?,
                "RequestBodyJsonObject" | "RequestBodyGraphQL" => json = Fields::new(&body, "value", true)?,
                other => return Err(body.error(format!("`{other}` is no kind of request body"))),
            }
        }
        if form.is_some() && json.is_some() {
            return Err(node.error("a request cannot have both a form and a JSON body"));
        }
        Ok(Template {
            method,
            url: Text::of(node, "url")?,
            url_base: Text::of(node, "url_base")?,
            path: Text::of(node, "path")?,
            parameters: parameters(node, properties.as_deref())?,
            headers: Fields::flat(node, "request_headers")?,
            form,
            json,
            properties,
        })
    }

    /// Fills in the templates, and adds what paginator, router and cursor say.
    pub(crate) fn fill(&self, run: &Run, asked: &Asked<'_>) -> Result<Filled> {
        let seen = Seen::new(asked);
        let config = run.config();
        let scope = seen.scope(&config, run, asked);
        let (address, base) = self.address(run, &scope, asked)?;
        let mut own = Options::default();
        if let Some(parameters) = &self.parameters
            && let Json::Object(fields) = parameters.eval(&scope, Accept::TextAndLists)?
        {
            own.parameters = fields;
        }
        if let Some(name) = &self.properties {
            own.parameters.insert(name.clone(), Json::String(chunk(asked)?.join(",")));
        }
        if let Some(headers) = &self.headers {
            own.headers = match headers.eval(&scope, Accept::Any)? {
                Json::Object(fields) => fields,
                value if !truthy(&value) => Map::new(),
                _ => return Err(not_an_object("request_headers")),
            };
        }
        let mut filled = Filled { address, base, own, text: None, list: None };
        self.fill_body(run, &scope, &mut filled)?;
        Ok(filled)
    }

    fn fill_body(&self, run: &Run, scope: &Scope<'_>, filled: &mut Filled) -> Result<()> {
        match self.form.as_ref().map(|form| form.eval(scope, Accept::TextAndLists)).transpose()? {
            Some(Json::Object(fields)) => filled.own.body_data = fields,
            Some(value) if truthy(&value) => filled.text = Some(python_str(&value)),
            _ => {}
        }
        match self.json.as_ref().map(|json| json.eval(scope, Accept::Any)).transpose()? {
            Some(Json::Object(fields)) => filled.own.body_json = fields,
            Some(value) if !truthy(&value) => {}
            Some(list @ Json::Array(_)) => {
                // The reference sends no body then.
                if run.compatibility == Compatibility::Safe {
                    filled.list = Some(list);
                }
            }
            Some(_) => return Err(not_an_object("request_body_json")),
            None => {}
        }
        Ok(())
    }

    fn address(&self, run: &Run, scope: &Scope<'_>, asked: &Asked<'_>) -> Result<(String, Option<String>)> {
        let text =
            |text: &Option<Text>| text.as_ref().map_or(Ok(String::new()), |text| text.eval_text(scope));
        let (url, base) = (text(&self.url)?, text(&self.url_base)?);
        let base = if base.is_empty() { url } else { base };
        let strict = run.compatibility == Compatibility::Exact;
        match asked.options.path.as_ref().filter(|path| !path.is_empty()) {
            Some(path) => Ok((address::join(&base, path, strict), Some(base))),
            None => {
                let path = text(&self.path)?;
                Ok((address::join(&base, path.trim_start_matches('/'), strict), None))
            }
        }
    }
}

/// Parameters without the one that takes properties: it is no template.
fn parameters(node: &Node<'_>, properties: Option<&str>) -> Result<Option<Fields>> {
    let Some(name) = properties else { return Fields::flat(node, "request_parameters") };
    let Some(Json::Object(fields)) = node.field("request_parameters").map(|field| field.json()) else {
        return Fields::flat(node, "request_parameters");
    };
    let mut rest = fields.clone();
    rest.shift_remove(name);
    let mut without = node.json().clone();
    without["request_parameters"] = Json::Object(rest);
    let made = Node::made(node.document(), &without, node.path());
    Fields::flat(&made, "request_parameters")
}

fn chunk(asked: &Asked<'_>) -> Result<Vec<String>> {
    let chunk = asked.slice.and_then(|slice| slice.extra_fields.get("query_properties"));
    let Some(Json::Array(names)) = chunk else {
        return Err(Error::internal("A request that takes properties was sent without them."));
    };
    Ok(names.iter().map(python_str).collect())
}

/// What the templates of a request see of a slice and a page.
pub(crate) struct Seen {
    slice: Json,
    token: Json,
}

impl Seen {
    pub(crate) fn new(asked: &Asked<'_>) -> Seen {
        let slice = asked.slice.map_or(Json::Null, Slice::for_templates);
        let token = asked.token.map_or(Json::Null, |token| serde_json::json!({ "next_page_token": token }));
        Seen { slice, token }
    }

    pub(crate) fn scope<'a>(&'a self, config: &'a Json, run: &Run, asked: &'a Asked<'_>) -> Scope<'a> {
        let mut scope = Scope::new(config, run.clock).with("stream_slice", &self.slice);
        scope = scope.with("next_page_token", &self.token);
        for (name, value) in asked.slice.iter().flat_map(|slice| &slice.extra_fields) {
            scope = scope.with(name, value);
        }
        for (name, value) in &asked.variables {
            scope = scope.with(name, value);
        }
        scope
    }
}

impl Filled {
    /// Adds what somebody else says.
    pub(crate) fn add(&mut self, options: Options) -> Result<()> {
        merge(&mut self.own.parameters, options.parameters, "query parameter")?;
        merge(&mut self.own.headers, options.headers, "header")?;
        merge(&mut self.own.body_data, options.body_data, "field of the form")?;
        merge_nested(&mut self.own.body_json, options.body_json)
    }
}

fn not_an_object(field: &str) -> Error {
    Error::new(ErrorKind::Config, format!("`{field}` in the connector's manifest came to what is no object."))
}

//! Settings of a connector, driven by its JSON Schema: from `--set` texts, from an address, or from questions.

use serde_json::{Map, Value};
use syncline_protocol::{Error, ErrorKind, Result};
use url::Url;

pub mod fields;

/// References in a schema are followed this deep; a configuration never is.
const DEPTH_MAX: usize = 16;

/// A connector's settings as a form.
pub struct Form<'a> {
    schema: &'a Value,
}

/// One field of a form.
#[derive(Clone)]
pub struct Field<'a> {
    /// Its name in the configuration.
    pub name: &'a str,
    /// Whether it must be given.
    pub required: bool,
    root: &'a Value,
    node: &'a Value,
}

/// Different ways to fill in a group, told apart by one of its fields: `oneOf` objects that each hold a constant.
pub struct Ways<'a> {
    /// The name of the field that says which way was chosen.
    pub decider: &'a str,
    /// The ways, in order.
    pub ways: Vec<Way<'a>>,
}

/// One way to fill in a group.
pub struct Way<'a> {
    /// What the deciding field holds for it.
    pub word: &'a str,
    /// What people call it.
    pub title: Option<&'a str>,
    /// What it is.
    pub description: Option<String>,
    /// Its fields, without the deciding one.
    pub fields: Vec<Field<'a>>,
}

/// What a field takes.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// Text.
    Text,
    /// A whole number.
    Integer,
    /// Any number.
    Number,
    /// True or false.
    Boolean,
    /// One of these words, with what each means.
    Choice(Vec<(String, String)>),
    /// Several texts.
    List,
    /// Settings inside.
    Group,
}

impl<'a> Form<'a> {
    /// The form of a schema.
    pub fn new(schema: &'a Value) -> Self {
        Form { schema }
    }

    /// Its fields, in the order in which the connector declares them.
    pub fn fields(&self) -> Vec<Field<'a>> {
        fields_of(self.schema, self.schema)
    }

    /// The field with this name; names inside groups are joined by dots.
    ///
    /// # Errors
    /// `Config`, listing the fields there are.
    pub fn field(&self, path: &str) -> Result<Field<'a>> {
        let mut fields = self.fields();
        let mut names = path.split('.').peekable();
        loop {
            let name = names.next().unwrap_or_default();
            let known: Vec<&str> = fields.iter().map(|field| field.name).collect();
            let found = fields.iter().find(|field| field.name == name).cloned();
            let field = found.ok_or_else(|| {
                Error::new(ErrorKind::Config, format!("There is no setting called `{path}`."))
                    .fix(format!("Use one of: {}.", known.join(", ")))
            })?;
            if names.peek().is_none() {
                return Ok(field);
            }
            fields = field.fields();
        }
    }
}

impl<'a> Field<'a> {
    /// Whether its value belongs into the vault.
    pub fn is_secret(&self) -> bool {
        self.nodes().any(|node| node.get("x-secret") == Some(&Value::Bool(true)))
    }

    /// Whether its value can have several lines.
    pub fn is_multiline(&self) -> bool {
        self.nodes().any(|node| node.get("x-multiline") == Some(&Value::Bool(true)))
    }

    /// What it is for, in one line.
    pub fn description(&self) -> Option<String> {
        let text = self.nodes().find_map(|node| node.get("description")?.as_str())?;
        // The first paragraph, on one line.
        let first = text.split("\n\n").next().unwrap_or_default();
        Some(first.split_whitespace().collect::<Vec<_>>().join(" "))
    }

    /// Whether it is a group that can be left out as a whole (`anyOf: [{…}, {"type": "null"}]`).
    pub fn is_optional_group(&self) -> bool {
        self.kind() == Kind::Group && self.nodes().any(|node| node.get("type") == Some(&Value::from("null")))
    }

    /// For example.
    pub fn example(&self) -> Option<String> {
        let example = self.nodes().find_map(|node| node.get("examples")?.get(0))?;
        Some(example.as_str().map_or_else(|| example.to_string(), str::to_owned))
    }

    /// The smallest and the largest number.
    pub fn range(&self) -> (Option<f64>, Option<f64>) {
        let bound = |name: &str| self.nodes().find_map(|node| node.get(name)?.as_f64());
        (bound("minimum"), bound("maximum"))
    }

    /// What holds when it is left out.
    pub fn default(&self) -> Option<&'a Value> {
        self.nodes().find_map(|node| node.get("default")).filter(|value| !value.is_null())
    }

    /// What it takes.
    pub fn kind(&self) -> Kind {
        let choices: Vec<(String, String)> = self.nodes().flat_map(choices).collect();
        if !choices.is_empty() {
            return Kind::Choice(choices);
        }
        let is = |name: &str| {
            self.nodes().any(|node| match node.get("type") {
                Some(Value::String(one)) => one == name,
                Some(Value::Array(many)) => many.iter().any(|one| one == name),
                _ => false,
            })
        };
        match () {
            () if is("string") => Kind::Text,
            () if is("integer") => Kind::Integer,
            () if is("number") => Kind::Number,
            () if is("boolean") => Kind::Boolean,
            () if is("array") => Kind::List,
            () if is("object") || !self.fields().is_empty() => Kind::Group,
            () => Kind::Text,
        }
    }

    /// The fields of a group.
    pub fn fields(&self) -> Vec<Field<'a>> {
        fields_of(self.root, self.node)
    }

    /// What people call it, when its schema says so.
    pub fn title(&self) -> Option<&'a str> {
        self.node.get("title")?.as_str().filter(|title| !title.is_empty())
    }

    /// The ways in which a group can be filled in, when it has several.
    pub fn ways(&self) -> Option<Ways<'a>> {
        let branches = self.nodes().find_map(|node| node.get("oneOf")?.as_array())?;
        let constant = |branch: &'a Value| {
            let properties = branch.get("properties")?.as_object()?;
            properties.iter().find_map(|(name, field)| Some((name.as_str(), field.get("const")?.as_str()?)))
        };
        let (decider, _) = constant(branches.first()?)?;
        let mut ways = Vec::new();
        for branch in branches {
            let (_, word) = constant(branch).filter(|(name, _)| *name == decider)?;
            let whole = Field { name: self.name, required: self.required, root: self.root, node: branch };
            let fields = whole.fields().into_iter().filter(|field| field.name != decider).collect();
            ways.push(Way { word, title: whole.title(), description: whole.description(), fields });
        }
        Some(Ways { decider, ways })
    }

    /// A typed text as the value that this field takes.
    ///
    /// # Errors
    /// `Config`, with what it takes. The text is not repeated: it could be a secret in the wrong place.
    pub fn parse(&self, text: &str) -> Result<Value> {
        // References are resolved later, and become numbers then where numbers are wanted.
        if text.contains("${") {
            return Ok(Value::from(text));
        }
        let wrong = |wanted: &str| {
            Error::new(ErrorKind::Config, format!("The setting `{}` takes {wanted}.", self.name))
        };
        match self.kind() {
            Kind::Text => Ok(Value::from(text)),
            Kind::Integer => text.parse::<i64>().map(Value::from).map_err(|_| wrong("a whole number")),
            Kind::Number => text.parse::<f64>().map(Value::from).map_err(|_| wrong("a number")),
            Kind::Boolean => text.parse::<bool>().map(Value::from).map_err(|_| wrong("true or false")),
            Kind::Choice(choices) => {
                if choices.iter().any(|(word, _)| word == text) {
                    Ok(Value::from(text))
                } else {
                    let words: Vec<&str> = choices.iter().map(|(word, _)| word.as_str()).collect();
                    Err(wrong(&format!("one of: {}", words.join(", "))))
                }
            }
            Kind::List => match serde_json::from_str::<Value>(text) {
                Ok(list @ Value::Array(_)) => Ok(list),
                _ => Ok(text.split(',').map(|item| Value::from(item.trim())).collect()),
            },
            Kind::Group => match serde_json::from_str::<Value>(text) {
                Ok(group @ Value::Object(_)) => Ok(group),
                _ => Err(wrong(&format!("settings of its own; name one as `{}.NAME`", self.name))),
            },
        }
    }

    /// The node itself and all that it refers to or branches into.
    fn nodes(&self) -> impl Iterator<Item = &'a Value> {
        let mut nodes = Vec::new();
        expand(self.root, self.node, &mut nodes, 0);
        nodes.into_iter()
    }
}

fn fields_of<'a>(root: &'a Value, node: &'a Value) -> Vec<Field<'a>> {
    let mut nodes = Vec::new();
    expand(root, node, &mut nodes, 0);
    let mut fields: Vec<Field<'a>> = Vec::new();
    for node in nodes {
        let required: Vec<&str> = strings(node.get("required")).collect();
        for (name, field) in node.get("properties").and_then(Value::as_object).into_iter().flatten() {
            if !fields.iter().any(|known| known.name == name) {
                fields.push(Field { name, required: required.contains(&name.as_str()), root, node: field });
            }
        }
    }
    fields
}

fn expand<'a>(root: &'a Value, node: &'a Value, into: &mut Vec<&'a Value>, depth: usize) {
    if depth > DEPTH_MAX || into.iter().any(|known| std::ptr::eq(*known, node)) {
        return;
    }
    into.push(node);
    let target = node.get("$ref").and_then(Value::as_str).and_then(|path| path.strip_prefix('#'));
    if let Some(target) = target.and_then(|path| root.pointer(path)) {
        expand(root, target, into, depth + 1);
    }
    for branches in ["allOf", "anyOf", "oneOf"] {
        for branch in node.get(branches).and_then(Value::as_array).into_iter().flatten() {
            expand(root, branch, into, depth + 1);
        }
    }
}

/// `enum: [a, b]`, or a branch `const: a` with a description.
fn choices(node: &Value) -> Vec<(String, String)> {
    let description = node.get("description").and_then(Value::as_str).unwrap_or_default();
    match node.get("const").and_then(Value::as_str) {
        Some(word) => vec![(word.to_owned(), description.to_owned())],
        None => strings(node.get("enum")).map(|word| (word.to_owned(), String::new())).collect(),
    }
}

fn strings(value: Option<&Value>) -> impl Iterator<Item = &str> {
    value.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}

/// Puts `value` at `path` (names joined by dots), making groups on the way.
pub fn put(config: &mut Map<String, Value>, path: &str, value: Value) {
    match path.split_once('.') {
        None => {
            config.insert(path.to_owned(), value);
        }
        Some((group, rest)) => {
            let inside = config.entry(group).or_insert_with(|| Value::Object(Map::new()));
            if !inside.is_object() {
                *inside = Value::Object(Map::new());
            }
            if let Value::Object(inside) = inside {
                put(inside, rest, value);
            }
        }
    }
}

/// What an address says, as settings of the form: texts by the path of their field.
///
/// # Errors
/// `Config` when it is no address, or says something the connector has no setting for. The message never holds the
/// address: a password can be in it.
pub fn from_url(form: &Form<'_>, text: &str) -> Result<Vec<(String, String)>> {
    let url = parse_url(text)?;
    let names: Vec<&str> = form.fields().iter().map(|field| field.name).collect();
    let first = |wanted: &[&'static str]| wanted.iter().copied().find(|name| names.contains(name));
    let decoded = |text: &str| percent_decoded(text);
    let mut settings = Vec::new();
    let mut set = |wanted: &[&'static str], value: Option<String>| -> Result<()> {
        match (value.filter(|value| !value.is_empty()), first(wanted)) {
            (None, _) => Ok(()),
            (Some(value), Some(name)) => {
                settings.push((name.to_owned(), value));
                Ok(())
            }
            (Some(_), None) => Err(Error::new(
                ErrorKind::Config,
                format!("The address holds a {}, for which this connector has no setting.", wanted[0]),
            )),
        }
    };
    if names.contains(&"url") && !names.contains(&"host") {
        set(&["url"], Some(text.to_owned()))?;
        return Ok(settings);
    }
    let is_file = url.host_str().is_none_or(str::is_empty) && first(&["path"]).is_some();
    if is_file {
        set(&["path"], Some(decoded(url.path())?))?;
        return Ok(settings);
    }
    // IPv6 addresses stand in brackets in an address, and nowhere else.
    let host = url.host_str().map(|host| host.trim_start_matches('[').trim_end_matches(']').to_owned());
    set(&["host"], host)?;
    set(&["port"], url.port().map(|port| port.to_string()))?;
    set(&["user", "username"], Some(decoded(url.username())?))?;
    set(&["password"], url.password().map(decoded).transpose()?)?;
    set(&["database", "dbname"], Some(decoded(url.path().trim_start_matches('/'))?))?;
    for (name, value) in url.query_pairs() {
        let path = match name.as_ref() {
            // The names that other Postgres programs use.
            "sslmode" => "ssl.mode".to_owned(),
            "sslrootcert" => "ssl.ca".to_owned(),
            "connect_timeout" => "connect_timeout_seconds".to_owned(),
            other => other.to_owned(),
        };
        let field = form.field(&path)?;
        let value = match field.kind() {
            Kind::Choice(_) => value.replace('-', "_"),
            _ => value.into_owned(),
        };
        settings.push((path, value));
    }
    Ok(settings)
}

/// The scheme of an address.
///
/// # Errors
/// `Config` when it is none.
pub fn scheme(text: &str) -> Result<String> {
    parse_url(text).map(|url| url.scheme().to_owned())
}

fn parse_url(text: &str) -> Result<Url> {
    Url::parse(text).map_err(|error| {
        Error::new(ErrorKind::Config, "This is not an address.")
            .fix("Write it like postgres://user@host:5432/database.")
            .caused_by(error.to_string())
    })
}

fn percent_decoded(text: &str) -> Result<String> {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let hex = text.get(at + 1..at + 3).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match (byte, hex) {
            (b'%', Some(value)) => {
                decoded.push(value);
                at += 3;
            }
            _ => {
                decoded.push(*byte);
                at += 1;
            }
        }
    }
    String::from_utf8(decoded)
        .map_err(|_| Error::new(ErrorKind::Config, "A part of the address is not text in UTF-8."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn schema() -> Value {
        json!({
            "type": "object",
            "properties": {
                "host": {"type": "string", "description": "The\nserver.\n\nMore."},
                "port": {"type": "integer", "default": 5432},
                "database": {"type": "string"},
                "user": {"type": "string"},
                "password": {"type": ["string", "null"], "x-secret": true},
                "ssl": {"$ref": "#/$defs/Ssl"},
                "tables": {"type": "array"},
            },
            "required": ["host"],
            "$defs": {
                "Ssl": {"type": "object", "properties": {"mode": {"$ref": "#/$defs/Mode"}}},
                "Mode": {"oneOf": [
                    {"const": "prefer", "description": "When it can."},
                    {"const": "verify_full", "description": "Always."},
                ]}
            }
        })
    }

    #[test]
    fn texts_become_what_the_schema_wants() {
        let schema = schema();
        let form = Form::new(&schema);
        let parse = |path: &str, text: &str| form.field(path).and_then(|field| field.parse(text));
        assert_eq!(parse("port", "5433").unwrap(), json!(5433));
        assert_eq!(parse("port", "${env:PORT}").unwrap(), json!("${env:PORT}"));
        assert_eq!(parse("user", "5433").unwrap(), json!("5433"));
        assert_eq!(parse("tables", "a, b").unwrap(), json!(["a", "b"]));
        assert_eq!(parse("ssl.mode", "prefer").unwrap(), json!("prefer"));
        let message = |path: &str, text: &str| parse(path, text).unwrap_err().message().to_owned();
        assert_eq!(message("port", "hunter2"), "The setting `port` takes a whole number.");
        assert_eq!(message("ssl.mode", "x"), "The setting `mode` takes one of: prefer, verify_full.");
        assert_eq!(message("ssl.nope", "x"), "There is no setting called `ssl.nope`.");
        assert_eq!(form.field("host").unwrap().description().unwrap(), "The server.");
        assert!(form.field("password").unwrap().is_secret() && form.field("host").unwrap().required);
    }

    #[test]
    fn an_address_becomes_settings() {
        let schema = schema();
        let form = Form::new(&schema);
        let url = "postgres://me:p%40ss@[::1]:5433/my%20db?sslmode=verify-full";
        let settings = from_url(&form, url).unwrap();
        let settings: Vec<_> = settings.iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(
            settings,
            ["host=::1", "port=5433", "user=me", "password=p@ss", "database=my db", "ssl.mode=verify_full"]
        );
        for bad in ["hunter2", "postgres://me:hunter2@host/db?nope=1", "postgres://me:hunter2@ho st/"] {
            let error = from_url(&form, bad).err().unwrap();
            assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
        }
    }

    #[test]
    fn a_group_can_have_ways() {
        let schema = json!({"properties": {"credentials": {"type": "object", "title": "Sign-in", "oneOf": [
            {"title": "Token", "required": ["token"], "properties": {
                "kind": {"type": "string", "const": "token"}, "token": {"type": "string"}}},
            {"title": "OAuth", "properties": {"kind": {"type": "string", "const": "oauth"}, "id": {"type": "string"}}}
        ]}}});
        let field = Form::new(&schema).field("credentials").unwrap();
        let ways = field.ways().unwrap();
        let told: Vec<_> =
            ways.ways.iter().map(|way| (way.word, way.title.unwrap(), way.fields[0].name)).collect();
        assert_eq!((ways.decider, field.title()), ("kind", Some("Sign-in")));
        assert_eq!(told, [("token", "Token", "token"), ("oauth", "OAuth", "id")]);
        let field = Form::new(&schema).field("credentials.token").unwrap();
        assert!(field.ways().is_none());
    }

    #[test]
    fn settings_find_their_group() {
        let mut config = Map::new();
        put(&mut config, "ssl.mode", json!("prefer"));
        put(&mut config, "ssl.ca", json!("x"));
        put(&mut config, "host", json!("h"));
        assert_eq!(Value::Object(config), json!({"ssl": {"mode": "prefer", "ca": "x"}, "host": "h"}));
    }
}

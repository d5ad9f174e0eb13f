//! References: any text that starts with `#/`, and `$ref` beside fields that win over what it names.

use crate::{Json, Map};

const REFERENCE: &str = "$ref";
/// Below this field, texts are values for the configuration and not looked at.
const OVERRIDES: &str = "config_overrides";
/// References inside references, and nesting.
const DEPTH_MAX: usize = 200;
/// Components after resolving: references to references multiply.
const NODES_MAX: usize = 5_000_000;

/// What is wrong, and the path where.
type Wrong = (String, String);

/// The tree with all references replaced by what they name.
pub(super) fn resolve(root: &Json) -> Result<Json, Wrong> {
    let mut resolver = Resolver { root, inside: Vec::new(), path: Vec::new(), nodes: 0 };
    resolver.node(root)
}

struct Resolver<'a> {
    root: &'a Json,
    /// The references that are being followed.
    inside: Vec<String>,
    path: Vec<String>,
    nodes: usize,
}

impl Resolver<'_> {
    fn wrong<T>(&self, what: impl Into<String>) -> Result<T, Wrong> {
        Err((what.into(), self.path.join("/")))
    }

    fn node(&mut self, node: &Json) -> Result<Json, Wrong> {
        self.nodes += 1;
        if self.nodes > NODES_MAX {
            return self.wrong("its references multiply to more than five million parts");
        }
        if self.path.len() + self.inside.len() > DEPTH_MAX {
            return self.wrong("it is nested too deep");
        }
        match node {
            Json::Object(fields) => self.object(fields),
            Json::Array(items) => {
                let mut resolved = Vec::with_capacity(items.len());
                for (index, item) in items.iter().enumerate() {
                    self.path.push(index.to_string());
                    resolved.push(self.node(item)?);
                    self.path.pop();
                }
                Ok(Json::Array(resolved))
            }
            Json::String(text) if text.starts_with("#/") => self.follow(text),
            other => Ok(other.clone()),
        }
    }

    fn object(&mut self, fields: &Map) -> Result<Json, Wrong> {
        let mut own = Map::new();
        for (key, value) in fields.iter().filter(|(key, _)| *key != REFERENCE) {
            self.path.push(key.clone());
            let value = if key == OVERRIDES { value.clone() } else { self.node(value)? };
            self.path.pop();
            own.insert(key.clone(), value);
        }
        let Some(reference) = fields.get(REFERENCE) else { return Ok(Json::Object(own)) };
        match self.node(reference)? {
            Json::Object(mut named) => {
                named.extend(own);
                Ok(Json::Object(named))
            }
            other => Ok(other),
        }
    }

    fn follow(&mut self, reference: &str) -> Result<Json, Wrong> {
        if self.inside.iter().any(|known| known == reference) {
            let chain = [self.inside.join(" → "), reference.to_owned()].join(" → ");
            return self.wrong(format!("references lead in a circle: {chain}"));
        }
        let Some(found) = lookup(self.root, reference) else {
            return self.wrong(format!("`{reference}` names nothing"));
        };
        self.inside.push(reference.to_owned());
        let resolved = self.node(found)?;
        self.inside.pop();
        Ok(resolved)
    }
}

/// What a reference names. The whole rest of the path is tried as one key before it is split.
pub(super) fn lookup<'a>(root: &'a Json, reference: &str) -> Option<&'a Json> {
    let mut rest = reference.strip_prefix("#/")?;
    let mut node = root;
    while !rest.is_empty() {
        if let Some(found) = node.as_object().and_then(|fields| fields.get(rest)) {
            return Some(found);
        }
        let (head, tail) = rest.split_once('/').unwrap_or((rest, ""));
        node = match node {
            Json::Object(fields) => fields.get(head)?,
            Json::Array(items) => {
                let at: i64 = head.parse().ok()?;
                let at = if at < 0 { at + items.len() as i64 } else { at };
                items.get(usize::try_from(at).ok()?)?
            }
            _ => return None,
        };
        rest = tail;
    }
    Some(node)
}

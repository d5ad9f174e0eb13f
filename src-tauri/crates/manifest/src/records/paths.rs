//! Paths into JSON with patterns, as the reference's path library reads them: `data/*/id`, `**` for any depth, whole
//! numbers for lists, also from the end.

use syncline_protocol::{Error, ErrorKind, Result};

use super::glob::Glob;
use crate::{Json, Map};

/// So long a list may become because a field is added to it.
const LIST_MAX: usize = 100_000;
/// Deeper is not looked for `**`; JSON is not read deeper either.
const DEPTH_MAX: usize = 128;

/// One step of a path.
#[derive(Debug, Clone)]
pub(super) struct Step {
    /// As it is written.
    pub(super) text: String,
    /// The place in a list that it names.
    index: Option<i64>,
    glob: Option<Glob>,
    /// Any number of steps (`**`).
    any_depth: bool,
    /// Whether it can be the name of a field.
    is_name: bool,
}

impl Step {
    /// A step of this text. `is_name`: it can be the name of a field, too, when it is a number.
    pub(super) fn new(text: String, is_name: bool) -> Step {
        let index = text.trim().replace('_', "").parse().ok();
        let glob = Glob::new(&text);
        Step { index, glob, any_depth: text == "**", is_name: is_name || index.is_none(), text }
    }

    fn names(&self, name: &str) -> bool {
        self.is_name && self.glob.as_ref().map_or(self.text == name, |glob| glob.matches(name))
    }

    /// Whether it means this item of a list of this length.
    fn means(&self, at: usize, length: usize) -> bool {
        match (self.index, &self.glob) {
            (Some(_), _) => self.place(length) == Some(at),
            (None, Some(glob)) => glob.matches(&at.to_string()),
            (None, None) => false,
        }
    }

    fn place(&self, length: usize) -> Option<usize> {
        let index = self.index?;
        let place = if index < 0 { index + i64::try_from(length).ok()? } else { index };
        usize::try_from(place).ok().filter(|place| *place < length)
    }
}

/// A path, compiled.
#[derive(Debug, Clone, Default)]
pub(super) struct Path {
    pub(super) steps: Vec<Step>,
    any_depth: bool,
}

impl Path {
    /// # Errors
    /// `Config`, when `**` occurs twice.
    pub(super) fn new(steps: Vec<Step>) -> Result<Path> {
        let any_depth = steps.iter().filter(|step| step.any_depth).count();
        if any_depth > 1 {
            return Err(Error::new(
                ErrorKind::Config,
                "A path of the connector's manifest has `**` more than once.",
            ));
        }
        Ok(Path { steps, any_depth: any_depth == 1 })
    }

    /// The path of these texts.
    pub(super) fn of(texts: impl IntoIterator<Item = String>) -> Result<Path> {
        Path::new(texts.into_iter().map(|text| Step::new(text, true)).collect())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Whether a step is just `*`: then every match counts, and not only one.
    pub(super) fn takes_all(&self) -> bool {
        self.steps.iter().any(|step| step.text == "*")
    }

    /// The names of fields that it consists of. None: steps of it are patterns, or can be places in lists.
    pub(super) fn names(self) -> Option<Vec<String>> {
        let is_only_a_name = |step: &Step| step.is_name && step.index.is_none() && step.glob.is_none();
        self.steps.iter().all(is_only_a_name).then(|| self.steps.into_iter().map(|step| step.text).collect())
    }

    fn is_plain(&self) -> bool {
        self.steps.iter().all(|step| step.glob.is_none())
    }

    /// The one value at the path, taken out of what it lies in.
    ///
    /// # Errors
    /// `Config`, when patterns match several: which one is meant, nobody can say.
    pub(super) fn take(&self, value: Json) -> Result<Option<Json>> {
        if self.is_plain() {
            return Ok(take_plain(value, &self.steps));
        }
        let mut found = Vec::new();
        self.take_all(value, &mut found);
        if found.len() > 1 {
            return Err(self.several());
        }
        Ok(found.pop())
    }

    /// The first value at the path, or the only one, left where it is.
    ///
    /// # Errors
    /// As [`take`](Self::take).
    pub(super) fn find<'a>(&self, value: &'a Json) -> Result<Option<&'a Json>> {
        let mut found = Vec::new();
        find_all(value, &self.steps, 0, &mut found);
        if found.len() > 1 && !self.takes_all() {
            return Err(self.several());
        }
        Ok(found.into_iter().next())
    }

    /// All values that the path matches, in order, taken out of what they lie in.
    pub(super) fn take_all(&self, value: Json, into: &mut Vec<Json>) {
        if self.any_depth {
            // Matches lie in each other.
            let mut found = Vec::new();
            find_all(&value, &self.steps, 0, &mut found);
            into.extend(found.into_iter().cloned());
        } else {
            take_all(value, &self.steps, into);
        }
    }

    /// Removes what the path matches and `holds` says. An item of a list becomes null, unless it is the last one.
    pub(super) fn remove(
        &self,
        value: &mut Json,
        holds: &mut dyn FnMut(&Json) -> Result<bool>,
    ) -> Result<()> {
        remove(value, &self.steps, 0, holds)
    }

    fn several(&self) -> Error {
        let path: Vec<&str> = self.steps.iter().map(|step| step.text.as_str()).collect();
        Error::new(
            ErrorKind::Config,
            format!("The path `{}` of the connector's manifest matches several values.", path.join("/")),
        )
        .meaning("Nobody can say which one is meant, so that none was taken.")
        .fix("Write `*` as a step of its own where every match is wanted.")
    }
}

fn take_plain(mut value: Json, steps: &[Step]) -> Option<Json> {
    for step in steps {
        value = match value {
            Json::Object(mut fields) if step.is_name => fields.get_mut(&step.text)?.take(),
            Json::Array(mut items) => {
                let place = step.place(items.len())?;
                items.get_mut(place)?.take()
            }
            _ => return None,
        };
    }
    Some(value)
}

fn take_all(value: Json, steps: &[Step], into: &mut Vec<Json>) {
    let Some((step, rest)) = steps.split_first() else {
        into.push(value);
        return;
    };
    match value {
        Json::Object(fields) => {
            let fields = fields.into_iter().filter(|(name, _)| step.names(name));
            fields.for_each(|(_, value)| take_all(value, rest, into));
        }
        Json::Array(items) => {
            let length = items.len();
            let items = items.into_iter().enumerate().filter(|(at, _)| step.means(*at, length));
            items.for_each(|(_, item)| take_all(item, rest, into));
        }
        _ => {}
    }
}

/// What matches among the children, then what matches below each of them.
fn find_all<'a>(value: &'a Json, steps: &[Step], depth: usize, into: &mut Vec<&'a Json>) {
    let Some((step, rest)) = steps.split_first() else {
        into.push(value);
        return;
    };
    if depth > DEPTH_MAX {
        return;
    }
    if step.any_depth {
        // At its end, no step at all counts, too; except for what is looked through.
        if rest.is_empty() && depth > 0 {
            into.push(value);
        }
        below(value, rest, depth, into);
        return;
    }
    match value {
        Json::Object(fields) => {
            let fields = fields.iter().filter(|(name, _)| step.names(name));
            fields.for_each(|(_, value)| find_all(value, rest, depth + 1, into));
        }
        Json::Array(items) => {
            let items = items.iter().enumerate().filter(|(at, _)| step.means(*at, items.len()));
            items.for_each(|(_, item)| find_all(item, rest, depth + 1, into));
        }
        _ => {}
    }
}

/// `**` and what follows it.
fn below<'a>(value: &'a Json, rest: &[Step], depth: usize, into: &mut Vec<&'a Json>) {
    if depth > DEPTH_MAX {
        return;
    }
    if !rest.is_empty() {
        find_all(value, rest, depth, into);
    }
    let children: Vec<&Json> = match value {
        Json::Object(fields) => fields.values().collect(),
        Json::Array(items) => items.iter().collect(),
        _ => return,
    };
    if rest.is_empty() {
        into.extend(&children);
    }
    children.into_iter().for_each(|child| below(child, rest, depth + 1, into));
}

fn remove(
    value: &mut Json,
    steps: &[Step],
    depth: usize,
    holds: &mut dyn FnMut(&Json) -> Result<bool>,
) -> Result<()> {
    let Some((step, rest)) = steps.split_first() else { return Ok(()) };
    if depth > DEPTH_MAX {
        return Ok(());
    }
    if step.any_depth {
        if !rest.is_empty() {
            remove(value, rest, depth, holds)?;
        }
        // Children that are not removed themselves may hold more.
        each_child(value, &|_| true, &|_, _| true, &mut |child| {
            if rest.is_empty() && holds(child)? {
                return Ok(true);
            }
            remove(child, steps, depth + 1, holds).map(|()| false)
        })
    } else {
        let (names, means) = (|name: &str| step.names(name), |at, length| step.means(at, length));
        each_child(value, &names, &means, &mut |child| {
            let is_end = rest.iter().all(|step| step.any_depth);
            if is_end && holds(child)? {
                return Ok(true);
            }
            remove(child, rest, depth + 1, holds).map(|()| false)
        })
    }
}

/// Goes through the children that are meant, from first to last, and removes those that `gone` says. Of a list only its
/// end is cut off, one item after the other has become the last; others become null so that places stay what they are.
fn each_child(
    value: &mut Json,
    names: &dyn Fn(&str) -> bool,
    means: &dyn Fn(usize, usize) -> bool,
    gone: &mut dyn FnMut(&mut Json) -> Result<bool>,
) -> Result<()> {
    match value {
        Json::Object(fields) => {
            let meant: Vec<String> = fields.keys().filter(|name| names(name)).cloned().collect();
            for name in meant {
                if let Some(field) = fields.get_mut(&name)
                    && gone(field)?
                {
                    fields.shift_remove(&name);
                }
            }
        }
        Json::Array(items) => {
            let length = items.len();
            for at in (0..length).filter(|at| means(*at, length)) {
                let Some(item) = items.get_mut(at) else { continue };
                if !gone(item)? {
                    continue;
                }
                if at + 1 == items.len() {
                    items.pop();
                } else {
                    items[at] = Json::Null;
                }
            }
        }
        _ => {}
    }
    Ok(())
}

/// Puts a value at a path that is no pattern; what is missing on the way is made: a list where the next step is a
/// number, an object otherwise.
///
/// # Errors
/// `Config`, where the way leads through a text, a number or null: putting it there would destroy that value.
pub(crate) fn put(record: &mut Json, path: &[String], value: Json) -> Result<()> {
    let Some((step, rest)) = path.split_first() else { return Ok(()) };
    let blocked = || {
        Error::new(
            ErrorKind::Config,
            format!(
                "The connector's manifest adds a field below `{step}`, where the record has a plain value."
            ),
        )
    };
    let slot = match record {
        Json::Object(fields) => fields.entry(step.as_str()),
        Json::Array(items) => {
            let at: usize = step.parse().ok().filter(|at| *at <= LIST_MAX).ok_or_else(blocked)?;
            if items.len() <= at {
                items.resize(at + 1, Json::Null);
                items[at] = made_for(rest);
            }
            return descend(&mut items[at], rest, value);
        }
        _ => return Err(blocked()),
    };
    descend(slot.or_insert_with(|| made_for(rest)), rest, value)
}

fn descend(slot: &mut Json, rest: &[String], value: Json) -> Result<()> {
    if rest.is_empty() {
        *slot = value;
        return Ok(());
    }
    put(slot, rest, value)
}

fn made_for(rest: &[String]) -> Json {
    let is_number = |step: &String| !step.is_empty() && step.bytes().all(|byte| byte.is_ascii_digit());
    if rest.first().is_some_and(is_number) { Json::Array(Vec::new()) } else { Json::Object(Map::new()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn path(text: &str) -> Path {
        Path::of(text.split('/').filter(|step| !step.is_empty()).map(str::to_owned)).unwrap()
    }

    #[test]
    fn one_value_is_taken() {
        let body = json!({"data": {"items": [{"id": 1}, {"id": 2}]}, "page": 1, "3": "x"});
        let take = |text: &str| path(text).take(body.clone());
        assert_eq!(take("data/items/1/id").unwrap(), Some(json!(2)));
        assert_eq!(take("data/items/-2/id").unwrap(), Some(json!(1)));
        assert_eq!(take("data/nothing").unwrap(), None);
        assert_eq!(take("d?ta/items/0/id").unwrap(), Some(json!(1)));
        assert_eq!(take("3").unwrap(), Some(json!("x")));
        assert!(take("data/items/[01]").is_err());
        assert!(Path::of(["**".to_owned(), "**".to_owned()]).is_err());
    }

    #[test]
    fn values_at_any_depth_are_found() {
        let mut all = Vec::new();
        path("**/id").take_all(json!({"id": 1, "a": [{"id": 2}], "b": {"c": {"id": 3}}}), &mut all);
        assert_eq!(all, [json!(1), json!(2), json!(3)]);
    }

    #[test]
    fn deep_records_end() {
        let deep = (0..2_000).fold(json!(1), |inner, _| json!([inner]));
        let mut all = Vec::new();
        path("**/id").take_all(deep, &mut all);
        assert!(all.is_empty());
    }

    #[test]
    fn what_would_be_destroyed_is_told() {
        let mut record = json!({"a": 1, "l": []});
        assert!(put(&mut record, &["a".to_owned(), "b".to_owned()], json!(1)).is_err());
        assert!(put(&mut record, &["l".to_owned(), "999999999".to_owned()], json!(1)).is_err());
        assert_eq!(record, json!({"a": 1, "l": []}));
    }
}

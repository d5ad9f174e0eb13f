//! Where in the text a component is written.

use granit_parser::{Event, Parser};

use super::references::lookup;
use crate::Json;

/// The line of what stands at `path` of the resolved tree; of the nearest component around it when that is not there.
pub(super) fn find(text: &str, raw: &Json, path: &str) -> Option<usize> {
    let place = written(raw, path);
    let mut best = None;
    let mut parser = Parser::new_from_str(text);
    let mut stack: Vec<Level> = Vec::new();
    while let Some(Ok((event, span))) = parser.next() {
        let (opens, key) = match &event {
            Event::MappingStart(..) => (Some(Level { mapping: true, index: 0, key: None }), None),
            Event::SequenceStart(..) => (Some(Level { mapping: false, index: 0, key: None }), None),
            Event::Scalar(text, ..) => (None, Some(text.to_string())),
            Event::Alias(_) => (None, None),
            Event::MappingEnd | Event::SequenceEnd => {
                stack.pop();
                continue;
            }
            _ => continue,
        };
        if let Some(level) = stack.last_mut() {
            if level.mapping && level.key.is_none() {
                level.key = Some(key.unwrap_or_default());
                let depth = stack.len();
                let fits = depth <= place.len()
                    && stack.iter().zip(&place).all(|(level, step)| level.name().as_deref() == Some(step));
                if fits {
                    best = Some(span.start.line());
                }
                continue;
            }
            if !level.mapping {
                level.key = Some(level.index.to_string());
                level.index += 1;
                let depth = stack.len();
                let fits = depth <= place.len()
                    && stack.iter().zip(&place).all(|(level, step)| level.name().as_deref() == Some(step));
                if fits {
                    best = Some(span.start.line());
                }
            }
        }
        match opens {
            Some(level) => stack.push(level),
            None => finish(&mut stack),
        }
        while matches!(parser.peek(), Some(Ok((Event::MappingEnd | Event::SequenceEnd, _)))) {
            let _ = parser.next();
            stack.pop();
            finish(&mut stack);
        }
    }
    best
}

/// The value of the innermost key has been read.
fn finish(stack: &mut [Level]) {
    if let Some(level) = stack.last_mut() {
        level.key = None;
    }
}

struct Level {
    mapping: bool,
    index: usize,
    key: Option<String>,
}

impl Level {
    fn name(&self) -> Option<String> {
        self.key.clone()
    }
}

/// The path in the text of what stands at a path of the resolved tree.
fn written(raw: &Json, path: &str) -> Vec<String> {
    let mut place: Vec<String> = Vec::new();
    let mut node = raw;
    let mut hops = 0;
    let jump = |reference: &str| -> Option<(Vec<String>, &Json)> {
        let node = lookup(raw, reference)?;
        Some((reference.trim_start_matches("#/").split('/').map(str::to_owned).collect(), node))
    };
    let mut steps = path.split('/').filter(|step| !step.is_empty()).peekable();
    while let Some(step) = steps.peek() {
        hops += 1;
        if hops > 1000 {
            break;
        }
        let inside = match node {
            Json::Object(fields) => fields.get(*step),
            Json::Array(items) => step.parse::<usize>().ok().and_then(|at| items.get(at)),
            _ => None,
        };
        if let Some(found) = inside {
            place.push((*step).to_owned());
            node = found;
            steps.next();
            continue;
        }
        let reference = match node {
            Json::String(text) if text.starts_with("#/") => Some(text.as_str()),
            Json::Object(fields) => fields.get("$ref").and_then(Json::as_str),
            _ => None,
        };
        match reference.and_then(jump) {
            Some((there, found)) => (place, node) = (there, found),
            None => break,
        }
    }
    place
}

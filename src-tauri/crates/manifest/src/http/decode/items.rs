//! One JSON document of any length, of which the items of one list are wanted (`JsonItemsDecoder`).

use std::cell::Cell;
use std::io::{self, BufReader, Read};
use std::rc::Rc;

use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use syncline_protocol::Result;

use super::encoding::{Encoding, Utf8};
use super::{Bounded, Give, UNPACKED_MAX, corrupt};
use crate::Json;
use crate::document::Node;

/// Where the items are.
#[derive(Debug, Clone)]
pub(in crate::http) struct Items {
    /// Names of fields; `item` stands for each item of a list.
    path: Vec<String>,
    encoding: Encoding,
    /// Bytes that may come without an item.
    most: u64,
}

impl Items {
    pub(super) fn new(node: &Node<'_>) -> Result<Items> {
        let path = node.text("items_path")?.filter(|path| !path.is_empty());
        let path = path.ok_or_else(|| node.error("`items_path` is missing"))?;
        let path = path.split('.').chain(["item"]).map(str::to_owned).collect();
        Ok(Items { path, encoding: Encoding::of(node)?, most: UNPACKED_MAX })
    }

    /// Gives each item; the document is never whole in memory.
    pub(super) fn read(&self, input: impl Read, give: &mut Give<'_>) -> io::Result<()> {
        let since = Rc::new(Cell::new(0));
        let input = Utf8::new(input, self.encoding);
        let input = Bounded { input, since: Rc::clone(&since), most: self.most };
        let mut taking = Taking { give, since, failed: None };
        let mut document = serde_json::Deserializer::from_reader(BufReader::new(input));
        let ended = Below { path: &self.path, taking: &mut taking }.deserialize(&mut document);
        let ended = ended.and_then(|()| document.end());
        if let Some(failed) = taking.failed {
            return Err(failed);
        }
        ended.map_err(|error| match error.io_error_kind() {
            // What the input said, not the parser.
            Some(_) => io::Error::from(error),
            None => corrupt("is no JSON", error),
        })
    }
}

/// Takes items.
struct Taking<'t, 'g> {
    give: &'t mut Give<'g>,
    since: Rc<Cell<u64>>,
    /// Why no more is taken.
    failed: Option<io::Error>,
}

/// What lies below a place of the document, with the path that is left to go.
struct Below<'b, 't, 'g> {
    path: &'b [String],
    taking: &'b mut Taking<'t, 'g>,
}

impl<'de> DeserializeSeed<'de> for Below<'_, '_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        if !self.path.is_empty() {
            return deserializer.deserialize_any(self);
        }
        let item: Json = serde::Deserialize::deserialize(deserializer)?;
        self.taking.since.set(0);
        (self.taking.give)(item).map_err(|error| {
            self.taking.failed = Some(error);
            D::Error::custom("nobody takes more items")
        })
    }
}

impl<'de> Visitor<'de> for Below<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<(), A::Error> {
        let Some((step, rest)) = self.path.split_first() else { return Ok(()) };
        while let Some(name) = fields.next_key::<String>()? {
            if name == *step {
                fields.next_value_seed(Below { path: rest, taking: self.taking })?;
            } else {
                fields.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        match self.path.split_first() {
            Some((step, rest)) if step == "item" => {
                while items.next_element_seed(Below { path: rest, taking: self.taking })?.is_some() {}
            }
            _ => while items.next_element::<IgnoredAny>()?.is_some() {},
        }
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::Document;

    fn count(body: &str, most: u64) -> io::Result<usize> {
        let component = r#"{"streams": [{"type": "JsonItemsDecoder", "items_path": "data"}]}"#;
        let document = Document::parse(component).unwrap();
        let items = Items { most, ..Items::new(&Node::root(&document).list("streams")[0]).unwrap() };
        let mut count = 0;
        let mut give = |_| {
            count += 1;
            Ok(())
        };
        items.read(body.as_bytes(), &mut give).map(|()| count)
    }

    #[test]
    fn a_document_may_be_long_and_an_item_may_not() {
        let row = format!("{{\"id\":\"{}\"}}", "x".repeat(10_000));
        let long = format!("{{\"data\":[{}]}}", vec![row.as_str(); 100].join(","));
        assert_eq!(count(&long, 50_000).unwrap(), 100);
        let error = count(&format!("{{\"data\":[\"{}\"]}}", "x".repeat(200_000)), 50_000).unwrap_err();
        assert!(error.to_string().contains("at once"), "{error}");
    }
}

//! Where a cursor begins or ends: a time in the manifest, kept within limits.

use syncline_protocol::{Error, ErrorKind, Result};

use crate::document::Node;
use crate::expression::datetime::Moment;
use crate::expression::{Scope, Text};

/// A time with templates (`MinMaxDatetime`, or a text).
#[derive(Debug, Clone)]
pub(crate) struct Bound {
    name: String,
    value: Text,
    min: Option<Text>,
    max: Option<Text>,
    format: String,
}

impl Bound {
    /// The bound at a field of the cursor. Its format is the cursor's unless it names one.
    pub(crate) fn of(cursor: &Node<'_>, field: &str, format: &str) -> Result<Option<Bound>> {
        let Some(node) = cursor.field(field) else { return Ok(None) };
        let name = field.to_owned();
        if !node.json().is_object() {
            let value = Text::of(cursor, field)?;
            let value = value.filter(|value| !value.source().is_empty());
            return Ok(value.map(|value| Bound {
                name,
                value,
                min: None,
                max: None,
                format: format.to_owned(),
            }));
        }
        let own = node.text("datetime_format")?.filter(|own| !own.is_empty());
        Ok(Some(Bound {
            name,
            value: Text::of(&node, "datetime")?.ok_or_else(|| node.error("`datetime` is missing"))?,
            min: Text::of(&node, "min_datetime")?,
            max: Text::of(&node, "max_datetime")?,
            format: own.unwrap_or(format).to_owned(),
        }))
    }

    /// The time that it stands for with this configuration.
    pub(crate) fn at(&self, scope: &Scope<'_>) -> Result<Moment> {
        let mut moment = self.read(&self.value.eval_text(scope)?)?;
        if let Some(least) = self.limit(self.min.as_ref(), scope)? {
            moment = if moment.at < least.at { least } else { moment };
        }
        if let Some(most) = self.limit(self.max.as_ref(), scope)? {
            moment = if most.at < moment.at { most } else { moment };
        }
        Ok(moment)
    }

    fn limit(&self, text: Option<&Text>, scope: &Scope<'_>) -> Result<Option<Moment>> {
        let Some(text) = text.filter(|text| !text.source().is_empty()) else { return Ok(None) };
        let text = text.eval_text(scope)?;
        if text.is_empty() { Ok(None) } else { self.read(&text).map(Some) }
    }

    /// The text may come from the configuration: it is not shown.
    fn read(&self, text: &str) -> Result<Moment> {
        Moment::parse(text, &self.format).ok_or_else(|| {
            Error::new(
                ErrorKind::Config,
                format!("`{}` is not a time of the form `{}`.", self.name, self.format),
            )
            .meaning("Without it nobody can tell from when on rows are to be read.")
            .fix("Set the date in the connector's configuration in that form.")
        })
    }
}

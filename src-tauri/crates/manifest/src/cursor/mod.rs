//! How far a stream has been read, and what is still to be read (`DatetimeBasedCursor`, `IncrementingCountCursor`).

mod bound;
mod clamp;
mod divide;
mod ledger;
mod migration;
mod point;
mod position;
mod progress;
mod settings;
mod windows;

use std::sync::Arc;

use syncline_protocol::{Error, ErrorKind, Result};

pub(crate) use migration::Migration;
pub(crate) use progress::{Division, Opened, Partition, Progress};
pub(crate) use settings::{Fresh, Seen, Settings};

use bound::Bound;
use clamp::Clamping;
use point::Point;

use crate::classes::class_of;
use crate::context::{Run, Slice};
use crate::document::Node;
use crate::expression::datetime::Duration;
use crate::expression::{Scope, Text, python_str};
use crate::http::{Options, RequestOption};

/// A cursor as the manifest has it. What it is for a configuration is in its [`Settings`].
pub(crate) struct Cursor {
    field: Text,
    borders: (Text, Text),
    start: Start,
    format: Option<String>,
    inputs: Vec<String>,
    step: Option<Text>,
    granularity: Option<Duration>,
    lookback: Option<Text>,
    clamping: Option<(Text, Option<String>)>,
    end: Option<Bound>,
    options: (Option<RequestOption>, Option<RequestOption>),
    /// How many days a window has, 1 to 100 (a class of Braze).
    days: Option<RequestOption>,
    is_compare_strictly: bool,
    is_data_feed: bool,
    is_client_side: bool,
    is_global: bool,
}

enum Start {
    Time(Bound),
    Count(Option<Text>),
}

impl Cursor {
    /// From the component.
    ///
    /// # Errors
    /// `Config` or `Unsupported`.
    pub(crate) fn new(node: &Node<'_>) -> Result<Cursor> {
        match (node.kind(), node.class_name()) {
            ("DatetimeBasedCursor", None) => Cursor::of_times(node),
            ("IncrementingCountCursor", None) => Cursor::of_counts(node),
            _ if class_of(node) == Some("DatetimeIncrementalSyncComponent") => {
                Ok(Cursor { days: option(node, "step_option")?, ..Cursor::of_times(node)? })
            }
            (_, Some(class)) => Err(node.unsupported(format!("the cursor `{class}`, written in Python"))),
            (kind, None) => Err(node.unsupported(format!("a cursor of the type `{kind}`"))),
        }
    }

    fn of_times(node: &Node<'_>) -> Result<Cursor> {
        let format =
            node.text("datetime_format")?.ok_or_else(|| node.error("`datetime_format` is missing"))?;
        let mut inputs: Vec<String> =
            node.list("cursor_datetime_formats").iter().map(|format| python_str(format.json())).collect();
        inputs.push(format.to_owned());
        let step = filled(node, "step")?;
        let granularity = node.text("cursor_granularity")?.filter(|text| !text.is_empty());
        if step.is_some() != granularity.is_some() {
            return Err(node.error("`step` and `cursor_granularity` need each other"));
        }
        let clamping = match node.field("clamping") {
            Some(clamping) => {
                let details = clamping.field("target_details");
                let weekday =
                    details.as_ref().and_then(|details| details.text("weekday").transpose()).transpose()?;
                Some((required(&clamping, "target")?, weekday.map(str::to_owned)))
            }
            None => None,
        };
        let flag = |name| Ok::<_, Error>(node.boolean(name)?.unwrap_or_default());
        Ok(Cursor {
            field: required(node, "cursor_field")?,
            borders: (
                border(node, "partition_field_start", "start_time")?,
                border(node, "partition_field_end", "end_time")?,
            ),
            start: Start::Time(
                Bound::of(node, "start_datetime", format)?
                    .ok_or_else(|| node.error("`start_datetime` is missing"))?,
            ),
            format: Some(format.to_owned()),
            inputs,
            step,
            granularity: granularity
                .map(Duration::parse)
                .transpose()
                .map_err(|error| node.at(error))?
                .filter(|granule| *granule != Duration::default()),
            lookback: filled(node, "lookback_window")?,
            clamping,
            end: Bound::of(node, "end_datetime", format)?,
            options: (option(node, "start_time_option")?, option(node, "end_time_option")?),
            days: None,
            is_compare_strictly: flag("is_compare_strictly")?,
            is_data_feed: flag("is_data_feed")?,
            is_client_side: flag("is_client_side_incremental")?,
            is_global: flag("global_substream_cursor")?,
        })
    }

    fn of_counts(node: &Node<'_>) -> Result<Cursor> {
        Ok(Cursor {
            field: required(node, "cursor_field")?,
            borders: (Text::new("start", node.parameters())?, Text::new("end", node.parameters())?),
            start: Start::Count(Text::of(node, "start_value")?),
            format: None,
            inputs: Vec::new(),
            step: None,
            granularity: None,
            lookback: None,
            clamping: None,
            end: None,
            options: (option(node, "start_value_option")?, None),
            days: None,
            is_compare_strictly: false,
            is_data_feed: false,
            is_client_side: false,
            is_global: false,
        })
    }

    /// Whether it counts instead of telling times.
    pub(crate) fn counts(&self) -> bool {
        self.format.is_none()
    }

    /// Whether it knows the smallest stretch of time.
    pub(crate) fn is_granular(&self) -> bool {
        self.granularity.is_some() && !self.is_client_side
    }

    /// The name of its field, as far as it does not depend on the configuration.
    pub(crate) fn field(&self, scope: &Scope<'_>) -> Result<String> {
        self.field.eval_text(scope)
    }

    /// With the configuration of a run.
    ///
    /// # Errors
    /// `Config`: a date that is none, a duration that is none.
    pub(crate) fn settle(&self, run: &Run) -> Result<Arc<Settings>> {
        let config = run.config();
        let scope = Scope::new(&config, run.clock);
        let start = match &self.start {
            Start::Time(bound) => Point::Time(bound.at(&scope)?),
            Start::Count(text) => Point::Count(count(text.as_ref(), &scope)?.into()),
        };
        let clamping = match &self.clamping {
            Some((target, weekday)) => Some(Clamping::parse(&target.eval_text(&scope)?, weekday.as_deref())?),
            None => None,
        };
        Ok(Arc::new(Settings {
            field: self.field.eval_text(&scope)?,
            borders: (self.borders.0.eval_text(&scope)?, self.borders.1.eval_text(&scope)?),
            start,
            format: self.format.clone(),
            inputs: self.inputs.clone(),
            step: duration(self.step.as_ref(), &scope)?,
            granularity: self.granularity,
            lookback: duration(self.lookback.as_ref(), &scope)?,
            clamping,
            is_compare_strictly: self.is_compare_strictly,
            end: self.end.clone(),
            is_data_feed: self.is_data_feed,
            is_client_side: self.is_client_side && !self.is_data_feed,
            is_global: self.is_global,
            compatibility: run.compatibility,
        }))
    }

    /// What it adds to the requests of a slice: the borders of the window.
    pub(crate) fn options(
        &self,
        run: &Run,
        settings: &Settings,
        slice: &Slice,
        options: &mut Options,
    ) -> Result<()> {
        for (option, name) in [(&self.options.0, &settings.borders.0), (&self.options.1, &settings.borders.1)]
        {
            if let Some(option) = option {
                let value = slice.window.get(name).cloned().unwrap_or_default();
                option.put(run, value, options)?;
            }
        }
        let Some(option) = &self.days else { return Ok(()) };
        let border = |name: &str| settings.read(slice.window.get(name)?)?.moment();
        if let (Some(start), Some(end)) = (border(&settings.borders.0), border(&settings.borders.1)) {
            // The first and the last day count, so that no day between two windows is left out.
            let days = ((end.at.as_second() - start.at.as_second()).div_euclid(86_400) + 1).clamp(1, 100);
            option.put(run, days.into(), options)?;
        }
        Ok(())
    }
}

fn required(node: &Node<'_>, field: &str) -> Result<Text> {
    Text::of(node, field)?.ok_or_else(|| node.error(format!("`{field}` is missing")))
}

/// A text that is there and not empty.
fn filled(node: &Node<'_>, field: &str) -> Result<Option<Text>> {
    Ok(Text::of(node, field)?.filter(|text| !text.source().is_empty()))
}

fn border(node: &Node<'_>, field: &str, default: &str) -> Result<Text> {
    filled(node, field)?.map_or_else(|| Text::new(default, node.parameters()), Ok)
}

fn option(node: &Node<'_>, field: &str) -> Result<Option<RequestOption>> {
    node.field(field).map(|option| RequestOption::new(&option)).transpose()
}

fn duration(text: Option<&Text>, scope: &Scope<'_>) -> Result<Option<Duration>> {
    let Some(text) = text else { return Ok(None) };
    let text = text.eval_text(scope)?;
    let duration = if text.is_empty() { None } else { Some(Duration::parse(&text)?) };
    // Nothing at all is as good as none.
    Ok(duration.filter(|duration| *duration != Duration::default()))
}

fn count(text: Option<&Text>, scope: &Scope<'_>) -> Result<i64> {
    let Some(text) = text else { return Ok(0) };
    let value = text.eval(scope)?;
    let number = value.as_i64().or_else(|| value.as_f64().map(|number| number as i64));
    number.or_else(|| value.as_str().and_then(|text| text.trim().parse().ok())).ok_or_else(|| {
        Error::new(ErrorKind::Config, "`start_value` is not a whole number.")
            .meaning("Without it nobody can tell from which row on is to be read.")
            .fix("Set a whole number in the connector's configuration.")
    })
}

//! What a column of a sample holds, counted in a database in memory: a few small queries, which can be cancelled.

use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::{DataType, Field, Schema};
use arrow::record_batch::RecordBatch;
use syncline_protocol::{Error, LogicalType, Result, Stopped};

use crate::budget::Limits;
use crate::database::{Database, Settings};
use crate::destination::blocking;
use crate::query::{Disarm, OnDrop};
use crate::raw::{Connection, Interrupt};
use crate::sql;
use crate::vector::{Appender, Fill};

/// A sample is small; a column of it never needs more.
const MEMORY: u64 = 256 << 20;
const DOING: &str = "counting the values of a column";

/// A database without a file, for counting. Cheap to clone.
#[derive(Clone)]
pub struct Scratch(Arc<Database>);

/// The values of a column.
pub struct Values {
    /// As they are shown: arrays of texts.
    pub texts: Vec<ArrayRef>,
    /// The same as values of a number or a time, which are ordered and spread over ranges; arrays of equal lengths.
    pub measures: Option<(LogicalType, Vec<ArrayRef>)>,
    /// Ranges to spread them over.
    pub bins: usize,
    /// How many of the most frequent values are wanted.
    pub top: usize,
}

/// What was counted.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Figures {
    /// Different values.
    pub distinct: u64,
    /// The smallest, as it is shown.
    pub min: Option<String>,
    /// The largest, as it is shown.
    pub max: Option<String>,
    /// The most frequent of those that occur more than once, with their counts.
    pub top: Vec<(String, u64)>,
    /// How they are spread; none without measures, or when all are the same.
    pub spread: Option<Spread>,
}

/// How values are spread over ranges of equal width.
#[derive(Debug, Clone, PartialEq)]
pub struct Spread {
    /// The smallest value: a number, days or microseconds since 1970-01-01.
    pub low: f64,
    /// The largest.
    pub high: f64,
    /// Values in each range; the last one includes its end.
    pub counts: Vec<u64>,
}

impl Scratch {
    /// An empty one.
    ///
    /// # Errors
    /// When DuckDB does not start.
    pub fn open() -> Result<Scratch> {
        let values = vec![
            ("memory_limit", format!("{MEMORY}B")),
            ("threads", "1".to_owned()),
            ("enable_external_access", "false".to_owned()),
        ];
        let limits = Limits { memory: MEMORY, threads: 1 };
        Ok(Scratch(Database::in_memory(&Settings { values, limits })?))
    }

    /// Counts the values of a column. Dropping the future interrupts the counting.
    ///
    /// # Errors
    /// `Internal` when DuckDB cannot count them.
    pub async fn figures(&self, values: Values) -> Result<Figures> {
        let connection = self.0.connect()?;
        let interrupt = Interrupt::of(&connection);
        let _cancel = OnDrop(Arc::clone(&interrupt));
        blocking(move || {
            // Dropped before the connection is: from then on nobody may interrupt it.
            let _disarm = Disarm(&interrupt);
            if interrupt.interrupted() {
                return Err(Stopped.into());
            }
            count(&connection, &values)
        })
        .await
    }
}

fn count(connection: &Connection, values: &Values) -> Result<Figures> {
    load(connection, values)?;
    let (smallest, largest) = match values.measures {
        Some(_) => ("arg_min(t, v)", "arg_max(t, v)"),
        None => ("min(t)", "max(t)"),
    };
    let query = format!("SELECT count(DISTINCT t)::VARCHAR, {smallest}, {largest} FROM counted");
    let [distinct, min, max] = row(connection, &query)?;
    let most = format!(
        "SELECT t, count(*)::VARCHAR FROM counted WHERE t IS NOT NULL GROUP BY t HAVING count(*) > 1 \
         ORDER BY count(*) DESC, t LIMIT {}",
        values.top
    );
    let top = connection.texts(DOING, &most, &[])?.into_iter().filter_map(|row| {
        let [text, count] = row.try_into().ok()?;
        Some((text?, count?.parse().ok()?))
    });
    Ok(Figures {
        distinct: number(distinct.as_deref())?,
        min,
        max,
        top: top.collect(),
        spread: match &values.measures {
            Some((logical, _)) => spread(connection, logical, values.bins)?,
            None => None,
        },
    })
}

/// Puts the values into a table that only this connection sees, and that goes with it.
fn load(connection: &Connection, values: &Values) -> Result<()> {
    let mut types = vec![LogicalType::Text];
    types.extend(values.measures.iter().map(|(logical, _)| logical.clone()));
    let names = ["t", "v"];
    let columns: Vec<String> = names
        .iter()
        .zip(&types)
        .map(|(name, logical)| format!("{name} {}", sql::type_name(logical)))
        .collect();
    connection.execute(DOING, &format!("CREATE TEMP TABLE counted ({})", columns.join(", ")), &[])?;
    let mut appender = Appender::new(connection, (Some("temp"), "main", "counted"), &types)?;
    let fields: Vec<Field> =
        names.iter().zip(&types).map(|(name, logical)| Field::new(*name, logical.to_arrow(), true)).collect();
    let schema = Arc::new(Schema::new(fields));
    let fills: Vec<Fill> = (0..types.len()).map(Fill::Column).collect();
    for (at, texts) in values.texts.iter().enumerate() {
        let mut columns = vec![Arc::clone(texts)];
        columns.extend(values.measures.iter().filter_map(|(_, arrays)| arrays.get(at).cloned()));
        let batch = RecordBatch::try_new(Arc::clone(&schema), columns).map_err(|error| {
            Error::internal("The values of a column do not fit together.").caused_by(error)
        })?;
        appender.append(&batch, &fills, 0)?;
    }
    appender.flush()
}

/// A number that tells how far along a value is.
fn measure(logical: &LogicalType) -> &'static str {
    match logical.to_arrow() {
        DataType::Date32 => "CASE WHEN isfinite(v) THEN (v - DATE '1970-01-01')::DOUBLE END",
        DataType::Timestamp(..) => "CASE WHEN isfinite(v) THEN epoch_us(v)::DOUBLE END",
        _ => "CASE WHEN isfinite(v::DOUBLE) THEN v::DOUBLE END",
    }
}

fn spread(connection: &Connection, logical: &LogicalType, bins: usize) -> Result<Option<Spread>> {
    let measure = measure(logical);
    let [low, high] = row(
        connection,
        &format!("SELECT min(x)::VARCHAR, max(x)::VARCHAR FROM (SELECT {measure} AS x FROM counted)"),
    )?;
    let (Some(low), Some(high)) = (low, high) else { return Ok(None) };
    let (low, high): (f64, f64) = (number(Some(&low))?, number(Some(&high))?);
    let width = (high - low) / bins as f64;
    if !(width.is_finite() && width > 0.0) {
        return Ok(None);
    }
    let query = format!(
        "SELECT least(floor((x - {low:?}::DOUBLE) / {width:?}::DOUBLE), {})::INTEGER::VARCHAR, count(*)::VARCHAR \
         FROM (SELECT {measure} AS x FROM counted) WHERE x IS NOT NULL GROUP BY 1",
        bins - 1
    );
    let mut counts = vec![0; bins];
    for row in connection.texts(DOING, &query, &[])? {
        let Ok([at, count]) = <[Option<String>; 2]>::try_from(row) else { continue };
        let at: usize = number(at.as_deref())?;
        if let Some(bin) = counts.get_mut(at) {
            *bin = number(count.as_deref())?;
        }
    }
    Ok(Some(Spread { low, high, counts }))
}

/// The one row of an answer.
fn row<const N: usize>(connection: &Connection, query: &str) -> Result<[Option<String>; N]> {
    let row = connection.texts(DOING, query, &[])?.into_iter().next();
    row.and_then(|row| row.try_into().ok())
        .ok_or_else(|| Error::internal("DuckDB did not answer with the row that was asked for."))
}

fn number<T: std::str::FromStr>(text: Option<&str>) -> Result<T> {
    text.and_then(|text| text.parse().ok())
        .ok_or_else(|| Error::internal("DuckDB answered with something that is not a number."))
}

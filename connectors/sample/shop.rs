//! The corner shop: every row is a pure function of seed, round and row number.
//!
//! Rows are numbered from zero and never disappear. Each round changes three rows in a hundred of customers, orders
//! and products, and adds some at the end of every table. All of round `r` (from the second on) happens on one day,
//! so that a time cursor and a round divide the rows in the same way.

use std::fmt;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use syncline_protocol::{Column, LogicalType};

use super::words::{
    CATEGORIES, CHANNELS, CITIES, EVENTS, FIRST_NAMES, LAST_NAMES, ORIGINS, SIZES, STREETS, TAGS, VARIANTS,
};

const DAY: i64 = 86_400_000_000;
/// 2025-01-01T00:00:00Z: the first round covers the year from here.
const OPENED: i64 = 1_735_689_600_000_000;
/// 2026-01-01T00:00:00Z: the first round has ended; the second one is this day.
const FIRST_YEAR_END: i64 = OPENED + 365 * DAY;
/// From this round on orders have a channel, and stock no longer fits 32 bits.
pub(super) const GROWTH_ROUND: u32 = 2;
/// In this round a product arrives whose price is no number.
const MISTAKE_ROUND: u32 = 3;
/// The product that is suddenly counted in single pieces.
const BULK_PRODUCT: u64 = 7;
/// Four orders following on each other have ten items together.
const ORDERS_PER_BLOCK: u64 = 4;
const ITEMS_PER_BLOCK: u64 = 10;

/// The tables, in the order of their names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Table {
    Customers,
    Events,
    OrderItems,
    Orders,
    Products,
}

impl Table {
    pub(super) const ALL: [Table; 5] =
        [Table::Customers, Table::Events, Table::OrderItems, Table::Orders, Table::Products];

    pub(super) fn named(name: &str) -> Option<Table> {
        Table::ALL.into_iter().find(|table| table.name() == name)
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Table::Customers => "customers",
            Table::Events => "events",
            Table::OrderItems => "order_items",
            Table::Orders => "orders",
            Table::Products => "products",
        }
    }

    pub(super) fn comment(self) -> &'static str {
        match self {
            Table::Customers => "People who have bought something, with how to reach them",
            Table::Events => "What visitors did in the web shop; rows are only added",
            Table::OrderItems => "What was in each order; the table has no key of its own",
            Table::Orders => "Orders with their state and total",
            Table::Products => "What the shop sells, with nested attributes",
        }
    }

    /// Rows in the first round, and rows that each later one adds.
    const fn size(self) -> (u64, u64) {
        match self {
            Table::Customers => (2_000, 24),
            Table::Events => (27_500, 400),
            Table::OrderItems => (22_500, 300),
            Table::Orders => (9_000, 120),
            Table::Products => (240, 4),
        }
    }

    /// The column that rises when a row is inserted or updated, with the reason.
    pub(super) fn cursor(self) -> Option<(&'static str, &'static str)> {
        match self {
            Table::Customers | Table::Orders | Table::Products => {
                Some(("updated_at", "timestamp, no nulls, named like an update time"))
            }
            Table::Events => Some(("occurred_at", "timestamp, no nulls, and rows are only added")),
            Table::OrderItems => None,
        }
    }

    pub(super) fn key(self) -> &'static [&'static str] {
        match self {
            Table::OrderItems => &[],
            _ => &["id"],
        }
    }

    /// Columns in which no two rows are equal.
    pub(super) fn unique(self) -> &'static [&'static str] {
        match self {
            Table::OrderItems => &["order_id", "line_no"],
            _ => &["id"],
        }
    }

    /// The columns in this round, in the order of the cells of [`Shop::fill`].
    pub(super) fn columns(self, round: u32) -> Vec<Column> {
        use LogicalType::{Boolean, Date, Decimal, Int32, Int64, Json, Text, TimestampTz, Uuid};
        let column = Column::new;
        let required = |name, logical| Column::new(name, logical).required();
        let money = Decimal { precision: 10, scale: 2 };
        match self {
            Table::Customers => vec![
                required("id", Int64),
                required("first_name", Text),
                required("last_name", Text),
                required("email", Text),
                column("phone", Text),
                column("date_of_birth", Date),
                column("street", Text),
                column("postal_code", Text),
                column("city", Text),
                column("country", Text),
                required("newsletter", Boolean),
                required("created_at", TimestampTz),
                required("updated_at", TimestampTz),
            ],
            Table::Events => vec![
                required("id", Int64),
                required("session", Uuid),
                column("customer_id", Int64),
                required("kind", Text),
                required("path", Text),
                column("duration_ms", Int32),
                required("occurred_at", TimestampTz),
            ],
            Table::OrderItems => vec![
                required("order_id", Int64),
                required("line_no", Int32),
                required("product_id", Int64),
                required("quantity", Int32),
                required("unit_price", money),
            ],
            Table::Orders => {
                let mut columns = vec![
                    required("id", Int64),
                    required("customer_id", Int64),
                    required("status", Text),
                    required("total", money),
                    column("note", Text),
                    required("ordered_at", TimestampTz),
                    required("updated_at", TimestampTz),
                ];
                if round >= GROWTH_ROUND {
                    columns.push(column("channel", Text));
                }
                columns
            }
            Table::Products => vec![
                required("id", Int64),
                required("sku", Text),
                required("name", Text),
                required("category", Text),
                required("price", money),
                column("size", Text),
                required("attributes", Json),
                required("stock", if round >= GROWTH_ROUND { Int64 } else { Int32 }),
                required("updated_at", TimestampTz),
            ],
        }
    }
}

/// The last microsecond of a round.
pub(super) fn round_end(round: u32) -> i64 {
    FIRST_YEAR_END + i64::from(round.saturating_sub(1)) * DAY - 1
}

/// One value of a row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Cell {
    Null,
    Int(i64),
    Bool(bool),
    /// A range of [`Row::text`].
    Text(usize, usize),
    Word(&'static str),
    /// Hundredths.
    Cents(i64),
    /// Days since 1970-01-01.
    Day(i32),
    /// Microseconds since 1970-01-01 in UTC.
    Instant(i64),
    Uuid(u128),
}

/// A row; reused from one to the next.
#[derive(Debug, Default)]
pub(super) struct Row {
    pub(super) cells: Vec<Cell>,
    pub(super) text: String,
}

impl Row {
    pub(super) fn text_of(&self, start: usize, end: usize) -> &str {
        self.text.get(start..end).unwrap_or_default()
    }

    fn push(&mut self, cell: Cell) {
        self.cells.push(cell);
    }

    fn write(&mut self, text: fmt::Arguments<'_>) {
        let start = self.text.len();
        // Writing to a String cannot fail.
        let _ = fmt::Write::write_fmt(&mut self.text, text);
        self.cells.push(Cell::Text(start, self.text.len()));
    }
}

/// The shop with its seed. Cheap to copy.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shop {
    pub(super) seed: u64,
}

/// Random numbers of one row. `below` is written out here so that rows stay the same when a library changes how it
/// draws from a range.
struct Dice(ChaCha8Rng);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        (u64::from(self.0.next_u32()) * bound) >> 32
    }

    fn of<T: Copy, const N: usize>(&mut self, list: &[T; N]) -> T {
        // Below N by construction.
        list[self.below(N as u64) as usize]
    }

    fn percent(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// A moment of this stretch of time.
    fn moment(&mut self, start: i64, length: i64) -> i64 {
        let seconds = (length / 1_000_000).max(1) as u64;
        start + self.below(seconds) as i64 * 1_000_000
    }
}

impl Shop {
    /// How many rows a table has.
    pub(super) fn rows(table: Table, round: u32) -> u64 {
        let (base, growth) = table.size();
        base + growth * u64::from(round.saturating_sub(1))
    }

    /// The round in which a row appeared.
    fn born(table: Table, index: u64) -> u32 {
        let (base, growth) = table.size();
        match index.checked_sub(base) {
            None => 1,
            Some(later) => u32::try_from(later / growth).unwrap_or(u32::MAX - 2).saturating_add(2),
        }
    }

    /// The last round, up to `round`, in which a row appeared or changed.
    pub(super) fn version(table: Table, index: u64, round: u32) -> u32 {
        let born = Shop::born(table, index);
        if matches!(table, Table::Events | Table::OrderItems) {
            return born;
        }
        let changes = |round: u32| {
            (index * 37 + u64::from(round) * 29) % 100 < 3
                || (table == Table::Products && index == BULK_PRODUCT && round == GROWTH_ROUND)
        };
        (born + 1..=round).rev().find(|round| changes(*round)).unwrap_or(born)
    }

    /// When the row last changed, in the column of its cursor.
    pub(super) fn changed_at(&self, table: Table, index: u64, round: u32) -> i64 {
        let version = Shop::version(table, index, round);
        if version > 1 {
            return self.later_moment(table, index, version);
        }
        let (base, _) = table.size();
        let step = (FIRST_YEAR_END - OPENED) / base as i64;
        self.clock(table, index, 1).moment(OPENED + index as i64 * step, step)
    }

    fn later_moment(&self, table: Table, index: u64, version: u32) -> i64 {
        let day = round_end(version - 1) + 1;
        let (base, growth) = table.size();
        match index.checked_sub(base + growth * u64::from(version - 2)) {
            // New rows appear in the order of their numbers.
            Some(place) if Shop::born(table, index) == version => {
                let step = DAY / growth as i64;
                self.clock(table, index, version).moment(day + place as i64 * step, step)
            }
            _ => self.clock(table, index, version).moment(day, DAY),
        }
    }

    /// When the row appeared.
    fn born_at(&self, table: Table, index: u64) -> i64 {
        self.changed_at(table, index, Shop::born(table, index))
    }

    /// Random numbers for one purpose: what belongs to the row for ever (0), or to one of its versions.
    fn dice(&self, table: Table, index: u64, version: u32) -> Dice {
        self.numbered((index << 20) | (u64::from(version) << 4) | table as u64)
    }

    /// Random numbers for the time of a version: known without making the row.
    fn clock(&self, table: Table, index: u64, version: u32) -> Dice {
        self.numbered((index << 20) | (u64::from(version) << 4) | 8 | table as u64)
    }

    fn numbered(&self, stream: u64) -> Dice {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        rng.set_stream(stream);
        Dice(rng)
    }

    /// Writes a row as it is in `round`.
    pub(super) fn fill(&self, table: Table, index: u64, round: u32, row: &mut Row) {
        row.cells.clear();
        row.text.clear();
        match table {
            Table::Customers => self.customer(index, round, row),
            Table::Events => self.event(index, row),
            Table::OrderItems => self.order_item(index, row),
            Table::Orders => self.order(index, round, row),
            Table::Products => self.product(index, round, row),
        }
    }

    fn customer(&self, index: u64, round: u32, row: &mut Row) {
        let table = Table::Customers;
        let version = Shop::version(table, index, round);
        let mut dice = self.dice(table, index, 0);
        let (first, last) = (dice.of(&FIRST_NAMES), dice.of(&LAST_NAMES));
        let id = index as i64 + 1;
        row.push(Cell::Int(id));
        row.push(Cell::Word(first));
        row.push(Cell::Word(last));
        let start = row.text.len();
        ascii(first, &mut row.text);
        row.text.push('.');
        ascii(last, &mut row.text);
        let _ = fmt::Write::write_fmt(&mut row.text, format_args!("{id}@example."));
        row.text.push_str(dice.of(&["com", "org", "net"]));
        row.push(Cell::Text(start, row.text.len()));
        let born = dice.below(45 * 365) as i32 - 5 * 365;
        let (has_phone, has_birthday) = (dice.percent(80), dice.percent(90));
        // People move: the address belongs to the version.
        let mut dice = self.dice(table, index, version);
        let (city, country, postal, phone) = dice.of(&CITIES);
        match has_phone {
            true => row.write(format_args!("{phone}{:03}", dice.below(1000))),
            false => row.push(Cell::Null),
        }
        row.push(if has_birthday { Cell::Day(born) } else { Cell::Null });
        let street = dice.of(&STREETS);
        row.write(format_args!("{street} {}", 1 + dice.below(120)));
        match country {
            "GB" => row.write(format_args!("{postal}{}AA", 1 + dice.below(9))),
            _ => row.write(format_args!("{postal}{:02}", dice.below(100))),
        }
        row.push(Cell::Word(city));
        row.push(Cell::Word(country));
        row.push(Cell::Bool(dice.percent(40)));
        row.push(Cell::Instant(self.born_at(table, index)));
        row.push(Cell::Instant(self.changed_at(table, index, round)));
    }

    fn event(&self, index: u64, row: &mut Row) {
        let mut dice = self.dice(Table::Events, index, 0);
        row.push(Cell::Int(index as i64 + 1));
        // About eight events following on each other are one visit.
        let mut visit = self.dice(Table::Events, index / 8, 1);
        let session = u128::from(visit.0.next_u64()) << 64 | u128::from(visit.0.next_u64());
        // Version 4, variant 1 of RFC 9562.
        row.push(Cell::Uuid(session & !(0xf << 76 | 3 << 62) | 4 << 76 | 2 << 62));
        let customers = self.customers_before(Table::Events, index);
        match visit.percent(60) {
            true => row.push(Cell::Int(1 + visit.below(customers) as i64)),
            false => row.push(Cell::Null),
        }
        let (kind, path) = dice.of(&EVENTS);
        row.push(Cell::Word(kind));
        match path {
            "/products/" => row.write(format_args!("{path}{}", 1 + dice.below(240))),
            "/search?q=" => {
                let (_, nouns) = dice.of(&CATEGORIES);
                row.write(format_args!("{path}{}", dice.of(&nouns).replace(' ', "+")));
            }
            _ => row.push(Cell::Word(path)),
        }
        let duration = dice.below(90_000) as i64;
        row.push(if dice.percent(85) { Cell::Int(duration) } else { Cell::Null });
        row.push(Cell::Instant(self.changed_at(Table::Events, index, u32::MAX)));
    }

    /// How many customers there were when this row appeared.
    fn customers_before(&self, table: Table, index: u64) -> u64 {
        let (base, _) = table.size();
        let (customers, _) = Table::Customers.size();
        match Shop::born(table, index) {
            1 => 1 + index * (customers - 1) / base,
            born => Shop::rows(Table::Customers, born - 1),
        }
    }

    /// How many items an order has: each of one to four in each block of four orders.
    fn items_of(&self, order: u64) -> u64 {
        let turn = self.dice(Table::Orders, order / ORDERS_PER_BLOCK, 1).below(ORDERS_PER_BLOCK);
        1 + (order + turn) % ORDERS_PER_BLOCK
    }

    /// Product, quantity and price of an item.
    fn item(&self, order: u64, line: u64) -> (u64, i64, i64) {
        let mut dice = self.dice(Table::OrderItems, order * ORDERS_PER_BLOCK + line, 0);
        let (products, _) = Table::Products.size();
        let product = dice.below(products);
        let quantity = 1 + dice.below(3) as i64 + if dice.percent(5) { dice.below(20) as i64 } else { 0 };
        (product, quantity, self.price(product, 1))
    }

    fn order_item(&self, index: u64, row: &mut Row) {
        let mut order = index / ITEMS_PER_BLOCK * ORDERS_PER_BLOCK;
        let mut line = index % ITEMS_PER_BLOCK;
        while line >= self.items_of(order) {
            line -= self.items_of(order);
            order += 1;
        }
        let (product, quantity, price) = self.item(order, line);
        row.push(Cell::Int(order as i64 + 1));
        row.push(Cell::Int(line as i64 + 1));
        row.push(Cell::Int(product as i64 + 1));
        row.push(Cell::Int(quantity));
        row.push(Cell::Cents(price));
    }

    fn order(&self, index: u64, round: u32, row: &mut Row) {
        let table = Table::Orders;
        let version = Shop::version(table, index, round);
        let mut dice = self.dice(table, index, 0);
        row.push(Cell::Int(index as i64 + 1));
        row.push(Cell::Int(1 + dice.below(self.customers_before(table, index)) as i64));
        let new = version == Shop::born(table, index);
        let status = match new {
            true => dice.of(&["paid", "paid", "shipped", "delivered", "delivered", "delivered", "cancelled"]),
            false => dice.of(&["delivered", "delivered", "delivered", "returned"]),
        };
        row.push(Cell::Word(status));
        let total = (0..self.items_of(index))
            .map(|line| {
                let (_, quantity, price) = self.item(index, line);
                quantity * price
            })
            .sum();
        row.push(Cell::Cents(total));
        let notes = [
            "Bitte klingeln",
            "Leave with the neighbour, please",
            "Geschenk 🎁",
            "ring \"twice\"\nthank you",
        ];
        let note = dice.of(&notes);
        row.push(if dice.percent(6) { Cell::Word(note) } else { Cell::Null });
        row.push(Cell::Instant(self.born_at(table, index)));
        row.push(Cell::Instant(self.changed_at(table, index, round)));
        // Only orders that changed since the column exists have a channel.
        row.push(if version >= GROWTH_ROUND { Cell::Word(dice.of(&CHANNELS)) } else { Cell::Null });
    }

    /// The price of a product in cents; from the second version on it has moved by up to five percent.
    fn price(&self, index: u64, version: u32) -> i64 {
        let base = 49 + 10 * self.dice(Table::Products, index, 0).below(480) as i64;
        if version == 1 {
            return base;
        }
        base + base * (self.dice(Table::Products, index, version).below(11) as i64 - 5) / 100
    }

    fn product(&self, index: u64, round: u32, row: &mut Row) {
        let table = Table::Products;
        let version = Shop::version(table, index, round);
        let mut dice = self.dice(table, index, 0);
        let (category, nouns) = CATEGORIES[index as usize % CATEGORIES.len()];
        let noun = nouns[index as usize / CATEGORIES.len() % nouns.len()];
        let variant = VARIANTS[index as usize / (CATEGORIES.len() * nouns.len()) % VARIANTS.len()];
        row.push(Cell::Int(index as i64 + 1));
        row.write(format_args!("{}-{:04}", category.get(..3).unwrap_or(category), index + 1));
        row.write(format_args!("{noun} {variant}"));
        row.push(Cell::Word(category));
        let (base, growth) = table.size();
        let mistake = base + growth * u64::from(MISTAKE_ROUND - 2);
        row.push(match index == mistake {
            true => Cell::Word("N/A"),
            false => Cell::Cents(self.price(index, version)),
        });
        let size = dice.of(&SIZES);
        row.push(if dice.percent(90) { Cell::Word(size) } else { Cell::Null });
        let (origin, one, two) = (dice.of(&ORIGINS), dice.of(&TAGS), dice.of(&TAGS));
        let (organic, weight) = (dice.percent(30), 50 + dice.below(2_000));
        let (width, height) = (5 + dice.below(40), 5 + dice.below(60));
        row.write(format_args!(
            r#"{{"origin":"{origin}","organic":{organic},"weight_g":{weight},"box":{{"width_cm":{width},"height_cm":{height}}},"tags":["{one}","{two}"]}}"#
        ));
        row.push(Cell::Int(match index == BULK_PRODUCT && version >= GROWTH_ROUND {
            true => 3_000_000_000 + i64::from(version),
            false => self.dice(table, index, version).below(900) as i64,
        }));
        row.push(Cell::Instant(self.changed_at(table, index, round)));
    }
}

/// A name as it stands in an e-mail address.
fn ascii(name: &str, into: &mut String) {
    for character in name.chars().flat_map(char::to_lowercase) {
        match character {
            'ä' => into.push_str("ae"),
            'ö' => into.push_str("oe"),
            'ü' => into.push_str("ue"),
            'ß' => into.push_str("ss"),
            'é' | 'ë' => into.push('e'),
            'ı' => into.push('i'),
            'ł' => into.push('l'),
            'a'..='z' | '-' => into.push(character),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(table: Table, index: u64, round: u32) -> (Vec<Cell>, String) {
        let mut row = Row::default();
        Shop { seed: 7 }.fill(table, index, round, &mut row);
        (row.cells, row.text)
    }

    #[test]
    fn a_row_is_a_function_of_seed_round_and_number() {
        for table in Table::ALL {
            assert_eq!(row(table, 5, 1), row(table, 5, 1));
            let mut other = Row::default();
            Shop { seed: 8 }.fill(table, 5, 1, &mut other);
            assert_ne!((other.cells, other.text), row(table, 5, 1));
            let cells = row(table, 5, 3).0;
            assert_eq!(cells.len(), table.columns(GROWTH_ROUND).len(), "{}", table.name());
        }
    }

    #[test]
    fn the_shop_has_the_promised_size() {
        let total: u64 = Table::ALL.into_iter().map(|table| Shop::rows(table, 1)).sum();
        assert_eq!(total, 61_240);
    }

    #[test]
    fn a_row_changes_exactly_when_its_time_does() {
        let shop = Shop { seed: 7 };
        for table in Table::ALL {
            for round in 2..4 {
                let (mut changed, rows) = (0, Shop::rows(table, round - 1));
                for index in 0..rows {
                    let (before, after) = (row(table, index, round - 1), row(table, index, round));
                    let moved = shop.changed_at(table, index, round) > round_end(round - 1);
                    assert_eq!(moved, before != after, "{} {index} round {round}", table.name());
                    changed += u64::from(moved);
                }
                match table {
                    Table::Events | Table::OrderItems => assert_eq!(changed, 0),
                    _ => assert!((rows * 2..=rows * 4).contains(&(changed * 100)), "{changed} of {rows}"),
                }
                for index in rows..Shop::rows(table, round) {
                    let at = shop.changed_at(table, index, round);
                    assert!(round_end(round - 1) < at && at <= round_end(round));
                }
            }
        }
    }

    #[test]
    fn orders_add_up_to_their_items() {
        let (orders, items) = (Shop::rows(Table::Orders, 3), Shop::rows(Table::OrderItems, 3));
        let mut totals = vec![0i64; orders as usize];
        for index in 0..items {
            let (cells, _) = row(Table::OrderItems, index, 3);
            let [Cell::Int(order), _, Cell::Int(product), Cell::Int(quantity), Cell::Cents(price)] =
                cells[..]
            else {
                panic!("{cells:?}");
            };
            assert!(product as u64 <= Shop::rows(Table::Products, 1));
            totals[order as usize - 1] += quantity * price;
        }
        for index in 0..orders {
            let (cells, _) = row(Table::Orders, index, 3);
            assert_eq!(cells[3], Cell::Cents(totals[index as usize]));
            let Cell::Int(customer) = cells[1] else { panic!("{cells:?}") };
            assert!(customer as u64 <= Shop::rows(Table::Customers, Shop::born(Table::Orders, index)));
        }
    }
}

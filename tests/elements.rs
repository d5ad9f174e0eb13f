//! Lists inside of an API's rows as tables of their own, with the real program into every destination: orders whose lines
//! become more, fewer and none, while the program is killed.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use anyhow::{Context as _, Result, ensure};
use e2e::program::{Project, built_program, said};
use e2e::target::{NAME, Target};
use serde_json::{Value, json};
use syncline_testkit::http::{Answer, HttpServer, Request};
use syncline_testkit::{Database, PostgresServer};

const MANIFEST: &str = r##"
version: 6.0.0
type: DeclarativeSource
check: {type: CheckStream, stream_names: [orders]}
streams:
  - type: DeclarativeStream
    name: orders
    primary_key: [id]
    retriever:
      type: SimpleRetriever
      requester: {type: HttpRequester, url_base: "{{ config['url'] }}", path: /orders, http_method: GET}
      record_selector: {type: RecordSelector, extractor: {type: DpathExtractor, field_path: [data]}}
      paginator:
        type: DefaultPaginator
        page_token_option: {type: RequestOption, inject_into: request_parameter, field_name: page}
        pagination_strategy: {type: PageIncrement, page_size: 20, start_from_page: 1, inject_on_first_request: true}
    incremental_sync:
      type: DatetimeBasedCursor
      cursor_field: updated_at
      datetime_format: "%Y-%m-%dT%H:%M:%SZ"
      start_datetime: "2024-01-01T00:00:00Z"
      start_time_option: {type: RequestOption, inject_into: request_parameter, field_name: since}
    schema_loader:
      type: InlineSchemaLoader
      schema:
        type: object
        properties:
          id: {type: integer}
          updated_at: {type: string, format: date-time}
          lines: {type: array, items: {type: object, properties: {sku: {type: string}}}}
  - type: DeclarativeStream
    name: notes
    retriever:
      type: SimpleRetriever
      requester: {type: HttpRequester, url_base: "{{ config['url'] }}", path: /orders, http_method: GET}
      record_selector: {type: RecordSelector, extractor: {type: DpathExtractor, field_path: [data]}}
    schema_loader: {type: InlineSchemaLoader, schema: {type: object, properties: {lines: {type: array}}}}
spec:
  type: Spec
  connection_specification: {type: object, properties: {url: {type: string}}}
"##;

/// Two ways of keeping the lines: merged by what changed, and replaced as a whole, together with the orders.
const CONNECTIONS: [(&str, &str); 3] = [
    ("merged", "  - name: orders__lines\n    mode: merge\n    cursor: _parent_updated_at\n"),
    ("whole", "  - name: orders\n    mode: replace\n  - name: orders__lines\n    mode: replace\n"),
    ("versions", "  - name: orders__lines\n    mode: history\n    cursor: _parent_updated_at\n"),
];

/// Orders by id: which version they are of, and how many lines they have.
#[derive(Default)]
struct Orders {
    all: Mutex<BTreeMap<u64, (u64, u64)>>,
    requests: AtomicUsize,
    /// Counts the changes, each a minute later than the one before.
    minutes: AtomicUsize,
}

impl Orders {
    /// The order changes, to so many lines.
    fn set(&self, id: u64, lines: u64) {
        let minute = self.minutes.fetch_add(1, Ordering::Relaxed) as u64;
        self.all.lock().unwrap().insert(id, (minute, lines));
    }

    fn answer(&self, request: &Request) -> Answer {
        self.requests.fetch_add(1, Ordering::Relaxed);
        let query = request.target.split_once('?').map_or("", |(_, query)| query);
        let parameter = |name: &str| {
            let value = query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
            value.unwrap_or_default().replace("%3A", ":")
        };
        let page: usize = parameter("page").parse().unwrap_or(1);
        let since = parameter("since");
        let orders = self.all.lock().unwrap().clone();
        let order = |(id, (version, lines)): (u64, (u64, u64))| {
            let lines: Vec<Value> = (0..lines).map(|at| json!({"sku": sku(version, at)})).collect();
            let days = version / 1440;
            let at = format!(
                "2024-{:02}-{:02}T{:02}:{:02}:00Z",
                1 + days / 28,
                1 + days % 28,
                version / 60 % 24,
                version % 60
            );
            json!({"id": id, "updated_at": at, "lines": lines})
        };
        let rows = orders.into_iter().map(order).filter(|order| order["updated_at"].as_str() >= Some(&since));
        let rows: Vec<Value> = rows.skip((page - 1) * 20).take(20).collect();
        Answer::json(&json!({"data": rows}))
    }

    /// What readers should see of the lines.
    fn lines(&self) -> Vec<String> {
        let orders = self.all.lock().unwrap();
        let each = orders.iter().flat_map(|(id, (version, lines))| {
            (0..*lines).map(move |at| format!("{id}.{at} {}", sku(*version, at)))
        });
        let mut lines: Vec<String> = each.collect();
        lines.sort_unstable();
        lines
    }
}

/// A line says which version of its order it is of.
fn sku(version: u64, at: u64) -> String {
    format!("v{version}-{at}")
}

struct Shop {
    orders: Arc<Orders>,
    project: Project,
    target: Target,
    database: Database,
    server: HttpServer,
}

impl Shop {
    async fn open(target: Target) -> Result<Shop> {
        let orders = Arc::new(Orders::default());
        let served = Arc::clone(&orders);
        let server = HttpServer::start(move |request| served.answer(&request)).await?;
        let database = PostgresServer::shared().await.create_database().await?;
        let project = Project::with_source(&built_program()?, "", &database.password)?;
        std::fs::remove_file(project.folder().join("sources/source.yaml"))?;
        project.write(&format!("destinations/{NAME}.yaml"), &target.yaml(&database))?;
        project.write("order-api.yaml", MANIFEST)?;
        let shop = Shop { orders, project, target, database, server };
        let file = shop.project.folder().join("order-api.yaml");
        shop.says(&["connector", "add", file.to_str().context("a path that is text")?]).await?;
        // As a person does it: by the command line.
        let url = format!("url={}", shop.server.url());
        let unnest = "syncline.unnest=orders.lines";
        shop.says(&["add", "source", "source", "--connector", "order-api", "--set", &url, "--set", unnest])
            .await?;
        for (name, tables) in CONNECTIONS {
            let text = format!("source: source\ndestination: {NAME}\nschema: {name}\ntables:\n{tables}");
            shop.project.write(&format!("connections/{name}.yaml"), &text)?;
        }
        Ok(shop)
    }

    /// Runs the program, which must succeed; what it said.
    async fn says(&self, arguments: &[&str]) -> Result<String> {
        let output = self.project.command(arguments).output().await?;
        ensure!(output.status.success(), "{arguments:?} ended with {}: {}", output.status, said(&output));
        Ok(said(&output))
    }

    /// The lines of a connection that readers see.
    async fn lines(&self, connection: &str) -> Result<Vec<String>> {
        let seen = match connection {
            "merged" => "where _syncline_deleted is not true",
            "versions" => "where _syncline_current",
            _ => "",
        };
        let query = format!("select concat(_parent_id, '.', _position, ' ', sku) from {{table}} {seen}");
        self.target.rows(&self.project, &self.database, (connection, "orders_lines"), &query).await
    }

    /// Runs all connections; readers must see what the API has.
    async fn follows(&self) -> Result<()> {
        for (name, _) in CONNECTIONS {
            self.project.run(name).await?;
            let (seen, expected) = (self.lines(name).await?, self.orders.lines());
            ensure!(seen == expected, "{} {name}: {seen:?} instead of {expected:?}", self.target);
        }
        Ok(())
    }

    /// Begins to run a connection and kills the program once it has asked so many times.
    async fn killed_after(&self, connection: &str, requests: usize) -> Result<()> {
        let before = self.orders.requests.load(Ordering::Relaxed);
        let mut child = self.project.command(&["run", connection, "--yes"]).spawn()?;
        while self.orders.requests.load(Ordering::Relaxed) < before + requests && child.try_wait()?.is_none()
        {
            tokio::task::yield_now().await;
        }
        child.kill().await.context("the program cannot be killed")
    }
}

async fn shrinks(target: Target) -> Result<()> {
    let shop = Shop::open(target).await?;
    for id in 1..=50 {
        shop.orders.set(id, id % 4);
    }
    shop.orders.set(7, 3);
    shop.follows().await?;
    let columns = "select concat(count(distinct _parent_id), ' ', count(lines)) from {table}";
    let with_orders = columns.replace("_parent_id", "id");
    let orders = target.rows(&shop.project, &shop.database, ("whole", "orders"), &with_orders).await?;
    ensure!(orders == ["50 50"], "the parents keep their column: {orders:?}");

    // Three lines become one; the program dies before it is through, and what was there stays until it is.
    let before = shop.lines("merged").await?;
    for id in 1..=50 {
        shop.orders.set(id, u64::from(id % 4 != 0));
    }
    for (name, _) in CONNECTIONS {
        shop.killed_after(name, 2).await?;
    }
    let after = shop.lines("merged").await?;
    ensure!(after == before || after == shop.orders.lines(), "{target}: half of it: {after:?}");
    shop.follows().await?;

    // One becomes none, in a run that has no row to write at all.
    shop.orders.set(7, 0);
    shop.follows().await?;
    ensure!(shop.lines("merged").await?.iter().all(|line| !line.starts_with("7.")));
    shop.follows().await?;
    // And comes back, with more than it ever had.
    shop.orders.set(7, 5);
    shop.follows().await
}

async fn survives(target: Target) -> Result<()> {
    let shop = Shop::open(target).await?;
    for id in 1..=600 {
        shop.orders.set(id, id % 7);
    }
    for round in 0..6_u64 {
        // Each time, a third changes: the lines become more, fewer or none.
        for id in (1..=600).filter(|id| (id + round) % 3 == 0) {
            shop.orders.set(id, (id / 3 + round) % 5);
        }
        shop.killed_after("merged", [1, 31, 12, 25, 5, 18][round as usize]).await?;
    }
    shop.project.run("merged").await?;
    let (seen, expected) = (shop.lines("merged").await?, shop.orders.lines());
    ensure!(seen == expected, "{target}: {} lines instead of {}", seen.len(), expected.len());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_that_are_gone_go() -> Result<()> {
    for target in Target::ALL {
        shrinks(target).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_program_neither_loses_nor_keeps_lines() -> Result<()> {
    for target in Target::ALL {
        survives(target).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_it_does_is_told_before() -> Result<()> {
    let shop = Shop::open(Target::DuckDb).await?;
    shop.orders.set(1, 3);
    let discovered = shop.says(&["discover", "source"]).await?;
    ensure!(discovered.contains("orders__lines"), "{discovered}");
    let plan = shop.says(&["plan", "merged"]).await?;
    ensure!(plan.contains("`orders` is read once more"), "{plan}");
    let preview = shop.says(&["preview", "merged", "orders__lines"]).await?;
    ensure!(preview.contains("v0-2"), "{preview}");

    let set = |unnest: &str| {
        let url = shop.server.url();
        let text =
            format!("connector: order-api\nconfig:\n  url: {url}\n  syncline:\n    unnest: [{unnest}]\n");
        shop.project.write("sources/source.yaml", &text)
    };
    // Told apart by nothing.
    set("notes.lines")?;
    let text = format!("source: source\ndestination: {NAME}\ntables:\n  - name: notes__lines\n");
    shop.project.write("connections/notes.yaml", &text)?;
    let refused = said(&shop.project.command(&["plan", "notes"]).output().await?);
    ensure!(refused.contains("`notes` has no key"), "{refused}");
    // A typing error.
    set("order.lines")?;
    let refused = shop.project.command(&["check", "source"]).output().await?;
    let told = said(&refused);
    ensure!(
        !refused.status.success() && told.contains("`order.lines`") && told.contains("orders, notes"),
        "{told}"
    );
    Ok(())
}

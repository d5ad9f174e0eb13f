use serde_json::{Value, json};

use super::client::{Events, Server};
use crate::support::Shell;

const TABLES: [&str; 5] = ["customers", "events", "order_items", "orders", "products"];

/// A studio with the sample, not yet synced.
struct Studio {
    _shell: Shell,
    server: Server,
    events: Events,
    connection: String,
}

impl Studio {
    fn with_sample() -> Studio {
        let shell = Shell::with_project();
        let server = Server::open(&shell);
        let connection = server.ok("sample.prepare", Value::Null)["connection"].as_str().unwrap().to_owned();
        let events = server.events();
        Studio { _shell: shell, server, events, connection }
    }

    fn run(&mut self) -> Vec<Value> {
        let request = json!({"connection": self.connection, "tables": [], "fingerprint": null});
        let run = self.server.ok("run.start", request)["run"].as_str().unwrap().to_owned();
        self.events.of_run(&run)
    }

    fn receipt(&mut self) -> Value {
        self.run().pop().unwrap()["receipt"].clone()
    }

    fn ok(&self, name: &str, request: Value) -> Value {
        self.server.ok(name, request)
    }

    fn of_connection(&self, name: &str) -> Value {
        self.ok(name, json!({"connection": self.connection}))
    }
}

#[test]
fn from_the_first_launch_to_the_rows() {
    let shell = Shell::with_project();
    let server = Server::open(&shell);
    let project = server.ok("project.info", Value::Null);
    assert_eq!((&project["name"], &project["first_launch"]), (&json!("Test"), &json!(true)));
    assert!(project["secret_store"].as_str().unwrap().contains("SYNCLINE_MASTER_KEY"));
    assert_eq!(server.ok("connections.list", Value::Null), json!([]));

    let mut studio = Studio::with_sample();
    assert_eq!(studio.ok("project.info", Value::Null)["first_launch"], false);
    let listed = studio.ok("connections.list", Value::Null);
    assert_eq!((&listed[0]["health"], &listed[0]["activity"]), (&json!("new"), &json!("idle")));
    assert_eq!(listed[0]["destination"]["title"], "DuckDB");

    let request = json!({"connection": studio.connection, "tables": []});
    let plan = studio.ok("plan.make", request);
    assert!(plan["tables"].as_array().unwrap().iter().all(|table| table["verb"] == "add"), "{plan}");
    let stale = json!({"connection": studio.connection, "tables": [], "fingerprint": "0000000000000000"});
    let run = studio.ok("run.start", stale)["run"].as_str().unwrap().to_owned();
    let refused = studio.events.of_run(&run).pop().unwrap();
    assert_eq!(refused["receipt"]["outcome"], "needs_decision", "another plan than the one shown");

    let approved = json!({"connection": studio.connection, "tables": [], "fingerprint": plan["fingerprint"]});
    let run = studio.ok("run.start", approved)["run"].as_str().unwrap().to_owned();
    let again = studio.server.call("connections.remove", json!({"connection": studio.connection}));
    let events = studio.events.of_run(&run);
    if let Err(error) = again {
        assert_eq!(error["code"], "locked", "a connection is not removed under its run");
    }
    assert_eq!(events[0]["event"], "run_started");
    for table in TABLES {
        let of = |name: &str| {
            events.iter().filter(|event| event["event"] == name && event["table"] == table).count()
        };
        assert_eq!((of("table_started"), of("table_ended")), (1, 1), "{table}");
        assert!(of("committed") >= 1, "{table}");
    }
    let receipt = &events.last().unwrap()["receipt"];
    assert_eq!(receipt["outcome"], "succeeded");
    // What was told is what was kept, at once.
    assert_eq!(studio.ok("run.get", json!({"run": run})), *receipt);

    let runs = studio.ok("runs.list", json!({"connection": studio.connection, "limit": 10}));
    assert_eq!((&runs[0]["rows_written"], &runs[0]["interrupted"]), (&json!(61240), &json!(false)));
    let detail = studio.of_connection("connections.get");
    assert_eq!(detail["summary"]["health"], "healthy");
    assert!(detail["path"].as_str().unwrap().ends_with("studio.duckdb"));
    let customers =
        detail["tables"].as_array().unwrap().iter().find(|table| table["table"] == "customers").unwrap();
    assert_eq!((&customers["mode"]["mode"], &customers["key"]), (&json!("merge"), &json!(["id"])));
    assert_eq!(customers["rows"], customers["last"]["rows_in_destination"]);
}

#[test]
fn data_is_looked_at_before_and_after() {
    let mut studio = Studio::with_sample();
    let preview = studio.ok(
        "preview",
        json!({
            "connection": studio.connection, "table": "products", "rows": 50, "pick": "first", "ticket": "a"
        }),
    );
    assert_eq!(preview["rows"].as_array().unwrap().len(), preview["source_rows"].as_array().unwrap().len());
    assert_eq!(preview["effect"]["verb"], "add");
    let column = |name: &str| {
        let columns = preview["columns"].as_array().unwrap();
        columns
            .iter()
            .find(|column| column["source"] == name)
            .unwrap_or_else(|| panic!("{columns:?}"))
            .clone()
    };
    assert_eq!(column("id")["nulls"], 0);
    let columns = preview["columns"].as_array().unwrap();
    let id = columns.iter().position(|column| column["source"] == "id").unwrap();
    let counted = studio.ok("preview.profile", json!({"sample": preview["sample"], "columns": [id]}));
    assert_eq!(counted[0]["distinct"], 50);
    assert_eq!(counted[0]["histogram"].as_array().unwrap().len(), 24);

    let missing = studio
        .server
        .call("data", json!({"connection": studio.connection, "table": "orders", "offset": 0, "limit": 5}));
    assert_eq!(missing.unwrap_err()["code"], "not_found", "nothing has been synced");
    studio.receipt();
    let window = |offset: u64| {
        studio.ok(
            "data",
            json!({"connection": studio.connection, "table": "orders", "offset": offset, "limit": 100}),
        )
    };
    let (first, second) = (window(0), window(100));
    assert_eq!(first["total"], 9000);
    assert_eq!(first["rows"].as_array().unwrap().len(), 100);
    let ids = |window: &Value| -> Vec<String> {
        let at =
            window["columns"].as_array().unwrap().iter().position(|column| column["name"] == "id").unwrap();
        window["rows"].as_array().unwrap().iter().map(|row| row[at].as_str().unwrap().to_owned()).collect()
    };
    let mut all: Vec<_> = [ids(&first), ids(&second)].concat();
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 200, "windows do not overlap");

    let schema = studio.ok("sql.schema", json!({"destination": "studio"}));
    let names: Vec<_> =
        schema.as_array().unwrap().iter().map(|table| table["table"].as_str().unwrap()).collect();
    assert!(TABLES.iter().all(|table| names.contains(table)), "{names:?}");
    let sql =
        |sql: &str| studio.server.call("sql.run", json!({"destination": "studio", "sql": sql, "limit": 3}));
    let answer = sql("select id, ordered_at from orders order by id desc; ").unwrap();
    let ids: Vec<_> = answer["rows"].as_array().unwrap().iter().map(|row| row[0].clone()).collect();
    assert_eq!(
        (ids, &answer["truncated"]),
        (vec![json!("9000"), json!("8999"), json!("8998")], &json!(true))
    );
    assert_eq!(answer["columns"][0]["name"], "id");
    let exact = sql("select 9007199254740993::bigint, 0.1::decimal(38,20), null, 'x' -- why not").unwrap();
    assert_eq!(exact["rows"][0], json!(["9007199254740993", "0.10000000000000000000", null, "x"]));
    let wrong = sql("select nope from orders").unwrap_err();
    assert_eq!(wrong["code"], "config");
    assert!(wrong["message"].as_str().unwrap().contains("nope"), "{wrong}");
    for writes in [
        "drop table orders",
        "select 1; drop table orders",
        "copy orders to 'x.csv'",
        "select 1) ; drop table orders; --",
    ] {
        assert!(
            ["unsupported", "config"].contains(&sql(writes).unwrap_err()["code"].as_str().unwrap()),
            "{writes}"
        );
    }
    assert_eq!(sql("select count(*) from orders").unwrap()["rows"][0][0], "9000");
    assert!(!sql("explain select 1").unwrap()["rows"].as_array().unwrap().is_empty());
}

#[test]
fn changes_and_rejected_rows_wait_for_a_person() {
    let mut studio = Studio::with_sample();
    assert_eq!(studio.receipt()["outcome"], "succeeded");
    assert_eq!(studio.ok("inbox.list", Value::Null), json!([]));
    // The second round brings a new column and a wider type, the third a row that does not fit.
    assert_eq!(studio.receipt()["outcome"], "succeeded");
    let inbox = studio.ok("inbox.list", Value::Null);
    let kinds: Vec<_> =
        inbox.as_array().unwrap().iter().map(|entry| entry["drift"]["kind"].clone()).collect();
    assert!(kinds.contains(&json!("new_column")) && kinds.contains(&json!("widened_type")), "{inbox}");
    assert!(inbox.as_array().unwrap().iter().all(|entry| entry["harmless"] == true));
    assert_eq!(studio.receipt()["outcome"], "succeeded_with_rejected");
    assert_eq!(studio.ok("inbox.list", Value::Null).as_array().unwrap().len(), kinds.len());

    let column =
        inbox.as_array().unwrap().iter().find(|entry| entry["drift"]["kind"] == "new_column").unwrap();
    let decided = studio.ok("inbox.decide", json!({"ids": [column["id"]], "choice": "ignore"}));
    // Taken back, it is as if nothing was decided; decided again, it is.
    assert_eq!(studio.ok("inbox.list", Value::Null).as_array().unwrap().len(), kinds.len() - 1);
    studio.ok("inbox.undo", json!({"entries": decided["entries"]}));
    let back = studio.ok("inbox.list", Value::Null);
    let names = |list: &Value| -> Vec<Value> {
        list.as_array().unwrap().iter().map(|entry| entry["id"].clone()).collect()
    };
    assert_eq!(names(&back), names(&inbox));
    assert_eq!(back[0]["runs_since"], 1, "the run after the one that found it");
    let again = studio.server.call("inbox.undo", json!({"entries": decided["entries"]}));
    assert_eq!(again.unwrap_err()["code"], "conflict");
    studio.ok("inbox.decide", json!({"ids": [column["id"]], "choice": "ignore"}));
    let others: Vec<_> = inbox
        .as_array()
        .unwrap()
        .iter()
        .filter(|entry| entry["id"] != column["id"])
        .map(|entry| entry["id"].clone())
        .collect();
    studio.ok("inbox.decide", json!({"ids": others, "choice": "apply"}));
    assert_eq!(studio.ok("inbox.list", Value::Null), json!([]));
    let config = studio.of_connection("connections.get")["config"].clone();
    let table = config["tables"]
        .as_array()
        .unwrap()
        .iter()
        .find(|table| table["name"] == column["drift"]["table"])
        .unwrap();
    let left_out = &table["column_rules"][column["drift"]["column"].as_str().unwrap()]["exclude"];
    assert_eq!(*left_out, json!(true), "{table}");

    let listed = studio.ok("connections.list", Value::Null);
    assert_eq!(listed[0]["quarantined"], 1);
    let rows = studio.ok("quarantine.list", json!({"connection": studio.connection, "limit": 10}));
    let row = &rows[0];
    assert!(row["value"].is_string() && row["reason"].is_string(), "{row}");
    let replay = |values: Value| json!({"connection": studio.connection, "table": row["table"], "ids": [row["id"]], "values": values});
    let kept = studio.ok("quarantine.replay", replay(json!({})));
    assert_eq!((&kept["loaded"], &kept["kept"][0][0]), (&json!(0), &row["id"]));
    let column = row["column"].as_str().unwrap();
    assert_eq!(studio.ok("quarantine.replay", replay(json!({column: "9.99"})))["loaded"], 1);
    assert_eq!(
        studio.ok("quarantine.list", json!({"connection": studio.connection, "limit": 10})),
        json!([])
    );
    assert_eq!(studio.ok("connections.list", Value::Null)[0]["quarantined"], 0);

    let timeline = studio.ok("timeline", json!({"connection": studio.connection, "limit": 50}));
    let kinds: Vec<_> =
        timeline.as_array().unwrap().iter().map(|entry| entry["kind"].as_str().unwrap()).collect();
    let told = ["replay", "decision", "undone", "drift", "change"];
    assert!(told.iter().all(|kind| kinds.contains(kind)), "{timeline}");
    // The decision changed the configuration: what exactly is kept.
    let change = timeline.as_array().unwrap().iter().find(|entry| !entry["diff"].is_null()).unwrap();
    let diff = studio.ok("config.diff", change["diff"].clone());
    let lines = diff["lines"].as_array().unwrap();
    let added =
        |line: &&Value| line["sign"] == "added" && line["text"].as_str().unwrap().contains("exclude: true");
    assert_eq!(lines.iter().filter(added).count(), 1, "{diff}");
    let reliability = studio.ok("runs.reliability", json!({"connection": studio.connection, "days": 30}));
    assert_eq!((&reliability["runs"], &reliability["succeeded"]), (&json!(3), &json!(3)));
}

#[test]
fn a_rejected_row_can_be_let_go() {
    let mut studio = Studio::with_sample();
    (0..3).for_each(|_| drop(studio.receipt()));
    let rows = studio.ok("quarantine.list", json!({"connection": studio.connection, "limit": 10}));
    let request = json!({"connection": studio.connection, "table": rows[0]["table"], "ids": [rows[0]["id"]]});
    assert_eq!(studio.ok("quarantine.accept", request.clone())["removed"], 1);
    assert_eq!(studio.ok("quarantine.accept", request)["removed"], 0);
    assert_eq!(
        studio.ok("quarantine.list", json!({"connection": studio.connection, "limit": 10})),
        json!([])
    );
    // The position of the table did not move.
    assert_eq!(studio.receipt()["outcome"], "succeeded");
}

#[test]
fn connectors_say_what_they_need() {
    let shell = Shell::with_project();
    let server = Server::open(&shell);
    let connectors = server.ok("connectors.list", Value::Null);
    let postgres =
        connectors.as_array().unwrap().iter().find(|connector| connector["name"] == "postgres").unwrap();
    assert_eq!((&postgres["source"], &postgres["destination"]), (&json!(true), &json!(true)));
    let form = server.ok("connectors.form", json!({"connector": "postgres", "side": "source"}));
    let field = |path: &str| {
        let path: Vec<_> = path.split('.').collect();
        form["fields"].as_array().unwrap().iter().find(|field| field["path"] == json!(path)).unwrap().clone()
    };
    assert_eq!(
        (&field("password")["control"], &field("ssh")["control"]),
        (&json!("secret"), &json!("switch"))
    );
    assert_eq!(field("ssh.private_key")["condition"], json!({"path": ["ssh"], "equals": true}));
    assert_eq!(field("port")["default"], 5432);
    let address = server.ok(
        "connectors.address",
        json!({"address": "postgres://me:hunter2@db.example.com/shop", "side": "source"}),
    );
    assert_eq!(
        (&address["connector"], &address["values"]["host"]),
        (&json!("postgres"), &json!("db.example.com"))
    );
    assert!(!address.to_string().contains("hunter2"));
}

#[test]
fn a_password_goes_into_the_vault_and_never_comes_back() {
    let shell = Shell::with_project();
    let server = Server::open(&shell);
    let pg = json!({"side": "source", "name": "pg", "connector": "postgres",
        "config": {"host": "127.0.0.1", "port": 1, "database": "shop", "user": "me"}, "secrets": {"password": "hunter2"}});
    let saved = server.ok("systems.save", pg.clone());
    assert_eq!(saved["summary"], "shop@127.0.0.1:1");
    let file = std::fs::read_to_string(shell.path().join("sources/pg.yaml")).unwrap();
    assert!(file.contains("${secret:source_pg_password}") && !file.contains("hunter2"), "{file}");
    let detail = server.ok("systems.get", json!({"side": "source", "name": "pg"}));
    assert_eq!(detail["secrets"], json!(["password"]));
    assert!(!detail.to_string().contains("hunter2"));
    let mut plain = pg.clone();
    plain["config"]["password"] = json!("hunter2");
    let refused = server.call("systems.save", plain).unwrap_err();
    assert!(!refused.to_string().contains("hunter2"), "{refused}");

    // A secret that is taken out of the settings goes out of the vault, too.
    assert_eq!(shell.ok(&["secret", "list"]), "source_pg_password\n");
    let mut cleared = pg.clone();
    cleared["secrets"] = json!({});
    server.ok("systems.save", cleared);
    assert_eq!(server.ok("systems.get", json!({"side": "source", "name": "pg"}))["secrets"], json!([]));
    assert_eq!(shell.ok(&["secret", "list"]).trim(), "");

    // What fails because of the settings of one end says which one it is.
    let other = json!({"source": "pg", "destination": "gone", "tables": [{"name": "public.a"}]});
    server.ok("systems.save", json!({"side": "destination", "name": "gone", "connector": "duckdb", "config": {"path": "gone.duckdb"}, "secrets": {}}));
    server.ok("connections.save", json!({"connection": "away", "config": other}));
    let failed = server.call("plan.make", json!({"connection": "away", "tables": []})).unwrap_err();
    assert_eq!(failed["side"], "source", "{failed}");
    server.ok("connections.remove", json!({"connection": "away"}));

    // Nothing listens there: the steps say so as they end.
    let mut events = server.events();
    let mut check = pg;
    check.as_object_mut().unwrap().remove("name");
    check["check"] = json!("c1");
    let result = server.ok("systems.check", check);
    assert_eq!(result["outcome"], "not_ready");
    let step = loop {
        let event = events.next().unwrap();
        if event["event"] == "check_step" {
            break event;
        }
    };
    assert_eq!((&step["check"], &step["step"]), (&json!("c1"), &result["steps"][0]));
    assert!(!result.to_string().contains("hunter2"));
    server.ok("systems.remove", json!({"side": "source", "name": "pg"}));
}

/// A source of the sample and a folder of Parquet files, not connected.
fn shop_and_lake(server: &Server) {
    server.ok(
        "systems.save",
        json!({"side": "source", "name": "shop", "connector": "sample", "config": {}, "secrets": {}}),
    );
    server.ok("systems.save", json!({"side": "destination", "name": "lake", "connector": "parquet", "config": {"path": "lake"}, "secrets": {}}));
}

#[test]
fn tables_are_found_with_suggestions() {
    let shell = Shell::with_project();
    let server = Server::open(&shell);
    shop_and_lake(&server);
    let found = server.ok("discover", json!({"source": "shop", "refresh": false}));
    let names: Vec<_> =
        found.as_array().unwrap().iter().map(|table| table["table"].as_str().unwrap()).collect();
    assert_eq!(names, TABLES);
    let email = &found[0]["columns"]
        .as_array()
        .unwrap()
        .iter()
        .find(|column| column["name"] == "email")
        .unwrap()["personal"];
    assert_eq!(email["kind"], "e-mail");
    assert!(found[0]["suggested"]["cursor"].is_string(), "{}", found[0]["suggested"]);
    let hits =
        server.ok("tables.search", json!({"source": "shop", "query": "email", "offset": 0, "limit": 10}));
    assert_eq!((&hits["matching_tables"], &hits["tables"][0]["columns"][0]), (&json!(1), &json!("email")));
}

#[test]
fn a_connection_is_made_changed_paused_and_removed() {
    let shell = Shell::with_project();
    let server = Server::open(&shell);
    let mut events = server.events();
    shop_and_lake(&server);
    let save = |tables: Value| {
        server.call("connections.save", json!({"connection": "nightly", "config": {"source": "shop", "destination": "lake", "tables": tables}}))
    };
    assert_eq!(save(json!([])).unwrap_err()["code"], "config");
    assert_eq!(save(json!([{"name": "customers", "mode": "sideways"}])).unwrap_err()["code"], "config");
    save(json!([{"name": "customers", "mode": "merge", "cursor": "updated_at"}])).unwrap();
    assert_eq!(
        server.call("systems.remove", json!({"side": "source", "name": "shop"})).unwrap_err()["code"],
        "config"
    );

    let hits = server.ok("search", json!({"text": "cust", "limit": 10}));
    assert!(hits.as_array().unwrap().iter().any(|hit| hit["what"]["kind"] == "table"), "{hits}");
    server.ok("connections.pause", json!({"connection": "nightly", "paused": true}));
    assert_eq!(server.ok("connections.list", Value::Null)[0]["health"], "paused");
    let run =
        server.ok("run.start", json!({"connection": "nightly", "tables": [], "fingerprint": null}))["run"]
            .clone();
    let ended = events.of_run(run.as_str().unwrap()).pop().unwrap();
    assert_eq!(ended["receipt"]["outcome"], "succeeded");
    assert_eq!(
        server.ok("connections.list", Value::Null)[0]["health"],
        "healthy",
        "starting it ends the pause"
    );

    // A destination that cannot be asked in SQL is read by way of the contract.
    let data =
        server.ok("data", json!({"connection": "nightly", "table": "customers", "offset": 2, "limit": 3}));
    assert_eq!(data["rows"].as_array().unwrap().len(), 3);
    assert!(data["total"].as_u64().unwrap() > 1000);
    assert_eq!(
        server.call("sql.run", json!({"destination": "lake", "sql": "select 1", "limit": 1})).unwrap_err()["code"],
        "unsupported"
    );

    let lines = |level: Value, stage: Value| json!({"run": run, "level": level, "stage": stage});
    let log = |only: Value, lines: Value| {
        server.ok("run.log", json!({"lines": lines, "from": 0, "limit": 100, "only": only}))
    };
    let all = log(Value::Null, lines(Value::Null, Value::Null));
    assert!(all["lines"][0]["text"].as_str().unwrap().contains("began"), "{all}");
    let durable = json!({"text": "DURABLE", "expression": false});
    assert_eq!(log(durable.clone(), lines(Value::Null, json!("write")))["lines"][0]["table"], "customers");
    assert_eq!(log(Value::Null, lines(json!("warn"), Value::Null))["total"], 0);
    let lines = lines(Value::Null, Value::Null);
    let found = server.ok(
        "run.log.find",
        json!({"lines": lines, "search": durable, "errors": false, "near": 1, "backwards": true}),
    );
    assert_eq!(found["hit"]["ordinal"], found["total"], "backwards from the beginning is the last one");

    server.ok("settings.save", json!({"fresh_within_minutes": 1440}));
    assert_eq!(server.ok("settings.get", Value::Null)["fresh_within_minutes"], 1440);
    server.ok("drafts.save", json!({"name": "half", "content": {"step": "tables"}}));
    assert_eq!(server.ok("drafts.list", Value::Null)[0]["content"]["step"], "tables");
    server.ok("drafts.remove", json!({"name": "half"}));
    assert_eq!(server.ok("drafts.list", Value::Null), json!([]));
    server.ok("connections.remove", json!({"connection": "nightly"}));
    assert_eq!(server.ok("connections.list", Value::Null), json!([]));
    assert!(shell.path().join("lake").exists(), "what was loaded stays");
}

#[test]
fn a_run_is_stopped_and_goes_on() {
    let mut studio = Studio::with_sample();
    let start = json!({"connection": studio.connection, "tables": [], "fingerprint": null});
    let run = studio.ok("run.start", start.clone())["run"].clone();
    let second = studio.server.call("run.start", start);
    if let Err(error) = second {
        assert_eq!(error["code"], "locked", "never two runs of a connection");
    }
    // Whoever comes late is told where it stands, or that it has ended.
    let _ = studio.server.call("run.pause", json!({"run": run}));
    let mut late = studio.server.events();
    let ended = studio.events.of_run(run.as_str().unwrap()).pop().unwrap();
    assert!(["stopped", "succeeded"].contains(&ended["receipt"]["outcome"].as_str().unwrap()));
    assert_eq!(studio.server.call("run.stop", json!({"run": run})).unwrap_err()["code"], "not_found");
    let receipt = studio.receipt();
    assert_eq!(receipt["outcome"], "succeeded");
    let total: u64 = receipt["tables"]
        .as_array()
        .unwrap()
        .iter()
        .map(|table| table["rows_in_destination"].as_u64().unwrap())
        .sum();
    assert!(total >= 61240, "{total}");
    late.of_run(receipt["run"].as_str().unwrap());
}

use crate::support::Shell;

const CANARY: &str = "canary-4711-geheim";

/// `add source NAME --connector CONNECTOR` with settings.
fn add<'a>(name: &'a str, connector: &'a str, settings: &[&'a str]) -> Vec<&'a str> {
    let mut arguments = vec!["add", "source", name, "--connector", connector];
    settings.iter().for_each(|setting| arguments.extend(["--set", setting]));
    arguments
}

const POSTGRES: [&str; 5] = ["host=db.example", "database=shop", "user=me", "port=5433", "ssl.mode=require"];

#[test]
fn flags_become_a_file() {
    let mut shell = Shell::with_project();
    shell.set("SHOP_PASSWORD", CANARY);
    let settings = [&POSTGRES[..], &["password=${env:SHOP_PASSWORD}"]].concat();
    shell.ok(&add("shop", "postgres", &settings));
    insta::assert_snapshot!(shell.read("sources/shop.yaml"), @r"
    # yaml-language-server: $schema=../.syncline/schemas/source.schema.json
    connector: postgres
    config:
      host: db.example
      database: shop
      user: me
      port: 5433
      ssl:
        mode: require
      password: ${env:SHOP_PASSWORD}
    ");
    insta::assert_snapshot!(shell.fails(&add("shop", "postgres", &settings)), @r"
    exit 2
    ✗ There is already a source called `shop`.
      It was left as it is.
      1. Choose another name, or add --replace.
    ");
}

#[test]
fn a_plain_secret_on_the_command_line_is_refused() {
    let shell = Shell::with_project();
    let canary = format!("password={CANARY}");
    let said = shell.fails(&add("shop", "postgres", &[&POSTGRES[..], &[&canary]].concat()));
    assert!(!said.contains(CANARY));
    insta::assert_snapshot!(said, @r"
    exit 2
    ✗ `password` is a secret and cannot be given in plain text on the command line.
      Nothing was stored. The value may stand in the history of your shell: change it if it is real.
      1. Leave it out and type it when you are asked, or store it with `syncline secret set shop_password`.
      2. Then: --set 'password=${secret:shop_password}'. From the environment: --set 'password=${env:NAME}'.
    ");
    assert!(!shell.path().join("sources/shop.yaml").exists());
}

#[test]
fn the_password_of_an_address_goes_into_the_vault() {
    let shell = Shell::with_project();
    let url = format!("postgres://me:{CANARY}@db.example:5433/shop?sslmode=verify-full");
    let said = shell.run(&["-vv", "add", "source", "shop", "--from-url", &url]);
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(!said.out.contains(CANARY) && !said.err.contains(CANARY));
    assert_eq!(shell.ok(&["secret", "list"]), "shop_password\n");
    insta::assert_snapshot!(shell.read("sources/shop.yaml"), @r"
    # yaml-language-server: $schema=../.syncline/schemas/source.schema.json
    connector: postgres
    config:
      host: db.example
      port: 5433
      user: me
      password: ${secret:shop_password}
      database: shop
      ssl:
        mode: verify_full
    ");
}

#[test]
fn mistakes_in_settings_are_named() {
    let shell = Shell::with_project();
    insta::assert_snapshot!(shell.fails(&add("shop", "postgres", &["hots=x"])), @r"
    exit 2
    ✗ There is no setting called `hots`.
      Nothing was read or written.
      1. Use one of: host, port, database, user, password, ssl, ssh, statement_timeout_seconds, connect_timeout_seconds, parallel.
    ");
    insta::assert_snapshot!(shell.fails(&add("shop", "postgres", &["port=soon"])), @r"
    exit 2
    ✗ The setting `port` takes a whole number.
      Nothing was read or written.
      1. Correct the setting that is named above.
    ");
    insta::assert_snapshot!(shell.fails(&add("shop", "postgres", &["host=x"])), @r"
    exit 2
    ✗ The settings of this PostgreSQL connection are not valid: missing field `database`.
      The file was not written.
      1. Correct the setting that is named above.
    ");
    insta::assert_snapshot!(shell.fails(&add("shop", "duckdb", &["path=x"])), @r"
    exit 2
    ✗ DuckDB cannot be used as a source.
      Nothing was read or written.
      1. List what there is with `syncline schema`.
    ");
    insta::assert_snapshot!(shell.fails(&add("Shop", "sample", &[])), @r"
    exit 2
    ✗ `Shop` cannot be used as a name.
      Nothing was read or written.
      1. Use lower-case letters, digits, `_` and `-`, beginning with a letter or digit, at most 63 of them.
    ");
    let said = shell.fails(&["add", "source", "shop"]);
    assert!(said.contains("1. Add --connector with one of: postgres, sqlite, "), "{said}");
    insta::assert_snapshot!(shell.fails(&["add", "source", "shop", "--from-url", "gopher://x"]), @r"
    exit 2
    ✗ No source connector knows addresses with `gopher:`.
      Nothing was read or written.
      1. Name it with --connector and give the settings with --set.
    ");
}

#[test]
fn a_connection_lists_its_tables() {
    let shell = Shell::with_project();
    shell.ok(&["add", "source", "shop", "--connector", "sample"]);
    shell.ok(&["add", "destination", "studio", "--connector", "duckdb", "--set", "path=studio.duckdb"]);
    let base = ["add", "connection", "nightly", "--source", "shop", "--destination", "studio"];
    insta::assert_snapshot!(shell.fails(&base), @r"
    exit 2
    ✗ It is not said which tables the connection has.
      Nothing was read or written.
      1. Take all of them with --all.
      2. Name them with --table; `syncline discover shop` lists them.
    ");
    insta::assert_snapshot!(shell.fails(&[&base[..], &["--table", "oders"]].concat()), @r"
    exit 1
    ✗ The source has no table `oders`.
      The connection was not added.
      1. List its tables with `syncline discover SOURCE`.
    ");
    shell.ok(&[&base[..], &["--table", "orders:history", "--table", "products"]].concat());
    insta::assert_snapshot!(shell.read("connections/nightly.yaml"), @r"
    # yaml-language-server: $schema=../.syncline/schemas/connection.schema.json
    source: shop
    destination: studio
    tables:
      - name: orders
        mode: history
        cursor: updated_at
      - name: products
        cursor: updated_at
    ");
    shell.ok(&[&base[..], &["--all", "--replace"]].concat());
    assert_eq!(shell.read("connections/nightly.yaml").matches("  - name: ").count(), 5);
}

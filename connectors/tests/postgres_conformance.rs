//! What holds for every source, for a Postgres with all kinds of tables.

use std::sync::Arc;

use crate::support::Database;

const TABLES: &str = "
    CREATE TABLE t (id int PRIMARY KEY, updated_at timestamptz NOT NULL, v text);
    INSERT INTO t SELECT n, timestamptz '2024-01-01' + n % 7000 * interval '1 second', repeat('x', n % 300)
      FROM generate_series(1, 60000) n;
    CREATE TABLE pair (a int, b text, v bytea, PRIMARY KEY (b, a));
    INSERT INTO pair VALUES (1, 'x', '\\x00'), (2, 'x', NULL), (1, 'ä', '');
    CREATE TABLE unkeyed (v numeric, at timestamp);
    INSERT INTO unkeyed VALUES (1, 'infinity'), ('NaN', NULL), (NULL, '0044-03-15 BC'), (1, 'infinity');
    CREATE TABLE empty (id int PRIMARY KEY);
    CREATE TABLE \"Select\" (\"From\" uuid PRIMARY KEY DEFAULT gen_random_uuid(), \"a \"\"b\" int[]);
    INSERT INTO \"Select\" (\"a \"\"b\") SELECT ARRAY[n, NULL] FROM generate_series(1, 500) n;
    CREATE TABLE parts (id int, day date, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
    CREATE TABLE parts_a PARTITION OF parts FOR VALUES FROM ('2024-01-01') TO ('2024-02-01');
    CREATE TABLE parts_b PARTITION OF parts FOR VALUES FROM ('2024-02-01') TO ('2024-04-01');
    INSERT INTO parts SELECT n, date '2024-01-01' + n % 60 FROM generate_series(1, 3000) n;
    CREATE VIEW seen AS SELECT id, v FROM t WHERE id < 1000;
    ANALYZE;";

#[tokio::test]
async fn conformance() {
    let database = Arc::new(Database::new("conformance").await);
    database.run(TABLES).await;
    syncline_testkit::conformance::source::suite(move || {
        let database = Arc::clone(&database);
        Box::pin(async move { database.source() })
    })
    .await;
}

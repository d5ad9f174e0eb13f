CREATE TABLE runs (
    id            TEXT PRIMARY KEY,
    connection    TEXT NOT NULL,
    started_at    TEXT NOT NULL,
    ended_at      TEXT,
    outcome       TEXT,
    error         TEXT,              -- JSON: kind, message
    attempts      TEXT NOT NULL,     -- JSON list
    connectors    TEXT NOT NULL,     -- JSON: connector to version
    config_hash   TEXT NOT NULL
) STRICT;
CREATE INDEX runs_by_connection ON runs (connection, started_at DESC);

CREATE TABLE run_tables (
    run           TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    name          TEXT NOT NULL,     -- namespace.name in the source
    outcome       TEXT NOT NULL,
    rows_read     INTEGER NOT NULL,
    rows_written  INTEGER NOT NULL,
    rows_deleted  INTEGER NOT NULL,
    rows_rejected INTEGER NOT NULL,
    bytes         INTEGER NOT NULL,
    PRIMARY KEY (run, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE receipts (
    run           TEXT PRIMARY KEY REFERENCES runs (id) ON DELETE CASCADE,
    receipt       TEXT NOT NULL      -- JSON, its type is the engine's
) STRICT;

CREATE TABLE journal (
    id            INTEGER PRIMARY KEY,
    run           TEXT,
    connection    TEXT NOT NULL,
    at            TEXT NOT NULL,
    kind          TEXT NOT NULL,
    detail        TEXT NOT NULL      -- JSON
) STRICT;
CREATE INDEX journal_by_connection ON journal (connection, id);
CREATE INDEX journal_by_run ON journal (run, id) WHERE run IS NOT NULL;

CREATE TABLE catalogs (
    source        TEXT PRIMARY KEY,
    discovered_at TEXT NOT NULL,
    catalog       TEXT NOT NULL      -- JSON
) STRICT;

CREATE TABLE accepted_schemas (
    connection    TEXT NOT NULL,
    table_name    TEXT NOT NULL,     -- namespace.name in the source
    accepted_at   TEXT NOT NULL,
    table_schema  TEXT NOT NULL,     -- JSON
    PRIMARY KEY (connection, table_name)
) STRICT;

CREATE TABLE vault (
    one           INTEGER PRIMARY KEY CHECK (one = 1),
    id            TEXT NOT NULL,
    check_nonce   BLOB,
    check_sealed  BLOB
) STRICT;

CREATE TABLE secrets (
    name          TEXT PRIMARY KEY,
    nonce         BLOB NOT NULL,
    sealed        BLOB NOT NULL,
    changed_at    TEXT NOT NULL
) STRICT;

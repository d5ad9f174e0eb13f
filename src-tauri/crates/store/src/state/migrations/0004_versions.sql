CREATE TABLE connector_versions (
    connection    TEXT NOT NULL,
    connector     TEXT NOT NULL,
    version       TEXT NOT NULL,
    worked_at     TEXT,              -- when a run last succeeded on it
    proved        INTEGER NOT NULL DEFAULT 0, -- runs that succeeded on it and read rows
    bad_since     TEXT,              -- when it was found to be bad for the connection
    bad_because   TEXT,
    PRIMARY KEY (connection, connector, version)
) STRICT;

CREATE TABLE table_values (
    connection    TEXT NOT NULL,
    table_name    TEXT NOT NULL,     -- namespace.name in the source
    row_count     INTEGER NOT NULL,  -- rows that succeeded runs brought
    present       TEXT NOT NULL,     -- JSON: column to how many of them had a value
    PRIMARY KEY (connection, table_name)
) STRICT;

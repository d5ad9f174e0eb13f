CREATE TABLE settings (
    name          TEXT PRIMARY KEY,
    value         TEXT NOT NULL      -- JSON, its type belongs to whoever sets it
) STRICT;

-- When a studio was open on this computer: time outside of these spans was not watched.
CREATE TABLE presence (
    id            INTEGER PRIMARY KEY,
    began         TEXT NOT NULL,
    until         TEXT NOT NULL
) STRICT;

-- The project files as they were, so that a change can be shown as a difference.
CREATE TABLE file_versions (
    id            INTEGER PRIMARY KEY,
    file          TEXT NOT NULL,     -- connections/shop.yaml
    at            TEXT NOT NULL,
    content       TEXT NOT NULL
) STRICT;
CREATE INDEX file_versions_by_file ON file_versions (file, id);

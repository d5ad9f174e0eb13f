"""What a manifest expects of each stream's records: keys for children, cursors, fields that templates read."""

import templates


class Expected:
    """What the records of one stream must have."""

    def __init__(self):
        self.keys = set()
        self.fields = set()
        self.cursor = None
        self.filter = []
        self.formats = {}
        self.parent = False
        self.schema = {}


def of_manifest(manifest):
    """From the resolved manifest: expectations by the name of the stream."""
    streams = {}
    visit(manifest, streams, [])
    return streams


def visit(node, streams, owners):
    if isinstance(node, list):
        for item in node:
            visit(item, streams, owners)
    if not isinstance(node, dict):
        return
    if isinstance(node.get("retriever"), dict) and node.get("name"):
        stream(node, streams.setdefault(str(node["name"]), Expected()))
    for parent in node.get("parent_stream_configs") or []:
        parent_config(parent, streams)
    for key, item in node.items():
        if key not in ("definitions", "schema", "spec"):
            visit(item, streams, owners)


def stream(node, expected):
    key = node.get("primary_key")
    for part in [key] if isinstance(key, str) else key or []:
        expected.keys.add((part,) if isinstance(part, str) else tuple(part))
    cursor = node.get("incremental_sync")
    if isinstance(cursor, dict) and cursor.get("cursor_field"):
        expected.cursor = cursor
    loader = node.get("schema_loader")
    if isinstance(loader, dict) and isinstance(loader.get("schema"), dict):
        expected.schema = loader["schema"]
    own = {key: item for key, item in node.items() if key != "schema_loader"}
    # What the parents' templates read is theirs.
    retriever = {key: item for key, item in own["retriever"].items() if key != "partition_router"}
    for text in templates.strings({**own, "retriever": retriever}):
        expected.fields.update(path for path in templates.paths(text, "record") if usable(path))
        expected.fields.update(path for path in templates.paths(text, "last_record") if usable(path))
        dates = [part for part in templates.constants(text) if isinstance(part, str) and "%" in part]
        if dates:
            expected.formats.update((path, dates[-1]) for path in templates.paths(text, "record"))
    selector = retriever.get("record_selector") or {}
    condition = (selector.get("record_filter") or {}).get("condition")
    if condition:
        constants = templates.constants(condition)
        expected.filter = [(path, constants) for path in templates.paths(condition, "record") if usable(path)]


def usable(path):
    return all(isinstance(step, str) for step in path)


def parent_config(parent, streams):
    name = (parent.get("stream") or {}).get("name")
    if not name:
        return
    expected = streams.setdefault(str(name), Expected())
    expected.parent = True
    key = parent.get("parent_key")
    if isinstance(key, dict):
        key = "/".join(str(step) for step in key.get("field_path", []))
    if key:
        expected.keys.add(tuple(str(key).strip("/").split("/")))
    expected.fields.update(tuple(str(step) for step in path) for path in parent.get("extra_fields") or [])

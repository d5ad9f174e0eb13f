"""Values that fit a JSON schema, the same ones for the same seed."""

import random
import re
from datetime import datetime, timedelta, timezone

TEXTS = ["plain", "naïve café", "0042", "with 'quotes' and \"more\"", "line\nbreak", "12.50", "", "True", "日本", "a,b;c"]
SPREAD = datetime(2024, 1, 3, 4, 5, 6, tzinfo=timezone.utc)


def value(schema, name, seed, depth=0):
    """A value for the property `name`."""
    rng = random.Random(f"{seed}/{name}")
    schema = schema if isinstance(schema, dict) else {}
    for choice in ("oneOf", "anyOf"):
        if schema.get(choice):
            return value(schema[choice][0], name, seed, depth)
    kinds = schema.get("type", "string")
    kinds = kinds if isinstance(kinds, list) else [kinds]
    if "null" in kinds and len(kinds) > 1 and rng.random() < 0.1:
        return None
    kind = next((kind for kind in kinds if kind != "null"), "string")
    if schema.get("enum"):
        return rng.choice(schema["enum"])
    if kind == "object":
        return properties(schema, f"{seed}/{name}", depth + 1)
    if kind == "array":
        items = schema.get("items") or {}
        items = items[0] if isinstance(items, list) and items else items
        return [value(items, f"{name}{index}", seed, depth + 1) for index in range(rng.randint(0, 2))]
    if kind == "integer":
        return rng.choice([0, 1, 7, 42, -3, rng.randint(100, 10**6), 2**53 + 1])
    if kind == "number":
        return rng.choice([0, 1.5, -2.25, 3.0, 1e21, 0.1, rng.randint(1, 999)])
    if kind == "boolean":
        return rng.random() < 0.5
    return text(schema, name, rng)


def text(schema, name, rng):
    """A text in the format that the schema asks for."""
    moment = SPREAD + timedelta(minutes=rng.randint(0, 60_000))
    if schema.get("format") == "date":
        return moment.strftime("%Y-%m-%d")
    if schema.get("format") in ("date-time", "datetime") or schema.get("airbyte_type", "").startswith("timestamp"):
        return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
    if name.endswith("email"):
        return f"person{rng.randint(1, 99)}@example.com"
    return rng.choice(TEXTS)


def properties(schema, seed, depth=0):
    """An object with the first properties of the schema."""
    most = 14 if depth == 0 else 4
    if depth > 3:
        return {}
    named = schema.get("properties")
    if not isinstance(named, dict):
        return {"note": f"note of {seed.rsplit('/', 1)[-1]}"} if depth else {}
    return {name: value(kind, name, seed, depth) for name, kind in list(named.items())[:most]}


def put(record, path, new):
    """Writes `new` at the path, making objects on the way. Leaves lists and what is there in lists alone."""
    place = record
    for step in path[:-1]:
        if not isinstance(place.get(step), dict):
            place[step] = {}
        place = place[step]
    place[path[-1]] = new


def get(record, path):
    """What is at the path; None when there is nothing."""
    for step in path:
        record = record.get(step) if isinstance(record, dict) else None
    return record


def configuration(specification):
    """A configuration with everything that the specification needs."""
    named = specification.get("properties") or {}
    needed = [name for name in named if name in (specification.get("required") or []) or "start" in name]
    return {name: setting(named[name], name) for name in needed}


LIKELY = ["2024-01-01T00:00:00Z", "2024-01-01", "2024-01-01T00:00:00.000Z", "01-01-2024", "01/01/2024 00:00",
          "20240101", "2024-01-01 00:00:00", "sandbox_1", "a@b.example", "abc", "1", "1.2.3.4", "http://stub.test:9/x"]


def setting(schema, name):
    """A value for one field of a configuration."""
    if isinstance(schema.get("pattern"), str):
        fitting = [text for text in LIKELY if re.search(schema["pattern"], text)]
        if fitting:
            return fitting[0]
    for known in ("const", "default"):
        if known in schema:
            return schema[known]
    for known in ("enum", "examples"):
        if schema.get(known) and "pattern" not in schema:
            return schema[known][0]
    if schema.get("oneOf"):
        return configuration(schema["oneOf"][0])
    kind = schema.get("type", "string")
    if kind == "object":
        return configuration(schema)
    if kind == "array":
        return [setting(schema.get("items") or {}, name)]
    if kind in ("integer", "number"):
        return 1
    if kind == "boolean":
        return False
    if "date" in schema.get("format", "") or "date" in name:
        return "2024-01-01T00:00:00Z" if "T" in schema.get("pattern", "T") else "2024-01-01"
    return f"x_{name}"


def repaired(config, specification):
    """The configuration, with texts replaced that do not have the form that is asked for."""
    named = specification.get("properties") or {}
    for name, value in config.items():
        pattern = (named.get(name) or {}).get("pattern")
        if isinstance(pattern, str) and isinstance(value, str) and not re.search(pattern, value):
            config[name] = setting(named[name], name)
    return config

"""Values that fit a JSON schema, the same ones for the same seed."""

import random
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

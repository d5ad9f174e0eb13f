"""Bodies of answers, in the form that a decoder reads."""

import base64
import csv
import gzip
import io
import json
import zipfile
from xml.sax.saxutils import escape


def put(body, path, value):
    """Writes into nested objects; digits of a path are indexes of lists."""
    if not path:
        return
    place = body
    for step in path[:-1]:
        if not isinstance(place.get(str(step)), dict):
            place[str(step)] = {}
        place = place[str(step)]
    place[str(path[-1])] = value


def of_json(body, headers=(), status=200):
    """An answer with a JSON body."""
    text = json.dumps(body, ensure_ascii=False)
    return {"status": status, "headers": [["Content-Type", "application/json"], *map(list, headers)], "body": text}


def encoded(answer):
    """The bytes that go over the wire."""
    if "base64" in answer:
        return base64.b64decode(answer["base64"])
    return answer["body"].encode()


def wrap(path, records):
    """The records at a path; `*` stands for any key."""
    if not path:
        return records
    head, rest = path[0], path[1:]
    if head == "*":
        return {f"r{index}": single(path, record) for index, record in enumerate(records)}
    if str(head).isdigit():
        return [{}] * int(head) + [wrap(rest, records)]
    return {head: wrap(rest, records)}


def single(path, record):
    """One record below a path with a `*`, of which its caller made the first key when it stands there."""
    for step in reversed(path[1:]):
        record = {"only" if step == "*" else step: record}
    return record


def of_records(decoder, path, records, fields, headers):
    """A page of records. `fields` are what the paginator reads beside them."""
    parser = parser_of(decoder)
    kinds = [type(part).__name__ for part in parser]
    if kinds[-1] in ("CsvParser", "JsonLineParser", "IterableDecoder"):
        text = lines(parser[-1], kinds[-1], records)
        return binary(text, kinds, headers)
    body = wrap(path, records)
    if fields and not isinstance(body, dict):
        body = dict(records[0]) if records else {}
    for steps, value in fields.items():
        put(body, steps, value)
    if kinds[-1] == "XmlDecoder":
        return {"status": 200, "headers": [["Content-Type", "text/xml"], *headers], "body": xml(body)}
    if len(kinds) == 1:
        return of_json(body, headers)
    return binary(json.dumps(body), kinds, headers)


def parser_of(decoder):
    """The decoder and what it wraps, outermost first."""
    chain = [decoder]
    while True:
        inner = next((getattr(chain[-1], name, None) for name in ("_decoder", "parser", "inner_parser")
                      if hasattr(chain[-1], name)), None)
        if inner is None or inner in chain:
            break
        chain.append(inner)
    named = [part for part in chain if type(part).__name__ not in
             ("PaginationDecoderDecorator", "CompositeRawDecoder", "JsonDecoder", "JsonParser")]
    return named or chain[:1]


def lines(parser, kind, records):
    if kind == "JsonLineParser":
        return "".join(json.dumps(record) + "\n" for record in records)
    if kind == "IterableDecoder":
        return "".join(f"line {json.dumps(record)}\n" for record in records)
    out = io.StringIO()
    delimiter = getattr(parser, "delimiter", None) or ","
    delimiter = delimiter.encode().decode("unicode_escape") if delimiter.startswith("\\") else delimiter
    names = list(dict.fromkeys(name for record in records for name in record))
    writer = csv.DictWriter(out, names, delimiter=delimiter, lineterminator="\n")
    writer.writeheader()
    for record in records:
        writer.writerow({name: flat(value) for name, value in record.items()})
    return out.getvalue()


def flat(value):
    return json.dumps(value) if isinstance(value, (dict, list)) else value


def binary(text, kinds, headers):
    """Packed as the outer decoders want it."""
    if "GzipParser" in kinds:
        packed = gzip.compress(text.encode(), mtime=0)
        return {"status": 200, "headers": [["Content-Type", "application/gzip"], *headers],
                "base64": base64.b64encode(packed).decode()}
    if "ZipfileDecoder" in kinds:
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(zipfile.ZipInfo("part.txt"), text)
        return {"status": 200, "headers": [["Content-Type", "application/zip"], *headers],
                "base64": base64.b64encode(out.getvalue()).decode()}
    return {"status": 200, "headers": [["Content-Type", "text/plain; charset=utf-8"], *headers], "body": text}


def xml(body):
    """Objects as elements; a list repeats its element."""
    def element(name, value):
        if isinstance(value, list):
            return "".join(element(name, item) for item in value)
        if isinstance(value, dict):
            return f"<{name}>{''.join(element(key, item) for key, item in value.items())}</{name}>"
        return f"<{name}>{escape('' if value is None else str(value))}</{name}>"
    if not isinstance(body, dict) or len(body) != 1:
        body = {"root": body if isinstance(body, dict) else {"item": body}}
    return '<?xml version="1.0"?>' + "".join(element(name, value) for name, value in body.items())

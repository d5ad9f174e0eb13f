"""Reads streams with the reference and writes their slices and states, as the table that ours are compared with.

    python slices.py > ../../manifest/tests/slices.json

Needs a Python with `airbyte-cdk` 7.39.1. The clock stands at 2024-03-15T10:20:30.123456Z unless a case sets it.
Answers do not come from a server: each case says which records a slice of a stream has.
"""

import copy
import datetime
import json
import logging
import sys
import types

import requests
from airbyte_cdk.models import AirbyteStateBlob, AirbyteStateMessage, AirbyteStateType, AirbyteStreamState, StreamDescriptor
from airbyte_cdk.sources.declarative.concurrent_declarative_source import ConcurrentDeclarativeSource
from airbyte_cdk.sources.declarative.incremental import concurrent_partition_cursor
from airbyte_cdk.sources.declarative.interpolation import macros
from airbyte_cdk.sources.declarative.parsers import model_to_component_factory
from airbyte_cdk.sources.declarative.requesters.http_requester import HttpRequester
from airbyte_cdk.sources.streams.concurrent import cursor as concurrent_cursor
from airbyte_cdk.sources.streams.concurrent.state_converters import datetime_stream_state_converter

import frozen

# The reference logs to where the table goes.
logging.disable(logging.CRITICAL)

UTC = datetime.timezone.utc
STANDING = datetime.datetime(2024, 3, 15, 10, 20, 30, 123456, tzinfo=UTC)
now = STANDING

macros.datetime = model_to_component_factory.datetime = concurrent_cursor.datetime = frozen.module(lambda: now)
datetime_stream_state_converter.ab_datetime_now = lambda: now
# A read takes less than a second here: `lookback_window` is 1 after every one.
concurrent_partition_cursor.time = types.SimpleNamespace(
    time=lambda: now.timestamp(), perf_counter_ns=lambda: 1 + 1_000_000 * len(asked))

case = None
asked = []


def send_request(self, stream_state=None, stream_slice=None, next_page_token=None, path=None, request_headers=None,
                 request_params=None, request_body_data=None, request_body_json=None, log_formatter=None):
    found = []
    for answer in case["answers"].get(self.name, []):
        if all(stream_slice.get(key) == value for key, value in answer.get("when", {}).items()):
            found = answer["records"]
            break
    options = {"headers": request_headers, "parameters": request_params, "body_data": request_body_data,
               "body_json": request_body_json}
    asked.append([self.name, plain(stream_slice), {key: value for key, value in options.items() if value}])
    response = requests.Response()
    response.status_code = 200
    response._content = json.dumps({"data": found}).encode()
    return response


HttpRequester.send_request = send_request


def plain(stream_slice):
    extra = {key: value for key, value in stream_slice.extra_fields.items() if key != "child_response"}
    slice = {"partition": dict(stream_slice.partition), "window": dict(stream_slice.cursor_slice)}
    slice = slice | ({"extra_fields": extra} if extra else {})
    return json.loads(json.dumps(slice).replace("Infinity", '"inf"'))


def run(given):
    """Reads slice by slice, as one worker would, and notes the state after each."""
    global case, now
    case = given
    now = datetime.datetime.fromisoformat(given["now"]) if "now" in given else STANDING
    asked.clear()
    name = given["stream"]["name"]
    state = given.get("state")
    states = [] if state is None else [AirbyteStateMessage(type=AirbyteStateType.STREAM, stream=AirbyteStreamState(
        stream_descriptor=StreamDescriptor(name=name), stream_state=AirbyteStateBlob(copy.deepcopy(state))))]
    manifest = {"version": "7.39.1", "type": "DeclarativeSource", "check": {"type": "CheckStream", "stream_names": [name]},
                "streams": [copy.deepcopy(given["stream"])],
                "spec": {"type": "Spec", "connection_specification": {}}}
    source = ConcurrentDeclarativeSource(config=given["config"], state=states, source_config=manifest)
    stream = source.streams(given["config"])[0]
    slices, seen, kept = [], [], []
    for partition in stream.generate_partitions():
        slices.append(plain(partition.to_slice()))
        for record in partition.read():
            stream.cursor.observe(record)
            kept.append(record.data)
        stream.cursor.close_partition(partition)
        seen.append(copy.deepcopy(stream.cursor.state))
    stream.cursor.ensure_at_least_one_state_emitted()
    return {"slices": slices, "states": seen, "last": copy.deepcopy(stream.cursor.state), "records": kept,
            "asked": copy.deepcopy(asked)}


def main():
    from slices_cases import cases
    table = []
    for given in cases():
        given.setdefault("config", {})
        given.setdefault("answers", {})
        try:
            outcome = {"read": json.loads(json.dumps(run(given), default=str))}
        except Exception as error:  # noqa: BLE001: whatever the reference throws is its answer
            if "-v" in sys.argv:
                print(given["name"], repr(error)[:300], file=sys.stderr)
            outcome = {"error": type(error).__name__}
        table.append(given | {"outcome": outcome})
    lines = ",\n".join(json.dumps(row, ensure_ascii=False) for row in table)
    print("[\n" + lines + "\n]")


main()

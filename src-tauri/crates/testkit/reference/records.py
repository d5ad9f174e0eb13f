"""Lets the reference take records out of bodies and writes what it makes of them, as the table that extractors,
filters, transformations and casts are tested with.

    python records.py > ../../manifest/tests/records.json

Needs a Python with `airbyte-cdk` 7.39.1. Nothing is sent.
"""

import sys

sys.path.append(sys.path.pop(0))  # A file beside this one is called like a package that is needed here.

import copy
import json
import logging

import requests
from airbyte_cdk.sources.declarative.models import declarative_component_schema as models
from airbyte_cdk.sources.declarative.parsers.manifest_component_transformer import ManifestComponentTransformer
from airbyte_cdk.sources.declarative.parsers.model_to_component_factory import ModelToComponentFactory
from airbyte_cdk.sources.types import StreamSlice

from records_cases import cases

logging.disable(logging.CRITICAL)

CONFIG = {"field": "data", "prefix": "p_", "number": 3, "none": None, "list": ["a", "b"], "index": "1"}
SLICE = {"partition": {"id": 7, "name": "x y"}, "window": {"start_time": "2024-01-01"}, "extra_fields": {"colour": "red"}}


def made(component, **more):
    component = ManifestComponentTransformer().propagate_types_and_parameters("", component, {})
    return ModelToComponentFactory().create_component(getattr(models, component["type"]), component, CONFIG, **more)


def select(case):
    selector = {"type": "RecordSelector", "extractor": case["extractor"], **case["selector"]}
    transformations = [made(transformation) for transformation in case["transformations"]]
    selector = made(selector, name="stream", transformations=transformations)
    response = requests.Response()
    response.status_code, response._content = 200, json.dumps(case["body"]).encode()
    part = StreamSlice(partition=SLICE["partition"], cursor_slice=SLICE["window"], extra_fields=SLICE["extra_fields"])
    found = selector.select_records(response, {}, case["schema"], part, {"next_page_token": 5})
    records = [copy.deepcopy(record.data) for record in found]
    return records, getattr(response, "_airbyte_extracted_record_count")


table = []
for case in cases():
    row = dict(case)
    try:
        row["records"], row["extracted"] = select(copy.deepcopy(case))
    except Exception as error:
        row["fails"] = type(error).__name__
    table.append(row)
lines = ",\n".join(json.dumps(row, ensure_ascii=False, allow_nan=False) for row in table)
print(json.dumps({"config": CONFIG, "slice": SLICE})[:-1] + f', "cases": [\n{lines}\n]}}')

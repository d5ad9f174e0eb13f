"""Lets the reference read page after page of answers that are made up, and writes what it asks for, as the table that
paginators and the loop over pages are tested with.

    python paginators.py > ../../manifest/tests/paginators.json

Needs a Python with `airbyte-cdk` 7.39.1. Nothing leaves the computer: what would be sent is caught and answered.
"""

import sys

sys.path.append(sys.path.pop(0))  # A file beside this one is called like a package that is needed here.

import json
import logging
import time

import requests
from airbyte_cdk.sources.declarative.models.declarative_component_schema import SimpleRetriever
from airbyte_cdk.sources.declarative.parsers.manifest_component_transformer import ManifestComponentTransformer
from airbyte_cdk.sources.declarative.parsers.model_to_component_factory import ModelToComponentFactory
from airbyte_cdk.sources.types import StreamSlice
from requests.cookies import RequestsCookieJar
from requests.structures import CaseInsensitiveDict

from paginators_cases import BASE, cases

logging.disable(logging.CRITICAL)
time.sleep = lambda seconds: None
CONFIG = {"size": 2, "text": "2", "start": 3}
SLICE = {"id": 7}
MOST = 12  # A read that asks more often goes on for ever.


class Endless(BaseException):
    pass


asked, answers = [], []


def send(self, request, **kwargs):
    if len(asked) >= MOST:
        raise Endless()
    answer = answers[min(len(asked), len(answers) - 1)]
    body = request.body.decode() if isinstance(request.body, bytes) else request.body
    headers = {name.lower(): value for name, value in request.headers.items() if name.lower().startswith("x-")}
    asked.append({"target": request.url.removeprefix(BASE), "headers": headers, "body": body or ""})
    response = requests.Response()
    response.status_code, response._content = answer.get("status", 200), json.dumps(answer["body"]).encode()
    response.headers = CaseInsensitiveDict(answer.get("headers", {}))
    response.request, response.url, response.cookies = request, request.url, RequestsCookieJar()
    return response


requests.Session.send = send


def read(case):
    component = ManifestComponentTransformer().propagate_types_and_parameters("", case["retriever"], {})
    made = ModelToComponentFactory().create_component(
        SimpleRetriever, component, CONFIG, name="stream", primary_key=None, stream_slicer=None, transformations=[])
    asked.clear()
    answers[:] = case["answers"]
    part = StreamSlice(partition=SLICE, cursor_slice={})
    return [record.data for record in made.read_records({}, part)]


table = []
for case in cases():
    row = json.loads(json.dumps(case))
    asked.clear()
    try:
        row["records"] = len(read(json.loads(json.dumps(case))))
    except Endless:
        row["endless"] = True
    except Exception as error:
        row["fails"] = type(error).__name__
    row["asked"] = list(asked)
    table.append(row)
lines = ",\n".join(json.dumps(row, ensure_ascii=False) for row in table)
print(json.dumps({"base": BASE, "config": CONFIG, "slice": SLICE})[:-1] + f', "cases": [\n{lines}\n]}}')

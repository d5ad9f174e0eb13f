"""Lets the reference send requests and writes what it sends, as the table that the requester is tested with.

    python requesters.py > ../../manifest/tests/requests.json

Needs a Python with `airbyte-cdk` 7.39.1. Nothing leaves the computer: what would be sent is caught.
"""

import sys

sys.path.pop(0)  # This file is called like a package that is needed here.

import json
import logging

import requests
from airbyte_cdk.sources.declarative.models.declarative_component_schema import HttpRequester
from airbyte_cdk.sources.declarative.parsers.manifest_component_transformer import ManifestComponentTransformer
from airbyte_cdk.sources.declarative.parsers.model_to_component_factory import ModelToComponentFactory
from airbyte_cdk.sources.types import StreamSlice
from requests.cookies import RequestsCookieJar

logging.disable(logging.CRITICAL)

BASE = "https://api.example.com"
CONFIG = {
    "key": "s3cr3t-key", "user": "ada", "empty": "", "digits": "0042", "number": 42, "float": 1.5, "yes": True,
    "none": None, "list": ["a", "b c"], "object": {"a": "x", "b": 2}, "host": BASE, "umlaut": "Zoë & Söhne",
    "space": "a b+c", "json": "{\"q\": 1}", "python": "{'q': 1, 'r': None}",
}
OURS = {"accept", "accept-encoding", "user-agent", "connection", "content-length", "host"}

caught = []


def send(self, request, **kwargs):
    caught.append(request)
    response = requests.Response()
    response.status_code = 200
    response._content = b"{}"
    response.request, response.url, response.cookies = request, request.url, RequestsCookieJar()
    return response


requests.Session.send = send


def requester(more, path="/v1/items", base=BASE):
    made = {"type": "HttpRequester", "url_base": base, "path": path}
    made.update(more)
    return {key: value for key, value in made.items() if value is not ...}


def option(place, name):
    key = "field_path" if isinstance(name, list) else "field_name"
    return {"type": "RequestOption", "inject_into": place, key: name}


def body(kind, value):
    return {"http_method": "POST", "request_body": {"type": kind, "value": value}}


def api_key(place, name, token="{{ config['key'] }}"):
    return {"authenticator": {"type": "ApiKeyAuthenticator", "api_token": token, "inject_into": option(place, name)}}


def bearer(token):
    return {"authenticator": {"type": "BearerAuthenticator", "api_token": token}}


def basic(user, password=...):
    made = {"type": "BasicHttpAuthenticator", "username": user}
    if password is not ...:
        made["password"] = password
    return {"authenticator": made}


SLICE = {"partition": {"id": 7, "name": "x y"}, "window": {"start_time": "2024-01-01", "end_time": "2024-01-31"},
         "extra_fields": {"colour": "red"}}


def cases():
    # Addresses
    for path in ["/v1/items", "v1/items", "", "/", "v1//items/", "../up", "a/../b", "./a", "items?x=1", "items?x=1&y=a b",
                 "items#part", "a b/c", "a%20b", "a%zzb", "ü", "{{ config['number'] }}/items", "items/{{ stream_slice['name'] }}",
                 "/{{ config['missing'] }}", "items;v=1", "a'b(c)", "a|b{c}[d]\"", "items?q=[1]&r='x'", "x?a=%7Eb%2Fc",
                 "https://api.example.com/v9/other?z=1", "a:b/c", "v1/items:run", "//api.example.com/v3", "?only=query"]:
        yield f"path {path}", requester({}, path), {"slice": SLICE}
    for base in [BASE, BASE + "/", BASE + "/v2", BASE + "/v2/", BASE + "/v2?k=1", "{{ config['host'] }}/v2", BASE + "/v2/../v3"]:
        yield f"base {base}", requester({}, "items", base), {}
        yield f"base alone {base}", requester({}, ..., base), {}
    yield "url", requester({"url_base": ..., "url": BASE + "/v1/items?a=1"}, ...), {}
    yield "url and path", requester({"url_base": ..., "url": BASE + "/v1"}, "items"), {}
    for path in [BASE + "/v1/items?page=2", "/next?page=3", "next?page=3", "?page=4"]:
        yield f"path option {path}", requester({"request_parameters": {"page": "3", "size": "5"}}), {"path": path}
    # Parameters
    values = ["a", "a b", "a,b:c/d", "[1]", "ü", "{{ config['number'] }}", "{{ config['float'] }}", "{{ config['yes'] }}",
              "{{ config['none'] }}", "{{ config['empty'] }}", "{{ config['missing'] }}", "{{ config['list'] }}",
              "{{ config['object'] }}", "{{ config['digits'] }}", "1.10", "['x', 'y']", "(1, 2)", "{{ none }}", "007", "~-_.",
              "{{ stream_slice['id'] }}", "{{ stream_partition.name }}", "{{ stream_interval['start_time'] }}",
              "{{ stream_slice.extra_fields['colour'] }}", "{{ colour }}", "{{ next_page_token['next_page_token'] }}",
              "{{ config['umlaut'] }}", "{{ config['space'] }}", "{{ parameters['own'] }}", "{{ [1, none, 'b'] }}"]
    for value in values:
        yield f"parameter {value}", requester({"request_parameters": {"p": value}, "$parameters": {"own": "mine"}}), \
            {"slice": SLICE, "token": 5}
    for value in [1, 1.5, True, 10**17, 1e17]:
        yield f"parameter as {value!r}", requester({"request_parameters": {"p": value}}), {}
    yield "parameter key", requester({"request_parameters": {"{{ config['user'] }}": "v", "b": "2"}}), {}
    yield "parameters in one text", requester({"request_parameters": "{{ {'a': 1, 'b': [1, 2], 'c': none} }}"}), {}
    yield "parameters in one text that is none", requester({"request_parameters": "{{ config['user'] }}"}), {}
    yield "no token", requester({"request_parameters": {"t": "{{ next_page_token }}"}}), {}
    for query in ["x=1", "x=1&x=2", "x=", "x=a+b", "y=1"]:
        yield f"own query {query}", requester({"request_parameters": {"x": "1", "z": "a b"}}, "items?" + query), {}
    yield "own query of a list", requester({"request_parameters": {"x": ["1"]}}, "items?x=1"), {}
    # Headers
    for value in ["a", "1.10", "{{ config['number'] }}", "{{ config['yes'] }}", "{{ none }}", "{{ config['list'] }}", "é", "{{ 'a' }}\n"]:
        yield f"header {value}", requester({"request_headers": {"X-A": value}}), {}
    yield "header that is broken", requester({"request_headers": {"X-A": "a\nb"}}), {}
    yield "header that starts with a space", requester({"request_headers": {"X-A": " a"}}), {}
    yield "headers in one text", requester({"request_headers": "{{ {'X-B': 2} }}"}), {}
    yield "headers in one text that is none", requester({"request_headers": "nothing"}), {}
    yield "content type", requester({"http_method": "POST", "request_headers": {"content-type": "x/y"}, "request_body_json": {"a": 1}}), {}
    # Bodies
    for value in [{"a": 1, "b": [1, None, "x"], "c": None, "d": {"e": "{{ config['number'] }}"}}, {"ü": "\u2603\U0001f600\"\\\n"},
                  {"a": 1.0, "b": 1e16, "c": 1e-7, "d": 10**15}, {"t": "True", "n": "100", "f": "1.10", "j": "{\"a\": null}"},
                  {"empty": "", "none": "{{ none }}", "missing": "{{ config['missing'] }}"}, {"{{ config['user'] }}": {"x": []}},
                  {"a": {"b": {"c": "{{ stream_slice.name }}"}}}, {}, {"a": "{{ config['object'] }}"}, {"a": True, "b": False}]:
        yield f"json {value}", requester({"http_method": "POST", "request_body_json": value}), {"slice": SLICE}
    for value in ["{{ config['python'] }}", "{{ config['json'] }}", "{{ config['user'] }}", "{'a': 1}"]:
        yield f"json in one text {value}", requester({"http_method": "POST", "request_body_json": value}), {}
    yield "json with GET", requester({"request_body_json": {"a": 1}}), {}
    yield "json with PATCH", requester({"http_method": "PATCH", "request_body_json": {"a": 1}}), {}
    for value in [{"a": "x y", "b": "{{ config['list'] }}", "c": "{{ config['number'] }}"}, {"a": "{{ none }}", "b": ""},
                  "plain {{ config['user'] }}", "{{ config['object'] }}", "123", {"a": "ü&="}]:
        yield f"data {value}", requester({"http_method": "POST", "request_body_data": value}), {}
    yield "plain text", requester(body("RequestBodyPlainText", "hello {{ config['user'] }}")), {}
    yield "form", requester(body("RequestBodyUrlEncodedForm", {"a": "1", "b": "x y"})), {}
    yield "json object", requester(body("RequestBodyJsonObject", {"a": {"b": "{{ config['number'] }}"}})), {}
    yield "graphql", requester(body("RequestBodyGraphQL", {"query": "query { a(id: {{ config['number'] }}) { b } }", "variables": {"x": 1}})), {}
    yield "json and data", requester({"http_method": "POST", "request_body_json": {"a": 1}, "request_body_data": {"b": "1"}}), {}
    # Authenticators
    for token in ["{{ config['key'] }}", "{{ config['digits'] }}", "{{ config['number'] }}", "", "1e3"]:
        yield f"bearer {token}", requester(bearer(token)), {}
    for place, name in [("header", "X-Key"), ("request_parameter", "key"), ("body_data", "key"), ("body_json", "key"),
                        ("body_json", ["auth", "key"]), ("header", "{{ config['user'] }}")]:
        yield f"api key {place} {name}", requester({"http_method": "POST", **api_key(place, name)}), {}
    yield "api key old", requester({"authenticator": {"type": "ApiKeyAuthenticator", "header": "X-Old", "api_token": "{{ config['key'] }}"}}), {}
    yield "api key with text", requester(api_key("header", "Authorization", "Token token={{ config['key'] }}")), {}
    yield "basic", requester(basic("{{ config['user'] }}", "{{ config['key'] }}")), {}
    yield "basic without password", requester(basic("{{ config['user'] }}")), {}
    yield "basic empty", requester(basic("{{ config['missing'] }}", "x")), {}
    yield "basic umlaut", requester(basic("{{ config['umlaut'] }}", "ü")), {}
    yield "no auth", requester({"authenticator": {"type": "NoAuth"}}), {}
    selective = {"type": "SelectiveAuthenticator", "authenticator_selection_path": ["user"],
                 "authenticators": {"ada": bearer("a")["authenticator"], "bob": bearer("b")["authenticator"]}}
    yield "selective", requester({"authenticator": selective}), {}
    # What others add
    yield "all added", requester({"http_method": "POST", "request_parameters": {"a": "1"}, "request_headers": {"X-A": "1"},
                                  "request_body_json": {"a": {"b": 1}}, **api_key("request_parameter", "k")}), \
        {"parameters": {"page": 2, "l": [1, 2]}, "headers": {"X-P": 3}, "body_json": {"a": {"c": 2}, "p": 1}}
    yield "form added", requester({"http_method": "POST", "request_body_data": {"a": "1"}}), {"body_data": {"b": 2}}
    yield "text and form added", requester({"http_method": "POST", "request_body_data": "text"}), {"body_data": {"b": 2}}
    yield "parameter twice", requester({"request_parameters": {"a": "1"}}), {"parameters": {"a": "1"}}
    yield "header twice", requester({"request_headers": {"A": "1"}}), {"headers": {"A": "2"}}
    yield "body twice, equal", requester({"http_method": "POST", "request_body_json": {"a": 1}}), {"body_json": {"a": 1}}
    yield "body twice", requester({"http_method": "POST", "request_body_json": {"a": 1}}), {"body_json": {"a": 2}}
    yield "key and parameter", requester({"request_parameters": {"k": "1"}, **api_key("request_parameter", "k")}), {}
    yield "object parameter", requester({}), {"parameters": {"a": {"b": 1}}}


def run(component, asked):
    component = ManifestComponentTransformer().propagate_types_and_parameters("", component, {})
    made = ModelToComponentFactory().create_component(HttpRequester, component, CONFIG, name="stream")
    given = asked.get("slice")
    part = StreamSlice(partition=given["partition"], cursor_slice=given["window"], extra_fields=given["extra_fields"]) if given else None
    token = {"next_page_token": asked["token"]} if "token" in asked else None
    caught.clear()
    made.send_request(stream_slice=part, next_page_token=token, path=asked.get("path"), request_headers=asked.get("headers"),
                      request_params=asked.get("parameters"), request_body_data=asked.get("body_data"), request_body_json=asked.get("body_json"))
    [request] = caught
    if not request.url.startswith("http"):
        raise ValueError("no adapter")
    text = request.body.decode("utf-8") if isinstance(request.body, bytes) else request.body
    headers = {name.lower(): value if isinstance(value, str) else value.decode("latin-1") for name, value in request.headers.items()}
    return {"method": request.method, "url": request.url, "body": text,
            "headers": {name: value for name, value in sorted(headers.items()) if name not in OURS}}


table = []
for name, component, asked in cases():
    row = {"name": name, "requester": component, "asked": asked}
    try:
        row["sent"] = run(json.loads(json.dumps(component)), asked)
    except Exception as error:
        row["fails"] = type(error).__name__
    table.append(row)
print(json.dumps({"config": CONFIG, "base": BASE, "cases": table}, indent=1, ensure_ascii=False))

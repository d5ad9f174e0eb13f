"""Composes manifests of all kinds of components, and records what the reference makes of them.

    python compose.py --out src-tauri/crates/manifest/tests/golden [--count 72]

The manifests are made up here; the same seed gives the same ones. What they record is committed, so that tests need
neither Python nor the reference.
"""

import argparse
import json
import multiprocessing
import random
import tempfile
from pathlib import Path

import yaml

import run

CONFIG = {
    "api_key": "key-1", "user": "ada", "password": "secret-2-long-enough-to-sign-with-it", "token": "token-3", "client_id": "client-4",
    "client_secret": "secret-5", "refresh_token": "refresh-6", "start_date": "2024-01-05T00:00:00Z",
    "end_date": "2024-02-01T00:00:00Z", "kinds": ["red", "green"], "workspace": "w 1", "method": "key",
    "credentials": {"access_token": "access-7", "refresh_token": "refresh-8", "token_expiry_date": ""},
}
HOST = "https://api.{name}.example"


def authenticators(name):
    """Ways to sign in."""
    host = HOST.format(name=name)
    oauth = {
        "type": "OAuthAuthenticator", "token_refresh_endpoint": f"{host}/oauth/token",
        "client_id": "{{ config['client_id'] }}", "client_secret": "{{ config['client_secret'] }}",
    }
    key = {"type": "ApiKeyAuthenticator", "api_token": "{{ config['api_key'] }}"}
    bearer = {"type": "BearerAuthenticator", "api_token": "{{ config['token'] }}"}
    login = {
        "type": "HttpRequester", "url_base": host, "path": "/login", "http_method": "POST",
        "request_body_json": {"user": "{{ config['user'] }}", "password": "{{ config['password'] }}"},
    }
    return [
        {"type": "NoAuth"},
        bearer,
        {"type": "BasicHttpAuthenticator", "username": "{{ config['user'] }}", "password": "{{ config['password'] }}"},
        {**key, "inject_into": {"type": "RequestOption", "inject_into": "request_parameter", "field_name": "key"}},
        {**key, "header": "X-Key"},
        {**key, "inject_into": {"type": "RequestOption", "inject_into": "header", "field_name": "X-Api-Key"}},
        {**oauth, "refresh_token": "{{ config['refresh_token'] }}", "scopes": ["read", "list"]},
        {**oauth, "grant_type": "client_credentials", "refresh_request_body": {"audience": "all"},
         "access_token_name": "token", "expires_in_name": "ttl"},
        {**oauth, "refresh_token": "{{ config['credentials']['refresh_token'] }}", "refresh_token_updater": {
            "refresh_token_name": "refresh_token", "access_token_config_path": ["credentials", "access_token"],
            "refresh_token_config_path": ["credentials", "refresh_token"],
            "token_expiry_date_config_path": ["credentials", "token_expiry_date"]}},
        {"type": "SessionTokenAuthenticator", "login_requester": login, "session_token_path": ["data", "token"],
         "expiration_duration": "PT1H", "request_authentication": {"type": "Bearer"}},
        {"type": "SessionTokenAuthenticator", "login_requester": login, "session_token_path": ["token"],
         "request_authentication": {"type": "ApiKey", "inject_into": {
             "type": "RequestOption", "inject_into": "header", "field_name": "X-Session"}}},
        {"type": "SelectiveAuthenticator", "authenticator_selection_path": ["method"], "authenticators": {
            "key": {**key, "header": "X-Chosen"}, "bearer": bearer}},
        {"type": "JwtAuthenticator", "secret_key": "{{ config['password'] }}", "algorithm": "HS256",
         "token_duration": 600, "jwt_payload": {"iss": "{{ config['client_id'] }}"},
         "additional_jwt_payload": {"scope": "read"}},
    ]


def option(field, where="request_parameter"):
    return {"type": "RequestOption", "inject_into": where, "field_name": field}


def paginators():
    """Ways from one page to the next."""
    size = {"page_size": 2}
    return [
        None,
        {"pagination_strategy": {"type": "PageIncrement", **size, "start_from_page": 1},
         "page_token_option": option("page"), "page_size_option": option("per_page")},
        {"pagination_strategy": {"type": "PageIncrement", **size, "inject_on_first_request": True},
         "page_token_option": option("page", "header"), "page_size_option": option("X-Size", "header")},
        {"pagination_strategy": {"type": "OffsetIncrement", **size},
         "page_token_option": option("offset"), "page_size_option": option("limit")},
        {"pagination_strategy": {"type": "OffsetIncrement", "page_size": "{{ 1 + 1 }}"},
         "page_token_option": option("skip", "body_json")},
        {"pagination_strategy": {"type": "CursorPagination", "cursor_value": "{{ response.next_cursor }}",
                                 "stop_condition": "{{ not response.has_more }}"},
         "page_token_option": option("cursor")},
        {"pagination_strategy": {"type": "CursorPagination", "cursor_value": "{{ response.get('links', {}).get('next') }}"},
         "page_token_option": {"type": "RequestPath"}},
        {"pagination_strategy": {"type": "CursorPagination", "cursor_value": "{{ headers['link']['next']['url'] }}",
                                 "stop_condition": "{{ 'next' not in headers['link'] }}"},
         "page_token_option": {"type": "RequestPath"}},
        {"pagination_strategy": {"type": "CursorPagination", "cursor_value": "{{ headers['X-Next'] }}",
                                 "stop_condition": "{{ 'X-Next' not in headers }}"},
         "page_token_option": option("after", "body_data")},
        {"pagination_strategy": {"type": "CursorPagination", "cursor_value": "{{ last_record['id'] }}",
                                 "stop_condition": "{{ last_page_size < 2 }}"},
         "page_token_option": option("since_id")},
        {"pagination_strategy": {"type": "CursorPagination",
                                 "cursor_value": "{{ response.page + 1 if response.page < response.pages }}"},
         "page_token_option": option("p")},
    ]


def cursors():
    """Ways to read only what is new."""
    base = {"type": "DatetimeBasedCursor", "cursor_field": "updated_at", "datetime_format": "%Y-%m-%dT%H:%M:%SZ",
            "start_datetime": {"type": "MinMaxDatetime", "datetime": "{{ config['start_date'] }}",
                               "datetime_format": "%Y-%m-%dT%H:%M:%SZ"}}
    end = {"end_datetime": {"type": "MinMaxDatetime", "datetime": "{{ config['end_date'] }}",
                            "datetime_format": "%Y-%m-%dT%H:%M:%SZ"}}
    asked = {"start_time_option": option("from"), "end_time_option": option("to")}
    return [
        None,
        {**base, **asked},
        {**base, **asked, **end, "step": "P10D", "cursor_granularity": "PT1S"},
        {**base, **asked, "step": "P1M", "cursor_granularity": "P1D", "datetime_format": "%Y-%m-%d"},
        {**base, "datetime_format": "%s", "start_time_option": option("since"), "lookback_window": "P3D"},
        {**base, "is_client_side_incremental": True},
        {**base, "is_data_feed": True},
        {**base, **asked, "datetime_format": "%Y-%m-%dT%H:%M:%S.%fZ", "cursor_datetime_formats": [
            "%Y-%m-%dT%H:%M:%S%z", "%ms"], "step": "P14D", "cursor_granularity": "PT0.000001S",
         "partition_field_start": "begin", "partition_field_end": "finish"},
        {"type": "IncrementingCountCursor", "cursor_field": "sequence", "start_value": 0,
         "start_value_option": option("min_sequence")},
    ]


def routers(parent):
    """Ways to divide a stream. `parent`: the component of the stream that children hang on."""
    listed = {"type": "ListPartitionRouter", "values": "{{ config['kinds'] }}", "cursor_field": "kind",
              "request_option": option("kind")}
    sizes = {"type": "ListPartitionRouter", "values": ["s", "m"], "cursor_field": "size",
             "request_option": option("size", "header")}
    child = {"type": "SubstreamPartitionRouter", "parent_stream_configs": [
        {"type": "ParentStreamConfig", "stream": parent, "parent_key": "id", "partition_field": "parent_id"}]}
    deep = {"type": "SubstreamPartitionRouter", "parent_stream_configs": [
        {"type": "ParentStreamConfig", "stream": parent, "parent_key": "owner/id", "partition_field": "parent_id",
         "extra_fields": [["name"], ["owner", "name"]], "request_option": option("owner")}]}
    grouped = {"type": "GroupingPartitionRouter", "group_size": 2, "underlying_partition_router": child}
    return [None, listed, child, [listed, sizes], deep, grouped]


def transformations():
    """What happens to a record before it is handed out."""
    return [
        [],
        [{"type": "AddFields", "fields": [
            {"path": ["label"], "value": "{{ record['name'] }} of {{ config['workspace'] }}"},
            {"path": ["meta", "text"], "value": "{{ record['id'] }}", "value_type": "string"},
            {"path": ["none"], "value": "{{ record['missing'] }}"}]}],
        [{"type": "RemoveFields", "field_pointers": [["owner", "name"], ["note"], ["tags", "*", "secret"]]}],
        [{"type": "KeysToLower"}],
        [{"type": "KeysToSnakeCase"}],
        [{"type": "FlattenFields"}],
        [{"type": "DpathFlattenFields", "field_path": ["owner"], "delete_origin_value": True}],
        [{"type": "KeysReplace", "old": "o", "new": "0"}],
        [{"type": "AddFields", "condition": "{{ value != '' }}", "fields": [
            {"path": ["seen"], "value": "{{ stream_slice['start_time'] if stream_slice else '' }}"},
            {"path": ["parent"], "value": "{{ stream_partition.get('parent_id', 'none') }}"}]},
         {"type": "RemoveFields", "condition": "{{ property is none }}", "field_pointers": [["**"]]}],
    ]


def handlers():
    """What to do about failures."""
    return [
        None,
        {"type": "DefaultErrorHandler", "backoff_strategies": [
            {"type": "WaitTimeFromHeader", "header": "Retry-After"}, {"type": "ConstantBackoffStrategy",
                                                                      "backoff_time_in_seconds": 0.1}]},
        {"type": "CompositeErrorHandler", "error_handlers": [
            {"type": "DefaultErrorHandler", "response_filters": [
                {"type": "HttpResponseFilter", "action": "RETRY", "predicate": "{{ 'busy' in response.get('error', '') }}"}],
             "backoff_strategies": [{"type": "ExponentialBackoffStrategy", "factor": 0.1}]},
            {"type": "DefaultErrorHandler", "response_filters": [
                {"type": "HttpResponseFilter", "action": "FAIL", "http_codes": [400]}]}]},
        {"type": "DefaultErrorHandler", "response_filters": [
            {"type": "HttpResponseFilter", "action": "IGNORE", "http_codes": [429, 503]}]},
        {"type": "DefaultErrorHandler", "response_filters": [
            {"type": "HttpResponseFilter", "action": "RETRY", "error_message_contains": "busy"}],
         "backoff_strategies": [{"type": "WaitUntilTimeFromHeader", "header": "X-Reset", "min_wait": 0.1}]},
    ]


def looks_inside(handler):
    return any(word in json.dumps(handler) for word in ("predicate", "error_message_contains"))


def decoders():
    """Forms of a body."""
    lines = {"type": "JsonlDecoder"}
    return [None, None, {"type": "JsonDecoder"}, lines, {"type": "CsvDecoder"}, {"type": "GzipDecoder", "decoder": lines},
            {"type": "CsvDecoder", "delimiter": "\\t"}, {"type": "XmlDecoder"}]


SCHEMA = {"type": "object", "properties": {
    "id": {"type": ["null", "integer"]}, "name": {"type": ["null", "string"]},
    "updated_at": {"type": ["null", "string"]}, "sequence": {"type": ["null", "integer"]},
    "amount": {"type": ["null", "number"]}, "isActive": {"type": ["null", "boolean"]},
    "owner": {"type": ["null", "object"], "properties": {"id": {"type": "integer"}, "name": {"type": "string"}}},
    "tags": {"type": ["null", "array"], "items": {"type": "object", "properties": {"secret": {"type": "string"}}}},
}}


def chosen(number):
    """One of each kind; every kind comes up, in ever other company."""
    rng = random.Random(number)
    name = f"composed-{number:02}"

    def pick(options):
        # The first rounds go through all; later ones mix.
        return options[number % len(options)] if rng.random() < 0.7 else rng.choice(options)

    host = HOST.format(name=name)
    auth, paginator, decoder = pick(authenticators(name)), pick(paginators()), pick(decoders())
    streamed = decoder is not None and decoder["type"] not in ("JsonDecoder", "XmlDecoder")
    if streamed:
        paginator = None  # the reference pages only through documents
    cursor = pick(cursors())
    requester = {"type": "HttpRequester", "url_base": f"{host}/v1", "http_method": "GET", "authenticator": auth}
    # A handler that looks into a body which is decoded as a stream leaves nothing of it to the reference: no rows.
    looking = [handler for handler in handlers() if not streamed or not looks_inside(handler)]
    if handler := pick(looking):
        requester["error_handler"] = handler
    injected = json.dumps(paginator)
    if "body_json" in injected:
        requester |= {"http_method": "POST", "request_body_json": {"query": "{{ config['workspace'] }}", "depth": "2"}}
    elif "body_data" in injected:
        requester |= {"http_method": "POST", "request_body_data": {"q": "{{ config['workspace'] }}"}}
    else:
        requester["request_parameters"] = {"w": "{{ config['workspace'] }}", "none": "{{ config['nothing'] }}"}
        requester["request_headers"] = {"X-Version": "1.10", "X-Now": "{{ today_utc() }}"}
    path = [["data"], [], ["result", "items"], ["*", "entry"]][rng.randrange(4)]
    if streamed:
        path = []
    elif "response" in injected and path == []:
        path = ["data"]
    if decoder and decoder["type"] == "XmlDecoder":
        path = ["root", "item"]
    return name, requester, path, paginator, decoder, cursor, pick, rng


def manifest(number):
    """One manifest: a parent, and one stream with everything."""
    name, requester, path, paginator, decoder, cursor, pick, rng = chosen(number)
    retriever = {"type": "SimpleRetriever", "record_selector": selector(path)}
    if paginator:
        retriever["paginator"] = {"type": "DefaultPaginator", **paginator}
    if decoder:
        retriever["decoder"] = decoder
    loader = {"type": "InlineSchemaLoader", "schema": SCHEMA}
    parent = {"type": "DeclarativeStream", "name": "owners", "primary_key": ["id"], "schema_loader": loader,
              "retriever": {"type": "SimpleRetriever", "requester": {**requester, "path": "/owners"},
                            "record_selector": selector(["data"])}}
    # The reference does not count within partitions.
    router = pick(routers(parent)) if (cursor or {}).get("type") != "IncrementingCountCursor" else None
    where = "/things"
    if router and "parent_id" in json.dumps(router):
        where = "/owners/{{ stream_partition.parent_id }}/things" if "group_size" not in json.dumps(router) else where
    chosen_selector = selector(path)
    if rng.random() < 0.3:
        chosen_selector["record_filter"] = {"type": "RecordFilter", "condition": "{{ record['isActive'] }}"}
    if rng.random() < 0.3:
        chosen_selector["schema_normalization"] = "Default"
    things = {"type": "DeclarativeStream", "name": "things", "primary_key": ["id"], "schema_loader": loader,
              "retriever": {**retriever, "requester": {**requester, "path": where}, "record_selector": chosen_selector},
              "transformations": pick(transformations())}
    if router:
        things["retriever"]["partition_router"] = router
    if cursor:
        things["incremental_sync"] = cursor
    return name, {"version": "7.0.0", "type": "DeclarativeSource",
                  "check": {"type": "CheckStream", "stream_names": ["things"]}, "streams": [parent, things],
                  "spec": {"type": "Spec", "connection_specification": {"type": "object", "properties": {}}}}


def selector(path):
    return {"type": "RecordSelector", "extractor": {"type": "DpathExtractor", "field_path": path}}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--count", type=int, default=80)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    context = multiprocessing.get_context("fork")
    import airbyte_cdk.cli.source_declarative_manifest._run  # noqa: F401  once, for all children

    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "config.json"
        config.write_text(json.dumps(CONFIG))
        for number in range(options.count):
            name, made = manifest(number)
            source = Path(folder) / f"{name}.yaml"
            # By way of JSON: what is used twice is written twice, not as an alias.
            source.write_text(yaml.safe_dump(json.loads(json.dumps(made)), sort_keys=False))
            case = run.case(context, source, config, 60)
            records = sum(len(found) for read in case["runs"] for found in read["records"].values())
            failed = {name: why[:160] for read in case["runs"] for name, why in read["failed"].items()}
            print(name, records, case["error"], failed, flush=True)
            if case["error"] is None:
                text = json.dumps(case, ensure_ascii=False, separators=(",", ":"))
                (options.out / f"{name}.json").write_text(text + "\n")


if __name__ == "__main__":
    main()

"""The cases of `slices.py`: streams with routers and cursors, and what their answers hold."""

CURSOR = {"type": "DatetimeBasedCursor", "cursor_field": "updated", "datetime_format": "%Y-%m-%d",
          "start_datetime": "2024-01-01"}
DAYS = CURSOR | {"step": "P1M", "cursor_granularity": "P1D"}
SECONDS = CURSOR | {"datetime_format": "%Y-%m-%dT%H:%M:%SZ", "start_datetime": "2024-03-01T00:00:00Z"}


def stream(name="items", cursor=None, router=None, **more):
    retriever = {"type": "SimpleRetriever",
                 "requester": {"type": "HttpRequester", "url_base": "http://api.invalid/", "path": name, "http_method": "GET"},
                 "record_selector": {"type": "RecordSelector", "extractor": {"type": "DpathExtractor", "field_path": ["data"]}}}
    if router is not None:
        retriever["partition_router"] = router
    made = {"type": "DeclarativeStream", "name": name, "primary_key": "id", "retriever": retriever,
            "schema_loader": {"type": "InlineSchemaLoader", "schema": {"type": "object", "properties": {}}}}
    if cursor is not None:
        made["incremental_sync"] = cursor
    return made | more


def parent(of, key="id", field="parent_id", **more):
    return {"type": "ParentStreamConfig", "stream": of, "parent_key": key, "partition_field": field} | more


def substream(*parents):
    return {"type": "SubstreamPartitionRouter", "parent_stream_configs": list(parents)}


def values(items, field="kind", **more):
    return {"type": "ListPartitionRouter", "values": items, "cursor_field": field} | more


def put(name, where="request_parameter", **more):
    return {"type": "RequestOption", "inject_into": where, "field_name": name} | more


def records(*updated, **more):
    return [{"id": index, "updated": value} | more for index, value in enumerate(updated)]


def windows():
    """One cursor, no partitions: configuration, state and time to windows and states."""
    def case(name, cursor, **more):
        return {"name": f"window: {name}", "stream": stream(cursor=cursor)} | more

    updated = [{"records": records("2024-02-10", "2024-03-01", "2024-02-20")}]
    yield case("plain", CURSOR)
    yield case("plain with records", CURSOR, answers={"items": updated})
    yield case("state", CURSOR, state={"updated": "2024-02-15"}, answers={"items": updated})
    yield case("state before start", CURSOR, state={"updated": "2023-02-15"})
    yield case("state with other fields", CURSOR, state={"updated": "2024-02-15", "other": [1]}, answers={"items": updated})
    yield case("state of another field", CURSOR, state={"other": "2024-02-15"})
    yield case("state after now", CURSOR, state={"updated": "2024-05-01"})
    yield case("state of today", CURSOR, state={"updated": "2024-03-15"})
    yield case("state of no format", CURSOR, state={"updated": "yesterday"})
    yield case("empty state", CURSOR, state={})
    yield case("records older than the state", CURSOR, state={"updated": "2024-03-02"}, answers={"items": updated})
    yield case("no cursor values", CURSOR, answers={"items": [{"records": [{"id": 1}, {"id": 2, "updated": None}, {"id": 3, "updated": "?"}]}]})
    yield case("months", DAYS)
    yield case("months from the 31st", DAYS | {"start_datetime": "2023-10-31"})
    yield case("months with records in some", DAYS, answers={"items": [
        {"when": {"start_time": "2024-02-01"}, "records": records("2024-02-03", "2024-02-17")},
        {"when": {"start_time": "2024-03-01"}, "records": records("2024-03-14")}]})
    yield case("a gap without records", DAYS, answers={"items": [
        {"when": {"start_time": "2024-01-01"}, "records": records("2024-01-09")}]})
    for step, granule in [("P1D", "P1D"), ("P7D", "P1D"), ("P1W", "P1D"), ("P10D", "P1D"), ("P30D", "P1D"), ("P2M", "P1D"),
                          ("P1Y", "P1D"), ("P100Y", "P1D"), ("P9999Y", "P1D"), ("P1M", "PT1S"), ("P15D", "PT1H"), ("P74D", "P1D"),
                          ("P75D", "P1D"), ("PT36H", "P1D"), ("P0D", "P1D")]:
        yield case(f"step {step} by {granule}", CURSOR | {"step": step, "cursor_granularity": granule, "start_datetime": "2024-02-20" if step in ("P1D", "PT36H") else "2024-01-01"})
    for step, granule in [("P1D", "PT1S"), ("PT12H", "PT1S"), ("P4D", "PT1M"), ("P1W", "PT0.000001S"), ("P1M", "PT1S")]:
        yield case(f"seconds, step {step} by {granule}", SECONDS | {"step": step, "cursor_granularity": granule})
        yield case(f"seconds, step {step} by {granule}, state", SECONDS | {"step": step, "cursor_granularity": granule}, state={"updated": "2024-03-10T11:12:13Z"})
    yield case("step without granularity", CURSOR | {"step": "P1D"})
    yield case("granularity without step", CURSOR | {"cursor_granularity": "P1D"})
    yield case("step from the configuration", CURSOR | {"step": "P{{ config['days'] }}D", "cursor_granularity": "P1D"}, config={"days": 30})
    yield case("start is now", CURSOR | {"start_datetime": "2024-03-15"}, now="2024-03-15T00:00:00+00:00")
    yield case("start is now with granularity", DAYS | {"start_datetime": "2024-03-15"}, now="2024-03-15T00:00:00+00:00")
    yield case("start is now, strictly", DAYS | {"start_datetime": "2024-03-15", "is_compare_strictly": True}, now="2024-03-15T00:00:00+00:00")
    yield case("start after now", CURSOR | {"start_datetime": "2024-03-16"})
    yield case("strictly in steps", DAYS | {"is_compare_strictly": True}, now="2024-03-01T00:00:00+00:00")
    yield case("one step to the day", DAYS, now="2024-02-01T00:00:00+00:00")
    yield case("one step and a day", DAYS, now="2024-02-02T00:00:00+00:00")
    for lookback in ["P1D", "P5D", "P1M", "P1Y", "PT6H", "P{{ config['days'] }}D", "{{ config['none'] }}"]:
        yield case(f"lookback {lookback}", CURSOR | {"lookback_window": lookback}, state={"updated": "2024-03-10"}, config={"days": 3}, answers={"items": updated})
        yield case(f"lookback {lookback} without state", CURSOR | {"lookback_window": lookback}, config={"days": 3})
        yield case(f"lookback {lookback} in steps", DAYS | {"lookback_window": lookback}, state={"updated": "2024-03-10"}, config={"days": 3})
    for end in ["2024-03-01", "{{ config['end'] }}", "{{ now_utc().strftime('%Y-%m-%d') }}", "{{ day_delta(-5, '%Y-%m-%d') }}", "2023-12-01", "2024-01-01",
                {"type": "MinMaxDatetime", "datetime": "2024-06-01", "max_datetime": "{{ day_delta(-1, '%Y-%m-%d') }}"},
                {"type": "MinMaxDatetime", "datetime": "01/03/2024", "datetime_format": "%d/%m/%Y"},
                {"type": "MinMaxDatetime", "datetime": "2024-01-20", "min_datetime": "2024-02-02"}, "{{ now_utc() }}", "soon"]:
        shown = end if isinstance(end, str) else "/".join(str(value) for value in end.values())
        yield case(f"end {shown}", CURSOR | {"end_datetime": end}, config={"end": "2024-03-02"}, answers={"items": updated})
        yield case(f"end {shown} in steps", DAYS | {"end_datetime": end}, config={"end": "2024-03-02"})
    for start in ["{{ config['start'] }}", "{{ config['missing'] }}", "{{ config['start'][:4] }}-01-01", "{{ day_delta(-30, '%Y-%m-%d') }}", "nothing",
                  {"type": "MinMaxDatetime", "datetime": "{{ config['start'] }}", "min_datetime": "{{ day_delta(-10, '%Y-%m-%d') }}"},
                  {"type": "MinMaxDatetime", "datetime": "{{ config['start'] }}", "max_datetime": "2024-01-02", "datetime_format": ""},
                  {"type": "MinMaxDatetime", "datetime": "{{ config['start'] }}", "min_datetime": "{{ config['missing'] }}"},
                  {"type": "MinMaxDatetime", "datetime": "2024-02-03T04:05:06Z", "datetime_format": "%Y-%m-%dT%H:%M:%SZ"}]:
        shown = start if isinstance(start, str) else "/".join(str(value) for value in start.values())
        yield case(f"start {shown}", CURSOR | {"start_datetime": start}, config={"start": "2024-02-05"}, answers={"items": updated})
    yield from formats(case)
    yield from clamped(case)
    yield from intervals(case)


def formats(case):
    for form, start, samples in [
        ("%Y-%m-%dT%H:%M:%S.%f%z", "2024-03-01T00:00:00.000000+0000", ["2024-03-05T01:02:03.5+02:00", "2024-03-05T01:02:03.500000Z", "2024-03-05T00:00:00.1+0000"]),
        ("%Y-%m-%dT%H:%M:%S.%_msZ", "2024-03-01T00:00:00.000Z", ["2024-03-05T01:02:03.456Z", "2024-03-05T01:02:03.456789Z"]),
        ("%s", "1709251200", [1709600000, "1709600001", 1709600002.9, "x"]),
        ("%ms", "1709251200000", [1709600000123, "1709600001456", 1709600000999.5]),
        ("%s_as_float", "1709251200", [1709600000.125, "1709600001.5", 1709600002]),
        ("%epoch_microseconds", "1709251200000000", [1709600000123456, "1709600001456789"]),
        ("%Y%m%d", "20240301", [20240305, "20240306", "2024-03-07"]),
        ("%Y", "2023", [2024, "2022"]),
        ("%d.%m.%Y", "01.03.2024", ["05.03.2024", "11.02.2024", "06.03.2024"]),
        ("modified:[%Y-%m-%dT%H:%M:%SZ]", "modified:[2024-03-01T00:00:00Z]", ["modified:[2024-03-02T00:00:00Z]", "2024-03-05T00:00:00Z"]),
    ]:
        cursor = CURSOR | {"datetime_format": form, "start_datetime": start}
        answers = {"items": [{"records": records(*samples)}]}
        yield case(f"format {form}", cursor, answers=answers)
        yield case(f"format {form} client side", cursor | {"is_client_side_incremental": True}, answers=answers)
        yield case(f"format {form} in steps", cursor | {"step": "P5D", "cursor_granularity": "PT1S"}, answers=answers)
    inputs = CURSOR | {"cursor_datetime_formats": ["%Y-%m-%dT%H:%M:%SZ", "%s", "%d/%m/%Y"]}
    yield case("other formats of records", inputs, answers={"items": [{"records": records("2024-03-05T06:07:08Z", 1709600000, "06/03/2024", "2024-03-04", "March")}]})
    yield case("other formats of states", inputs, state={"updated": "2024-03-05T06:07:08Z"})
    yield case("other formats with steps", inputs | {"step": "P1W", "cursor_granularity": "P1D"}, state={"updated": "1709600000"})


def clamped(case):
    for target, details in [("DAY", None), ("WEEK", {"weekday": "MONDAY"}), ("WEEK", {"weekday": "FRIDAY"}), ("WEEK", {"weekday": "SUNDAY"}), ("MONTH", None),
                            ("WEEK", None), ("YEAR", None), ("WEEK", {"weekday": "NODAY"}), ("{{ config['target'] }}", None)]:
        clamping = {"target": target} | ({"target_details": details} if details else {})
        shown = f"{target} {details or ''}".strip()
        yield case(f"clamped to {shown}", CURSOR | {"clamping": clamping, "start_datetime": "2024-01-10"}, config={"target": "MONTH"})
        for step in ["P1D", "P1W", "P1M", "P10D"]:
            if step == "P1D" and target != "DAY":
                continue
            cursor = SECONDS | {"clamping": clamping, "step": step, "cursor_granularity": "PT1S", "start_datetime": "2024-01-10T05:00:00Z" if step != "P1D" else "2024-03-10T05:00:00Z"}
            yield case(f"clamped to {shown}, step {step}", cursor, config={"target": "MONTH"})
            yield case(f"clamped to {shown}, step {step}, state", cursor, config={"target": "MONTH"}, state={"updated": "2024-02-28T22:33:44Z"})


def intervals(case):
    def state(*slices):
        return {"state_type": "date-range", "slices": [dict(zip(("start", "end", "most_recent_cursor_value"), slice)) for slice in slices]}

    one = state(("2024-01-01", "2024-02-10", "2024-02-09"))
    two = state(("2024-01-01", "2024-01-20", "2024-01-19"), ("2024-02-10", "2024-03-01"))
    late = state(("2024-02-01", "2024-02-10"))
    for name, saved in [("one", one), ("two", two), ("late", late), ("touching", state(("2024-01-01", "2024-01-31"), ("2024-02-01", "2024-02-10"))),
                        ("overlapping", state(("2024-01-15", "2024-02-10", "2024-02-01"), ("2024-01-01", "2024-01-31", "2024-01-20")))]:
        yield case(f"intervals: {name}", CURSOR, state=saved)
        yield case(f"intervals in steps: {name}", DAYS, state=saved, answers={"items": [{"when": {"start_time": "2024-01-21"}, "records": records("2024-01-30")}]})


def fresh():
    """Filters on the client's side, feeds, borders in requests."""
    def case(name, cursor, **more):
        return {"name": f"fresh: {name}", "stream": stream(cursor=cursor)} | more

    dates = ["2023-12-31", "2024-01-01", "2024-02-14", "2024-02-15", "2024-02-16", "2024-03-15", "2024-03-16", "2025-01-01", "?", None]
    answers = {"items": [{"records": records(*dates)}]}
    local = CURSOR | {"is_client_side_incremental": True}
    feed = CURSOR | {"is_data_feed": True}
    for name, cursor in [("client side", local), ("feed", feed), ("both", local | feed), ("neither", CURSOR)]:
        for shown, state in [("", None), (" with state", {"updated": "2024-02-15"}), (" with state before start", {"updated": "2023-06-01"})]:
            yield case(name + shown, cursor, answers=answers, **({"state": state} if state else {}))
            yield case(name + shown + " and lookback", cursor | {"lookback_window": "P3D"}, answers=answers, **({"state": state} if state else {}))
        yield case(name + " with an end", cursor | {"end_datetime": "2024-03-01"}, answers=answers)
    options = {"start_time_option": put("since"), "end_time_option": put("until", "header")}
    yield case("borders in the request", CURSOR | options)
    yield case("borders in bodies", DAYS | {"start_time_option": put("since", "body_data"), "end_time_option": put("until", "body_data")})
    yield case("borders in a JSON body", DAYS | {"start_time_option": {"type": "RequestOption", "inject_into": "body_json", "field_path": ["filter", "since"]}})
    yield case("borders with names", CURSOR | options | {"partition_field_start": "from", "partition_field_end": "{{ config['to'] }}"}, config={"to": "to"})
    yield case("a border's name from the configuration", CURSOR | {"start_time_option": put("{{ config['name'] }}")}, config={"name": "after"})
    yield case("a field from the configuration", CURSOR | {"cursor_field": "{{ config['field'] }}"}, config={"field": "id"}, answers={"items": [{"records": [{"id": "2024-02-02"}]}]})


def counts():
    def case(name, state=None, **more):
        cursor = {"type": "IncrementingCountCursor", "cursor_field": "id"} | more
        answers = {"items": [{"records": [{"id": 5}, {"id": 12}, {"id": 7}]}]}
        return {"name": f"count: {name}", "stream": stream(cursor=cursor), "answers": answers, "config": {"from": 3}} | ({"state": state} if state else {})

    yield case("plain")
    yield case("start", start_value=4)
    yield case("start as text", start_value="4")
    yield case("start from the configuration", start_value="{{ config['from'] }}")
    yield case("start is no number", start_value="x")
    yield case("state", state={"id": 10})
    yield case("state before start", state={"id": 2}, start_value=4)
    yield case("state after all", state={"id": 100})
    yield case("option", start_value_option=put("since_id"), state={"id": 10})
    yield {"name": "count: no records", "stream": stream(cursor={"type": "IncrementingCountCursor", "cursor_field": "id"})}
    yield {"name": "count: with partitions", "stream": stream(cursor={"type": "IncrementingCountCursor", "cursor_field": "id"}, router=values(["a"]))}


def routers():
    def case(name, router, cursor=None, **more):
        return {"name": f"router: {name}", "stream": stream(cursor=cursor, router=router)} | more

    people = stream("people")
    answers = {"people": [{"records": [
        {"id": 1, "name": "Ada", "team": {"id": "x", "tags": ["p", "q"]}}, {"id": 2, "name": None, "team": None}, {"name": "nobody"},
        {"id": None}, {"id": 0, "name": ""}, {"id": "", "name": "e"}, {"id": 1, "name": "again"}, {"id": {"a": 1}}, {"id": [3]}, {"id": False}, {"id": 1.5}]}]}
    simple = {"people": [{"records": [{"id": index} for index in range(1, 6)]}]}
    yield case("list", values(["a", "b"]))
    yield case("list, option", values(["a", "b"], request_option=put("kind")))
    yield case("list, falsy values", values("{{ config['list'] }}", request_option=put("kind")), config={"list": [0, "", None, False, [], "x", 1, True, {"a": 1}, [1]]})
    yield case("list, header", values("{{ config['list'] }}", request_option=put("kind", "header")), config={"list": [1, 2.5, "x"]})
    yield case("list, JSON body", values("{{ config['list'] }}", request_option={"type": "RequestOption", "inject_into": "body_json", "field_path": ["a", "b"]}), config={"list": [1, "x", ["y"]]})
    yield case("list from text", values("{{ config['list'] }}"), config={"list": "abc"})
    yield case("list from a literal", values("['a', 'b']"))
    yield case("list from numbers in text", values("1,2,3"))
    yield case("list from nothing", values("{{ config['missing'] }}"))
    yield case("list of keys", values("{{ config['list'] }}"), config={"list": {"a": 1, "b": 2}})
    yield case("empty list", values([]))
    yield case("list is a number", values("{{ config['list'] }}"), config={"list": 5})
    yield case("list, duplicates", values(["a", "a", "b"]))
    yield case("list, duplicates with a cursor", values(["a", "a", "b"]), cursor=CURSOR)
    yield case("list, field from the configuration", values(["a"], field="{{ config['field'] }}"), config={"field": "sort"})
    yield case("one router in a list", [values(["a", "b"])])
    yield case("product", [values(["a", "b"]), values(["x", "y", "z"], field="size")])
    yield case("product of three", [values(["a", "b"]), values(["x", "y"], field="size"), values(["1", "2"], field="n")])
    yield case("product with an empty one", [values(["a", "b"]), values([], field="size")])
    yield case("product of the same field", [values(["a", "b"], request_option=put("p")), values(["x"], request_option=put("p"))])
    yield case("product with options", [values(["a", "b"], request_option=put("kind")), values(["x"], field="size", request_option=put("size", "header"))])
    yield case("product with parents", [substream(parent(people)), values(["x", "y"], field="size")], answers=simple)
    yield case("product of parents", [substream(parent(people)), substream(parent(stream("teams"), field="team_id"))], answers=simple | {"teams": [{"records": [{"id": "t"}, {"id": "u"}]}]})
    yield case("product with a cursor", [values(["a", "b"]), values(["x", "y"], field="size")], cursor=CURSOR)
    yield case("parents", substream(parent(people)), answers=answers)
    yield case("parents, option", substream(parent(people, request_option=put("person"))), answers=answers)
    yield case("parents, path", substream(parent(people, key="team/id")), answers=answers)
    yield case("parents, path with an index", substream(parent(people, key="team/tags/1")), answers=answers)
    yield case("parents, path with a slash first", substream(parent(people, key="/team/id")), answers=answers)
    yield case("parents, pattern", substream(parent(people, key="team/i*")), answers=answers)
    yield case("parents, extra fields", substream(parent(people, extra_fields=[["name"], ["team", "id"], ["team", "tags"]])), answers=answers)
    yield case("parents, key from the configuration", substream(parent(people, key="{{ config['key'] }}", field="{{ config['field'] }}")), answers=answers, config={"key": "name", "field": "who"})
    yield case("parents, none", substream(parent(people)))
    yield case("parents, several", substream(parent(people), parent(stream("teams"))), answers=simple | {"teams": [{"records": [{"id": "t"}, {"id": "u"}]}]})
    yield case("parents, several with options", substream(parent(people, request_option=put("person")), parent(stream("teams"), field="team_id", request_option=put("team"))),
               answers=simple | {"teams": [{"records": [{"id": "t"}]}]})
    yield case("parents, several with one option", substream(parent(people, request_option=put("owner")), parent(stream("teams"), request_option=put("owner"))),
               answers=simple | {"teams": [{"records": [{"id": "t"}]}]})
    orders = stream("orders", router=substream(parent(people, field="person_id")))
    nested = simple | {"orders": [{"when": {"person_id": 1}, "records": [{"id": 11}, {"id": 12}]}, {"when": {"person_id": 4}, "records": [{"id": 41}]}]}
    yield case("grandparents", substream(parent(orders, field="order_id")), answers=nested)
    yield case("grandparents with extra fields", substream(parent(orders, field="order_id", extra_fields=[["id"]])), answers=nested, cursor=CURSOR)
    deep = stream("lines", router=substream(parent(orders, field="order_id")))
    yield case("great-grandparents", substream(parent(deep, field="line_id")), answers=nested | {"lines": [{"when": {"order_id": 12}, "records": [{"id": 121}]}]})
    windowed = stream("people", cursor=DAYS)
    yield case("parents with windows", substream(parent(windowed)), answers={"people": [
        {"when": {"start_time": "2024-02-01"}, "records": records("2024-02-02", "2024-02-03")}, {"when": {"start_time": "2024-03-01"}, "records": [{"id": 9}]}]})
    yield case("parents with a list", substream(parent(stream("people", router=values(["a", "b"])))), answers={"people": [{"when": {"kind": "b"}, "records": [{"id": 3}]}]})
    yield case("grouping", grouping(2, values(["a", "b", "c", "d", "e"])))
    yield case("grouping, one group", grouping(10, values(["a", "b"])))
    yield case("grouping, duplicates", grouping(2, values(["a", "b", "a", "c", "b", "d"])))
    yield case("grouping, duplicates kept", grouping(2, values(["a", "b", "a", "c"]), deduplicate=False))
    yield case("grouping, empty", grouping(2, values([])))
    yield case("grouping, size 0", grouping(0, values(["a"])))
    yield case("grouping, parents", grouping(2, substream(parent(people, extra_fields=[["name"]]))), answers=simple)
    yield case("grouping, parents of lists", grouping(2, substream(parent(stream("people", router=values(["a", "b"]))))), answers={"people": [{"records": [{"id": 3}, {"id": 4}]}]})
    yield case("grouping, option below", grouping(2, values(["a"], request_option=put("p"))))
    yield case("grouping with a cursor", grouping(2, values(["a", "b", "c"])), cursor=CURSOR, answers={"items": [{"records": records("2024-02-02")}]})
    yield case("union", union(values(["a", "b"], field="repo"), values(["b", "c"], field="repo")))
    yield case("union with parents", union(values(["a", 'b'], field="repo"), substream(parent(people, field="repo", extra_fields=[["name"]]))), answers={"people": [{"records": [{"id": "b", "name": "x"}, {"id": "c"}, {"id": "c"}]}]})
    yield case("union of unions", union(values(["a"], field="repo"), union(values(["a", "b"], field="repo"), values(["c"], field="repo"))))
    yield case("union, other field", union(values(["a"], field="repo"), values(["b"], field="other")))
    yield case("union, option below", union(values(["a"], field="repo", request_option=put("p")), values(["b"], field="repo")))
    yield case("union with a cursor", union(values(["a", "b"], field="repo"), values(["b", "c"], field="repo")), cursor=CURSOR, answers={"items": [{"when": {"repo": "b"}, "records": records("2024-02-02")}]})
    yield case("group of a union", grouping(2, union(values(["a", "b"], field="repo"), values(["b", "c"], field="repo"))))
    yield case("options of router and cursor", values(["a", "b"], request_option=put("kind")), cursor=DAYS | {"start_time_option": put("since"), "end_time_option": put("until")})
    yield case("the same option of router and cursor", values(["a", "b"], request_option=put("x")), cursor=CURSOR | {"start_time_option": put("x")})


def grouping(size, router, **more):
    return {"type": "GroupingPartitionRouter", "group_size": size, "underlying_partition_router": router} | more


def union(*routers):
    return {"type": "UnionPartitionRouter", "partition_field": "repo", "partition_routers": list(routers)}


def partitions():
    """Positions of partitions, of all together, and of parents."""
    def case(name, router=None, cursor=CURSOR, parent_cursor=None, dependency=True, **more):
        if router is None:
            router = substream(parent(stream("people", cursor=parent_cursor), incremental_dependency=dependency))
        return {"name": f"partitions: {name}", "stream": stream(cursor=cursor, router=router)} | more

    kinds = values(["a", "b", "c"])
    answers = {"items": [{"when": {"kind": "a"}, "records": records("2024-02-01", "2024-02-05")}, {"when": {"kind": "b"}, "records": records("2024-03-01")}]}
    known = {"use_global_cursor": False, "states": [{"partition": {"kind": "b"}, "cursor": {"updated": "2024-02-20"}}, {"partition": {"kind": "z"}, "cursor": {"updated": "2024-01-20"}}],
             "state": {"updated": "2024-02-22"}, "lookback_window": 5}
    yield case("first read", kinds, answers=answers)
    yield case("first read without records", kinds)
    yield case("known partitions", kinds, answers=answers, state=known)
    yield case("known partitions, days of lookback", kinds, answers=answers, state=known | {"lookback_window": 86400 * 3})
    yield case("known partitions without a common position", kinds, answers=answers, state={"states": known["states"]})
    yield case("common position only", kinds, answers=answers, state={"state": {"updated": "2024-02-22"}})
    yield case("common position, global", kinds, answers=answers, state={"use_global_cursor": True, "state": {"updated": "2024-02-22"}, "lookback_window": 90000})
    yield case("bare state", kinds, answers=answers, state={"updated": "2024-02-22"})
    yield case("bare state of another field", kinds, answers=answers, state={"other": "2024-02-22"})
    yield case("state of no cursor", kinds, answers=answers, state={"__ab_no_cursor_state_message": True})
    yield case("lookback as text", kinds, state=known | {"lookback_window": "7"})
    yield case("a partition without cursor", kinds, state={"states": [{"partition": {"kind": "a"}}]})
    yield case("global substream cursor", kinds, cursor=CURSOR | {"global_substream_cursor": True}, answers=answers)
    yield case("global substream cursor with state", kinds, cursor=CURSOR | {"global_substream_cursor": True}, answers=answers, state={"use_global_cursor": True, "state": {"updated": "2024-02-22"}, "lookback_window": 1})
    yield case("global substream cursor with the old state", kinds, cursor=CURSOR | {"global_substream_cursor": True}, answers=answers, state={"state": {"updated": "2024-02-22"}, "lookback_window": 1})
    yield case("windows", kinds, cursor=DAYS, answers={"items": [{"when": {"kind": "b", "start_time": "2024-02-01"}, "records": records("2024-02-07")}]})
    yield case("windows with state", kinds, cursor=DAYS, state=known)
    yield case("lookback of the cursor", kinds, cursor=CURSOR | {"lookback_window": "P3D"}, state=known, answers=answers)
    yield case("states after now", kinds, state={"states": [{"partition": {"kind": "a"}, "cursor": {"updated": "2030-01-01"}}]}, answers=answers)
    yield case("client side", kinds, cursor=CURSOR | {"is_client_side_incremental": True}, state=known, answers=answers)
    yield case("client side, global", kinds, cursor=CURSOR | {"is_client_side_incremental": True, "global_substream_cursor": True}, answers=answers,
               state={"use_global_cursor": True, "state": {"updated": "2024-02-22"}, "lookback_window": 90000})
    yield case("feed", kinds, cursor=CURSOR | {"is_data_feed": True}, state=known, answers=answers)
    yield case("text is compared", kinds, cursor=CURSOR | {"datetime_format": "%d.%m.%Y", "start_datetime": "01.01.2024"},
               answers={"items": [{"when": {"kind": "a"}, "records": records("28.01.2024")}, {"when": {"kind": "b"}, "records": records("05.03.2024")}]})
    yield case("nested keys in order", substream(parent(stream("people", router=values(["b", "a"], field="z")), field="a_id")), answers={"people": [{"records": [{"id": 1}]}]})

    people = {"people": [{"records": [{"id": 1, "updated": "2024-02-01"}, {"id": 2, "updated": "2024-02-03"}, {"id": 3, "updated": "2024-02-02"}]}],
              "items": [{"when": {"parent_id": 1}, "records": records("2024-02-11")}, {"when": {"parent_id": 3}, "records": records("2024-02-12")}]}
    monthly = {"people": [{"when": {"start_time": "2024-01-01"}, "records": [{"id": 1, "updated": "2024-01-04"}, {"id": 2, "updated": "2024-01-03"}]},
                          {"when": {"start_time": "2024-02-01"}, "records": [{"updated": "2024-02-20"}]},
                          {"when": {"start_time": "2024-03-01"}, "records": [{"id": 4, "updated": "2024-03-02"}, {"id": 5, "updated": "2024-03-05"}]}],
               "items": people["items"]}
    yield case("a parent with a cursor", parent_cursor=CURSOR, answers=people)
    yield case("a parent with a cursor that is not followed", parent_cursor=CURSOR, dependency=False, answers=people)
    yield case("a parent without cursor", answers=people)
    yield case("a parent with windows", parent_cursor=DAYS, answers=monthly)
    yield case("a parent with windows and a child with windows", cursor=DAYS, parent_cursor=DAYS, answers=monthly)
    yield case("a parent with windows, global", cursor=CURSOR | {"global_substream_cursor": True}, parent_cursor=DAYS, answers=monthly)
    for name, state in [
        ("its state", {"states": [{"partition": {"parent_id": 1, "parent_slice": {}}, "cursor": {"updated": "2024-02-10"}}], "state": {"updated": "2024-02-11"}, "parent_state": {"people": {"updated": "2024-02-02"}}}),
        ("another's state", {"states": [], "state": {"updated": "2024-02-11"}, "parent_state": {"others": {"updated": "2024-02-02"}}}),
        ("the child's common position", {"state": {"updated": "2024-02-02"}}),
        ("a bare value", {"updated": "2024-02-02"}), ("a bare mark", {"__ab_full_refresh_sync_complete": True}), ("two bare values", {"updated": "2024-02-02", "other": 1})]:
        yield case(f"a parent with {name}", parent_cursor=CURSOR, answers=people, state=state)
        yield case(f"a parent with {name}, in windows", parent_cursor=DAYS, answers=monthly, state=state)
    divided = substream(parent(stream("people", cursor=CURSOR, router=values(["x", "y"])), incremental_dependency=True))
    yield case("a parent with partitions", divided, answers=people)
    yield case("a parent with partitions and state", divided, answers=people, state={"states": [], "parent_state": {"people": {"states": [{"partition": {"kind": "x"}, "cursor": {"updated": "2024-02-02"}}], "state": {"updated": "2024-02-02"}}}})
    two = substream(parent(stream("people", cursor=CURSOR), incremental_dependency=True), parent(stream("teams", cursor=DAYS), incremental_dependency=True))
    yield case("two parents with cursors", two, answers=people | {"teams": [{"when": {"start_time": "2024-02-01"}, "records": records("2024-02-02", "2024-02-09")}]})
    yield case("grouped parents with cursors", grouping(2, substream(parent(stream("people", cursor=CURSOR), incremental_dependency=True))), answers=people)
    yield case("a union with parents with cursors", union(values(["a"], field="repo"), substream(parent(stream("people", cursor=CURSOR), field="repo", incremental_dependency=True))), answers=people)
    grand = substream(parent(stream("orders", cursor=CURSOR, router=substream(parent(stream("people", cursor=CURSOR), field="person_id", incremental_dependency=True))), field="order_id", incremental_dependency=True))
    yield case("grandparents with cursors", grand, answers=people | {"orders": [{"when": {"person_id": 1}, "records": records("2024-02-15", "2024-02-17")}, {"when": {"person_id": 3}, "records": [{"id": 7, "updated": "2024-02-16"}]}]})
    yield case("duplicates of parents", parent_cursor=CURSOR, answers={"people": [{"records": [{"id": 1}, {"id": 2}, {"id": 1}, {"id": 1}]}]} | {"items": people["items"]})


def others():
    """Migrations of states, streams that delegate, streams without cursor."""
    router = substream(parent(stream("people")))
    migration = {"state_migrations": [{"type": "LegacyToPerPartitionStateMigration"}]}
    answers = {"people": [{"records": [{"id": "1"}, {"id": "2"}]}]}
    for name, state in [("legacy", {"1": {"updated": "2024-02-02"}, "7": {"updated": "2024-02-03"}}), ("none", None), ("new", {"states": [], "state": {"updated": "2024-02-02"}}),
                        ("another field", {"1": {"other": "2024-02-02"}}), ("two fields", {"1": {"updated": "2024-02-02", "other": 1}}), ("bare", {"updated": "2024-02-02"})]:
        yield {"name": f"migration: {name}", "stream": stream(cursor=CURSOR, router=router, **migration), "answers": answers} | ({"state": state} if state else {})
    yield {"name": "migration: two parents", "stream": stream(cursor=CURSOR, router=substream(parent(stream("people")), parent(stream("teams"))), **migration),
           "answers": answers, "state": {"1": {"updated": "2024-02-02"}}}
    yield {"name": "migration: union", "stream": stream(cursor=CURSOR, router=union(values(["a"], field="repo"), values(["b"], field="repo")), **migration), "state": {"a": {"updated": "2024-02-02"}}}
    yield {"name": "migration: list", "stream": stream(cursor=CURSOR, router=values(["a"]), **migration), "state": {"a": {"updated": "2024-02-02"}}}

    def delegating(name, state=None, full=None, retention=None, incremental=CURSOR, router=None, **more):
        both = {"type": "StateDelegatingStream", "name": "items", "full_refresh_stream": stream(cursor=full), "incremental_stream": stream(cursor=incremental, router=router)}
        both["full_refresh_stream"]["retriever"]["requester"]["path"] = "all"
        if retention:
            both["api_retention_period"] = retention
        return {"name": f"delegating: {name}", "stream": both | more, "answers": {"items": [{"records": records("2024-03-01")}]}} | ({"state": state} if state else {})

    yield delegating("first")
    yield delegating("first with a cursor", full=CURSOR)
    yield delegating("after a full read", state={"__ab_no_cursor_state_message": True})
    yield delegating("with state", state={"updated": "2024-02-02"})
    yield delegating("within retention", state={"updated": "2024-03-01"}, retention="P30D")
    yield delegating("beyond retention", state={"updated": "2024-02-01"}, retention="P30D")
    yield delegating("retention with a cursor", state={"updated": "2024-02-01"}, retention="P30D", full=CURSOR)
    yield delegating("retention and the mark", state={"__ab_no_cursor_state_message": True}, retention="P30D")
    yield delegating("retention and nothing known", state={"other": 1}, retention="P30D")
    yield delegating("retention of partitions", state={"state": {"updated": "2024-03-01"}}, retention="P30D", router=values(["a"]))
    yield delegating("old partitions", state={"state": {"updated": "2024-01-01"}}, retention="P30D", router=values(["a"]))
    yield delegating("retention of counts", state={"id": 1}, retention="P30D", incremental={"type": "IncrementingCountCursor", "cursor_field": "id"})
    yield delegating("retention of months", state={"updated": "2024-02-16"}, retention="P1M")
    yield {"name": "no cursor", "stream": stream(), "answers": {"items": [{"records": records("2024-03-01")}]}}
    yield {"name": "no cursor with state", "stream": stream(), "state": {"updated": "2024-02-02"}}
    yield {"name": "no cursor, divided", "stream": stream(router=substream(parent(stream("people", cursor=CURSOR), incremental_dependency=True))), "state": {"parent_state": {"people": {"updated": "2024-02-02"}}},
           "answers": {"people": [{"records": [{"id": 1}]}]}}


def cases():
    for part in (windows, fresh, counts, routers, partitions, others):
        yield from part()

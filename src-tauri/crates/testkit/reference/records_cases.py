"""The cases of `records.py`."""


def case(name, body, extractor=None, selector=None, transformations=(), schema=None):
    return {"name": name, "body": body, "extractor": extractor or dpath(), "selector": selector or {},
            "transformations": list(transformations), "schema": schema or {}}


def dpath(*path, **more):
    return {"type": "DpathExtractor", "field_path": list(path), **more}


def combined(*extractors, **more):
    return {"type": "CombinedExtractor", "extractors": list(extractors), **more}


def expander(*path, **more):
    return {"type": "RecordExpander", "expand_records_from_field": list(path), **more}


def parent(source, target):
    return {"type": "ParentFieldPath", "parent_path": source, "record_path": target}


def add(path, value, condition=None, value_type=None):
    field = {"type": "AddedFieldDefinition", "path": path, "value": value}
    if value_type:
        field["value_type"] = value_type
    made = {"type": "AddFields", "fields": [field]}
    return made if condition is None else {**made, "condition": condition}


def remove(*pointers, **more):
    return {"type": "RemoveFields", "field_pointers": list(pointers), **more}


def kept(condition, **more):
    return {"record_filter": {"type": "RecordFilter", "condition": condition}, **more}


def extracting():
    nested = {"data": {"items": [{"id": 1}, {"id": 2}], "one": {"id": 3}, "none": None, "zero": 0, "text": "x", "empty": {},
                       "list": []}, "other_items": [{"id": 9}], "1": {"id": 8}, "deep": [[{"id": 4}], [{"id": 5}]]}
    paths = [[], ["data"], ["data", "items"], ["data", "one"], ["data", "none"], ["data", "zero"], ["data", "text"],
             ["data", "empty"], ["data", "list"], ["data", "missing"], ["missing", "x"], ["data", "items", "0"],
             ["data", "items", "1", "id"], ["data", "items", "-1"], ["data", "items", "5"], ["data", "items", "*"],
             ["data", "items", "*", "id"], ["data", "*"], ["*", "items"], ["*"], ["{{ config['field'] }}", "items"],
             ["data", "items", "{{ config['index'] }}"], ["data", "items", "{{ config['missing'] }}"], ["d?ta", "one"],
             ["da*", "items"], ["*_items"], ["*a*"], ["[do]*"], ["1"], ["deep", "*", "*"], ["deep", "*"], ["deep", "0"],
             ["deep", "*", "0", "id"], ["**", "id"], ["data", "**", "id"], ["**", "items"], ["*", "items", "**"], ["data", "items", "01"],
             ["data", "items", "+1"], ["data", "items", "[01]"], ["data", "items", "?"], ["da[!x]a", "one"], [""], ["data", ""],
             ["data", "one", "id"], ["data", "text", "0"], ["Data"], ["data", "o*"]]
    for path in paths:
        yield case(f"path {path}", nested, dpath(*path))
    for body in [[{"id": 1}, {"id": 2}], {"id": 1}, "text", 5, True, [1, 2], [[{"id": 1}], [{"id": 2}]], [{"data": [{"id": 1}]}, {"data": [{"id": 2}]}],
                 [{"data": {"id": 1}}, {"x": 1}, {"data": None}], {}]:
        yield case(f"body {body}", body)
        yield case(f"body {body} with a path", body, dpath("data"))
        yield case(f"body {body} with a star", body, dpath("*", "id"))


def combining():
    body = {"a": [{"id": 1}, None, {}], "b": [{"id": 2}], "c": [], "d": {"id": 3}, "e": [None, {}]}
    for names in ["ab", "ca", "eb", "cx", "da", "bd", "xe"]:
        for mode in ["union", "first_match"]:
            for skip in [False, True]:
                yield case(f"combined {names} {mode} {skip}", body,
                           combined(*[dpath(name) for name in names], mode=mode, skip_empty_records=skip))
    yield case("combined in combined", body, combined(combined(dpath("c"), dpath("b"), mode="first_match"), dpath("d")))
    yield case("combined without mode", body, combined(dpath("b"), dpath("d")))


def expanding():
    body = {"data": [{"id": 1, "n": {"x": 5, "l": [7, 8]}, "lines": {"data": [{"k": 1}, {"k": 2, "id": 9}], "more": True}},
                     {"id": 2, "lines": {"data": []}}, {"id": 3}, {"id": 4, "lines": {"data": ["a", None]}},
                     {"id": 5, "lines": {"data": {"k": 3}}}]}
    for more in [{}, {"remain_original_record": True}, {"on_no_records": "emit_parent"}, {"merge_parent": True},
                 {"merge_parent": True, "remain_original_record": True},
                 {"parent_fields": [parent(["id"], ["parent_id"]), parent(["n", "x"], ["up", "x"]), parent(["nothing"], ["none"])]},
                 {"parent_fields": [parent(["n", "l", "-1"], ["last"])], "merge_parent": True, "on_no_records": "emit_parent"},
                 {"parent_fields": [parent(["id"], ["k", "x"])]}, {"truncation_indicator_path": ["lines", "more"]}]:
        yield case(f"expanded {more}", body, dpath("data", record_expander=expander("lines", "data", **more)))
    sections = {"data": [{"id": 1, "s": [{"items": [{"k": 1}]}, {"items": [{"k": 2}], "t": 1}], "o": 1}]}
    for more in [{}, {"merge_parent": True}]:
        yield case(f"expanded by star {more}", sections, dpath("data", record_expander=expander("s", "*", "items", **more)))
    yield case("expanded one", {"data": {"l": [{"k": 1}]}}, dpath("data", record_expander=expander("l")))
    yield case("expanded by template", {"data": [1, "x"]}, record_expander_at("{{ config['field'] }}"))
    yield case("expanded texts", {"x": ["a", {"data": [{"k": 1}]}]}, dpath("x", record_expander=expander("data")))
    yield case("expanded by nothing", {"x": [{"k": 1}]}, dpath("x", record_expander=expander()))


def record_expander_at(path):
    return dpath(record_expander=expander(path))


def filtering():
    body = [{"id": 1, "s": "a", "n": None, "t": "2024-01-01"}, {"id": 2, "s": "", "l": [1]}, {"id": 3, "s": "0", "b": False}]
    for condition in ["{{ record['id'] > 1 }}", "{{ record.s }}", "{{ record['n'] is none }}", "{{ record['x'] }}", "{{ record.x.y }}", "",
                      "{{ stream_slice['id'] == 7 }}", "{{ stream_partition.name }}", "{{ next_page_token['next_page_token'] == 5 }}",
                      "{{ stream_slice.extra_fields['colour'] == 'red' }}", "{{ config['number'] == record['id'] }}", "{{ 'l' in record }}",
                      "{{ record['t'] >= stream_interval['start_time'] }}", "False", "true", "{{ record.get('b', True) }}", "{{ nothing }}",
                      "{{ record['id'] in [1, 3] and record['s'] != 'a' }}", "{{ parameters['p'] == 'q' }}"]:
        filtered = kept(condition)
        filtered["record_filter"]["$parameters"] = {"p": "q"}
        yield case(f"filter {condition}", body, selector=filtered)
    change = add(["s"], "changed")
    for first in [True, False]:
        yield case(f"filter and change {first}", body, selector=kept("{{ record['s'] == 'changed' }}", transform_before_filtering=first),
                   transformations=[change])
    yield case("filter and remove", body, selector=kept("{{ record['s'] }}"), transformations=[remove(["s"])])


def adding():
    record = {"id": 1, "f": 1.5, "s": "12", "n": None, "o": {"a": {"b": 2}}, "l": [1, {"x": 2}], "t": "text", "b": True}
    values = ["static", "12", "1.50", "{{ record['id'] }}", "{{ record['s'] }}", "{{ record['o'] }}", "{{ record['missing'] }}",
              "{{ record.o.a.b + 1 }}", "{{ record['n'] }}", "{{ record['f'] * 2 }}", "{{ record['l'] }}", "{{ record['b'] }}", "",
              "{{ stream_slice['name'] }}", "{{ stream_partition.id }}", "{{ config['prefix'] ~ record['t'] }}", "{{ 'a,b'.split(',') }}",
              "{{ record['t'] | upper }}", "{{ record['missing'] or 'x' }}", "{{ none }}", "{{ record['o'].get('z', {}).get('y') }}",
              "{{ stream_slice.extra_fields['colour'] }}", "{{ parameters['p'] }}", "{{ record['id'] }}-{{ record['s'] }}", "{{ record.o.z.y }}"]
    for value in values:
        made = add(["new"], value)
        made["$parameters"] = {"p": "q"}
        yield case(f"add {value}", record, transformations=[made])
    for kind in ["string", "number", "integer", "boolean"]:
        for value in ["{{ record['id'] }}", "{{ record['f'] }}", "{{ record['s'] }}", "{{ record['b'] }}", "{{ record['t'] }}", "{{ record['n'] }}", "7", "1.0"]:
            yield case(f"add {kind} {value}", record, transformations=[add(["new"], value, value_type=kind)])
    for path in [["id"], ["o", "a", "c"], ["o", "x", "y"], ["new", "0"], ["new", "2", "x"], ["l", "0"], ["l", "4"], ["l", "1", "x"], ["l", "3", "y"],
                 ["a*"], ["id", "x"], ["t", "0"], ["n", "x"], ["l", "x"], ["o"], ["", "x"]]:
        yield case(f"add at {path}", record, transformations=[add(path, "v")])
    for condition in ["{{ record['id'] == 1 }}", "{{ record['id'] == 2 }}", "{{ value == 'v' }}", "{{ path[0] == 'new' }}", "{{ path }}", "{{ missing }}"]:
        yield case(f"add if {condition}", record, transformations=[add(["new"], "v", condition=condition)])
    chain = {"type": "AddFields", "fields": [{"type": "AddedFieldDefinition", "path": ["a"], "value": "1"},
                                              {"type": "AddedFieldDefinition", "path": ["c"], "value": "{{ record['a'] + 1 }}"}]}
    yield case("add in a chain", record, transformations=[chain])


def removing():
    record = {"a": 1, "b": {"c": 2, "d": {"e": None}}, "l": [1, 2, {"x": 3, "y": ""}], "ab": "", "n": None}
    for pointers in [[["a"]], [["b", "c"]], [["b"]], [["missing"]], [["b", "missing"]], [["a*"]], [["*"]], [["b", "*"]], [["l", "0"]], [["l", "2"]],
                     [["l", "*"]], [["l", "*", "x"]], [["l", "2", "x"]], [["**", "x"]], [["**"]], [["a"], ["b", "d"]], [["l", "-1"]], [["b", "d", "e"]],
                     [["[an]"]], [["l", "9"]], [["a", "x"]]]:
        yield case(f"remove {pointers}", record, transformations=[remove(*pointers)])
    yield case("remove all that is empty", {"a": "", "b": 1}, transformations=[remove(["**"], condition="{{ property == '' }}")])
    yield case("remove if it holds", {"a": 5, "b": 1}, transformations=[remove(["a"], condition="{{ property == 5 }}")])
    yield case("remove if it does not hold", {"a": 5, "b": 1}, transformations=[remove(["a"], condition="{{ property == 4 }}")])


def keys():
    record = {"FirstName": 1, "last-NAME": {"InnerKey": [{"ListKey": 1}]}, "ÜberID2": "x", "already_snake": None, "With Space": 1, "2fast": 1, "_lead": 1,
              "trail_": 1, "a__b": 1, "": 1, "HTTPServer": 1, "x.y": 1, "日本": 1, "Straße": 1, "İx": 1, "ñandú": 1, "a1B2": 1}
    yield case("lower", record, transformations=[{"type": "KeysToLower"}])
    for key in [key for key in record] + ["camelCase", "ID", "userIDs", "A", "aB", "$ref", "--", "-a", "a-", "A-B-C", "ß", "éÉ", "Ærø", "№5", "€uro", "Привет"]:
        yield case(f"snake {key}", {key: {"InnerKey": 1}}, transformations=[{"type": "KeysToSnakeCase"}])
    yield case("snake in lists", record, transformations=[{"type": "KeysToSnakeCase"}])
    yield case("snake that meets", {"aB": 1, "a_b": 2}, transformations=[{"type": "KeysToSnakeCase"}])
    for old, new in [(" ", "_"), ("Name", ""), ("{{ config['number'] }}", "x"), ("{{ record['old'] }}", "{{ stream_slice['id'] }}"), ("a", "aa"), ("", "-")]:
        yield case(f"replace {old} {new}", {"old": "my", "my key": 1, "Name 3": {"Name 3": [{"Name": 1}]}}, transformations=[
            {"type": "KeysReplace", "old": old, "new": new}])


def flattening():
    for record in [{"a": {"x": 1}, "b": {"x": 2}, "c": [3, 4]}, {"a": {"b": {"c": 1}}, "c": 2}, {"l": [{"x": 1}, {"x": 2}], "x": 3}, {"a": {}, "b": []},
                   {"a": [[1, 2], [3]], "z": {"y": 1}}, {"z": {"y": 1}, "a": [1]}, {"x": {"a": None}, "a": 1}, {"a": 1, "x": {"a": 2}}]:
        for lists in [True, False]:
            yield case(f"flatten {record} {lists}", record, transformations=[{"type": "FlattenFields", "flatten_lists": lists}])
    record = {"id": 1, "o": {"x": 1, "y": {"z": 2}}, "l": [{"a": 1}], "p": {"id": 5}, "m": {"one": {"q": 1}, "two": {"r": 2}}, "e": {}}
    for path, more in [(["o"], {}), (["o"], {"delete_origin_value": True}), (["o"], {"replace_record": True}), (["o", "y"], {"delete_origin_value": True}),
                       (["p"], {}), (["p"], {"replace_record": True}), (["m", "*"], {}), (["m", "*"], {"delete_origin_value": True}), (["missing"], {}),
                       (["l"], {}), (["l", "0"], {}), (["l", "*"], {"delete_origin_value": True}), (["id"], {}), (["e"], {"replace_record": True}),
                       (["o"], {"key_transformation": {"type": "KeyTransformation", "prefix": "{{ config['prefix'] }}", "suffix": "_s"}}),
                       (["p"], {"key_transformation": {"type": "KeyTransformation", "prefix": "p_"}, "delete_origin_value": True}),
                       (["{{ config['missing'] or 'o' }}"], {}), (["?"], {}), (["**", "y"], {}), ([], {}),
                       (["e"], {"delete_origin_value": True})]:
        yield case(f"flatten {path} {more}", record, transformations=[{"type": "DpathFlattenFields", "field_path": path, **more}])


def casting():
    values = ["12", "1.5", "x", "", " 7 ", "1_0", "yes", "No", "on", "True", "2", 1, 0, 1.9, -1.9, 1e20, True, False, None, [1], [], {"a": True}, "1e3"]
    for kind in ["string", "number", "integer", "boolean", "object"]:
        for allowed in [kind, ["null", kind]]:
            fields = {f"f{at}": value for at, value in enumerate(values)}
            schema = {"properties": {name: {"type": allowed} for name in fields}}
            yield case(f"cast to {allowed}", fields, selector={"schema_normalization": "Default"}, schema=schema)
    arrays = [{"type": "array", "items": {"type": "string"}}, {"type": "array", "items": {"type": ["string"]}}, {"type": "array", "items": {"type": ["null", "integer"]}},
              {"type": "array"}, {"type": "array", "items": {}}, {"type": "array", "items": {"type": "object"}}, {"type": ["null", "array"], "items": {"type": ["object"]}}]
    for items in arrays:
        for value in ["x", 5, ["1", 2], {"a": 1}, None, [], True]:
            yield case(f"cast {value} to {items}", {"l": value}, selector={"schema_normalization": "Default"}, schema={"properties": {"l": items}})
    more = [({"type": ["string", "integer"]}, 5), ({"type": ["string", "null", "integer"]}, None), ({}, 5), ({"type": []}, 5),
            ({"type": "object", "properties": {"x": {"type": "string"}}}, {"x": 1, "y": 2}), ({"properties": {"x": {"type": "integer"}}}, {"x": "1"}),
            ({"type": "object", "properties": {"x": {"type": "string"}}}, "{\"x\": 1}"), 
            ({"type": "array", "items": {"type": "object", "properties": {"x": {"type": "number"}}}}, [{"x": "1"}, {"x": "y"}]),
            ({"anyOf": [{"type": "string"}]}, 5), ({"oneOf": [{"type": "string"}]}, 5), ({"allOf": [{"type": "string"}]}, 5),
            ({"type": "array", "items": [{"type": "string"}]}, [1, 2]), ({"type": "string", "format": "date-time"}, 1700000000),
            ({"type": "object", "additionalProperties": {"type": "string"}}, {"x": 1}), ({"type": "null"}, 5)]
    for schema, value in more:
        yield case(f"cast {value} to {schema}", {"v": value, "w": 1}, selector={"schema_normalization": "Default"},
                   schema={"properties": {"v": schema}})
    yield case("no cast", {"v": 5}, selector={"schema_normalization": "None"}, schema={"properties": {"v": {"type": "string"}}})
    yield case("cast after a change", {"v": 5}, selector={"schema_normalization": "Default", **kept("{{ record['v'] == 5 }}")},
               transformations=[add(["w"], "{{ record['v'] }}")], schema={"properties": {"v": {"type": "string"}, "w": {"type": "string"}}})


def cases():
    for group in [extracting, combining, expanding, filtering, adding, removing, keys, flattening, casting]:
        yield from group()

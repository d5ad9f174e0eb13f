"""The cases of `paginators.py`."""

BASE = "https://api.example.com"


def items(*counts, **more):
    """Answers with so many records each."""
    number, answers = 0, []
    for at, count in enumerate(counts):
        records = [{"id": number + offset} for offset in range(count)]
        number += count
        answers.append({"body": {"items": records, **{key: value[at] for key, value in more.items()}}})
    return answers


def option(place="request_parameter", name="page"):
    key = "field_path" if isinstance(name, list) else "field_name"
    return {"type": "RequestOption", "inject_into": place, key: name}


def paginator(strategy, token=None, size=None):
    made = {"type": "DefaultPaginator", "pagination_strategy": strategy, "page_token_option": token or option()}
    if size:
        made["page_size_option"] = size
    return made


def case(name, paging, answers, selector=None, requester=None, **more):
    selector = {"type": "RecordSelector", "extractor": {"type": "DpathExtractor", "field_path": ["items"]}, **(selector or {})}
    requester = {"type": "HttpRequester", "url_base": BASE, "path": "/v1/items", "http_method": "GET", **(requester or {})}
    retriever = {"type": "SimpleRetriever", "requester": requester, "record_selector": selector, **more}
    if paging:
        retriever["paginator"] = paging
    return {"name": name, "retriever": retriever, "answers": answers}


def pages(**more):
    return {"type": "PageIncrement", **more}


def offsets(**more):
    return {"type": "OffsetIncrement", **more}


def cursor(value, **more):
    return {"type": "CursorPagination", "cursor_value": value, **more}


def only(condition):
    return {"record_filter": {"type": "RecordFilter", "condition": condition}}


def handled(*filters):
    return {"error_handler": {"type": "DefaultErrorHandler", "response_filters": [
        {"type": "HttpResponseFilter", **response_filter} for response_filter in filters]}}


def increments():
    size = option(name="size")
    for kind in [pages, offsets]:
        name = kind.__name__
        yield case(f"{name} without size", paginator(kind()), items(2, 1, 0))
        yield case(f"{name} with size", paginator(kind(page_size=2), size=size), items(2, 2, 1))
        yield case(f"{name} with a full last page", paginator(kind(page_size=2), size=size), items(2, 2, 0))
        yield case(f"{name} with a size as text", paginator(kind(page_size="2"), size=size), items(2, 1))
        yield case(f"{name} with a size by configuration", paginator(kind(page_size="{{ config['size'] }}"), size=size), items(2, 1))
        yield case(f"{name} with a size by a text", paginator(kind(page_size="{{ config['text'] }}"), size=size), items(2, 1))
        yield case(f"{name} with a size that is none", paginator(kind(page_size="{{ config['missing'] }}"), size=size), items(2, 1))
        yield case(f"{name} with more than asked for", paginator(kind(page_size=2), size=size), items(3, 3, 0))
        yield case(f"{name} with nothing", paginator(kind(page_size=2), size=size), items(0))
        yield case(f"{name} told at first", paginator(kind(page_size=2, inject_on_first_request=True), size=size), items(2, 1))
        yield case(f"{name} filtered", paginator(kind(page_size=2)), items(2, 2, 1), only("{{ record['id'] == 0 }}"))
        yield case(f"{name} in a header", paginator(kind(page_size=2), option("header", "X-Page"), option("header", "X-Size")), items(2, 1))
        for place in ["body_json", "body_data"]:
            yield case(f"{name} in {place}", paginator(kind(page_size=2), option(place, "page"), option(place, "size")), items(2, 1), requester={"http_method": "POST"})
        yield case(f"{name} nested", paginator(kind(page_size=2), option("body_json", ["a", "page"]), option("body_json", ["a", "size"])), items(2, 1), requester={"http_method": "POST"})
        yield case(f"{name} as a path", paginator(kind(page_size=2), {"type": "RequestPath"}), items(2, 1))
        yield case(f"{name} for ever", paginator(kind()), items(1))
        yield case(f"{name} seen by templates", paginator(kind(page_size=2)), items(2, 2, 1), requester={
            "request_parameters": {"t": "{{ next_page_token['next_page_token'] or 'first' }}"}})
        yield case(f"{name} sets a parameter twice", paginator(kind(page_size=2)), items(2, 1), requester={"request_parameters": {"page": "x"}})
    yield case("pages from one", paginator(pages(start_from_page=1, page_size=2)), items(2, 2, 1))
    yield case("pages from one told at first", paginator(pages(start_from_page=1, page_size=2, inject_on_first_request=True)), items(2, 2, 1))
    yield case("pages from zero told at first", paginator(pages(inject_on_first_request=True)), items(1, 0))
    yield case("pages from below", paginator(pages(start_from_page=-1, page_size=2)), items(2, 2, 1))
    yield case("no pagination", {"type": "NoPagination"}, items(2, 2))
    yield case("no paginator", None, items(2, 2))
    yield case("size without a strategy's size", paginator(pages(), size=size), items(1))


def cursors():
    size = option(name="size")
    tokens = {"next": ["a", "b", None]}
    for value in ["{{ response.next }}", "{{ response['next'] }}", "{{ response.get('next') }}", "{{ response.next or '' }}",
                  "{{ response['missing'] }}", "{{ response['missing']['x'] }}", "{{ {'c': response.next} if response.next else none }}"]:
        yield case(f"cursor {value}", paginator(cursor(value)), items(2, 2, 1, **tokens))
    for falsy in [0, "", False, [], {}, "0", "None", "false"]:
        yield case(f"cursor that is {falsy!r}", paginator(cursor("{{ response.next }}")), items(1, 1, next=["a", falsy]))
    for truthy in [5, "007", "1e3", "a b&c", True, ["x"], 1.5]:
        yield case(f"cursor that is {truthy!r}", paginator(cursor("{{ response.next }}")), items(1, 1, next=[truthy, None]))
    yield case("cursor with size", paginator(cursor("{{ response.next }}", page_size=2), size=size), items(2, 2, 1, **tokens))
    yield case("cursor by the last record", paginator(cursor("{{ last_record['id'] }}", stop_condition="{{ last_page_size < 2 }}")), items(2, 2, 1))
    yield case("cursor by the last record that is kept", paginator(cursor("{{ last_record['id'] }}", stop_condition="{{ last_page_size == 0 }}")),
               items(2, 2, 1), only("{{ record['id'] < 3 }}"))
    yield case("cursor without a last record", paginator(cursor("{{ last_record['id'] }}")), items(2, 0))
    yield case("cursor with the size asked for", paginator(cursor("{{ last_record['id'] }}", page_size=2, stop_condition="{{ last_page_size < page_size }}"), size=size), items(2, 2, 1))
    yield case("cursor that stops", paginator(cursor("{{ response.next }}", stop_condition="{{ not response.more }}")), items(1, 1, 1, next=["a", "b", "c"], more=[True, False, True]))
    yield case("cursor that stops by a field that is missing", paginator(cursor("{{ response.next }}", stop_condition="{{ response.more is not defined }}")), items(1, 1, **{"next": ["a", "b"]}))
    yield case("cursor by the slice", paginator(cursor("{{ stream_slice['id'] }}", stop_condition="{{ response.next is none }}")), items(1, 1, next=["a", None]))
    yield case("cursor by the configuration", paginator(cursor("{{ config['start'] }}", stop_condition="{{ response.next is none }}")), items(1, 1, next=["a", None]))
    yield case("cursor of plain text", paginator(cursor("again", stop_condition="{{ response.next is none }}")), items(1, 1, next=["a", None]))
    yield case("cursor for ever", paginator(cursor("{{ response.next }}")), items(1, next=["a"]))
    link = [{"body": {"items": [{"id": 1}]}, "headers": {"Link": f"<{BASE}/v1/items?page=2&x=1>; rel=\"next\", <{BASE}/v1/items>; rel=\"first\""}},
            {"body": {"items": [{"id": 2}]}, "headers": {"Link": f"<{BASE}/v1/items>; rel=\"first\""}}]
    yield case("link", paginator(cursor("{{ headers['link']['next']['url'] }}"), {"type": "RequestPath"}), link)
    yield case("link with a stop", paginator(cursor("{{ headers.link.next.url }}", stop_condition="{{ 'next' not in headers['link'] }}"), {"type": "RequestPath"}), link)
    named = [{"body": {"items": [{"id": 1}]}, "headers": {"X-Next": "abc"}}, {"body": {"items": [{"id": 2}]}}]
    for name in ["X-Next", "x-next"]:
        yield case(f"header {name}", paginator(cursor("{{ headers.get('" + name + "') }}")), named)
    for token in [BASE + "/v1/items?page=2", "/v1/more?page=2", "more?page=2", "https://api.example.com/v2/other?size=9"]:
        yield case(f"path {token}", paginator(cursor("{{ response.next }}", page_size=2), {"type": "RequestPath"}, size), items(2, 1, next=[token, None]), requester={
            "request_parameters": {"own": "1"}})
    lists = [{"body": [{"id": 1, "next": "a"}, {"id": 2, "next": "b"}]}, {"body": [{"id": 3, "next": None}]}]
    yield case("body that is a list", paginator(cursor("{{ response.next }}")), lists, {"extractor": {"type": "DpathExtractor", "field_path": []}})
    yield case("body that is an empty list", paginator(cursor("{{ response.next }}")), [{"body": []}], {"extractor": {"type": "DpathExtractor", "field_path": []}})


def handlers():
    paging = paginator(pages(page_size=2))
    for action in ["IGNORE", "SUCCESS", "FAIL"]:
        answers = [*items(2), {"status": 404, "body": {"items": [{"id": 8}, {"id": 9}]}}]
        yield case(f"404 that is {action}", paging, answers, requester=handled({"http_codes": [404], "action": action}))
        answers = [*items(2), {"status": 200, "body": {"items": [{"id": 8}, {"id": 9}], "e": "x"}}, *items(2, 2, 1)[2:]]
        yield case(f"200 that is {action}", paging, answers, requester=handled({"predicate": "{{ 'e' in response }}", "action": action}))
    reset = handled({"http_codes": [400], "action": "RESET_PAGINATION"})
    answers = items(2, 2, 2, 2, 1)
    refused = {"status": 400, "body": {}}
    for name, more in [("", {}), (" as said", {"pagination_reset": {"type": "PaginationReset", "action": "RESET"}})]:
        yield case("reset once" + name, paging, [answers[0], refused, answers[0], answers[4]], requester=reset, **more)
        yield case("reset twice" + name, paging, [answers[0], refused, answers[0], refused, answers[4]], requester=reset, **more)
    limit = {"pagination_reset": {"type": "PaginationReset", "action": "RESET", "limits": {"type": "PaginationResetLimits", "number_of_records": 4}}}
    yield case("reset by number", paging, answers, **limit)
    yield case("not reset by number", paging, items(2, 1), **limit)
    smaller = handled({"http_codes": [413], "action": "REDUCE_PAGE_SIZE"})
    refused = {"status": 413, "body": {}}
    for policy in ["NEVER", "AFTER_SUCCESSFUL_PAGE"]:
        for strategy in [offsets(page_size=8), cursor("{{ response.next }}", page_size=8), cursor("{{ last_record['id'] }}", page_size=8, stop_condition="{{ last_page_size < page_size }}")]:
            reduction = {"page_size_reduction": {"type": "PageSizeReduction", "reset_policy": policy}}
            made = paginator(strategy, size=option(name="size"))
            full = items(4, 8 if policy != "NEVER" else 4, 1, next=["a", "b", None])
            yield case(f"smaller {policy} {strategy['type']} {len(strategy)}", made, [refused, full[0], full[1], full[2]], requester=smaller, **reduction)
            yield case(f"smaller twice {policy} {strategy['type']} {len(strategy)}", made, [full[1], refused, refused, full[2]], requester=smaller, **reduction)
    made = paginator(offsets(page_size=8), size=option(name="size"))
    for name, more in [("at the end", {}), ("by four", {"reduction_factor": 4}), ("to three", {"minimum_page_size": 3}), ("at most twice", {"max_attempts": 2}),
                       ("by three and a half", {"reduction_factor": 3.5}), ("again at the end", {"retries_at_minimum_page_size": 2, "minimum_page_size": 4}), ("below", {"minimum_page_size": 8})]:
        yield case("smaller " + name, made, [refused], requester=smaller, page_size_reduction={"type": "PageSizeReduction", **more})
    yield case("smaller pages", paginator(pages(page_size=8), size=option(name="size")), [refused], requester=smaller, page_size_reduction={"type": "PageSizeReduction"})
    yield case("smaller without option", paginator(offsets(page_size=8)), [refused], requester=smaller, page_size_reduction={"type": "PageSizeReduction"})
    yield case("smaller without word", made, [refused], requester=smaller)
    path = paginator(cursor("{{ response.next }}", page_size=8), {"type": "RequestPath"}, option(name="size"))
    yield case("smaller paths", path, [refused], requester=smaller, page_size_reduction={"type": "PageSizeReduction"})


def cases():
    for group in [increments, cursors, handlers]:
        yield from group()

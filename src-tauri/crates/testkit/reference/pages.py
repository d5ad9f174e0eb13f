"""Pages of records that a paginator goes through to the end."""

import copy
import io
import itertools
import json
import random
from datetime import timedelta

import requests
import urllib3
from airbyte_cdk.sources.declarative.datetime.datetime_parser import DatetimeParser
from airbyte_cdk.sources.declarative.requesters.request_path import RequestPath

import bodies
import plan
import templates
import values

ABSENT = object()
TRIES = 2500


class Pages:
    """Answers the requests of retrievers."""

    def __init__(self, streams, seed):
        self.streams = streams
        self.seed = seed
        self.tokens = {}
        self.good = {}

    def number(self, retriever, slice_, token):
        """Which page of which slice is asked for. Must be told of every request, also of those answered before."""
        where = (retriever.name, json.dumps(dict(slice_ or {}), sort_keys=True, default=str))
        seen = self.tokens.setdefault(where, {})
        return where, seen.setdefault(json.dumps(token, default=str), len(seen))

    def answer(self, url, retriever, slice_, token):
        expected = self.streams.get(retriever.name) or plan.Expected()
        where, number = self.number(retriever, slice_, token)
        paginator = getattr(retriever, "_paginator", None)
        last = number >= (1 if expected.parent else 2) or not turns(retriever, paginator)
        strategy = getattr(paginator, "pagination_strategy", None)
        strategy = getattr(strategy, "_delegate", strategy)
        page = Page(self, retriever, expected, slice_, where, number)
        kind = type(strategy).__name__
        if kind == "CursorPaginationStrategy":
            return self.search(page, paginator, strategy, last, url)
        if kind in ("PageIncrement", "OffsetIncrement"):
            return page.answer(counted(strategy, number, last))
        return page.answer(3)

    def search(self, page, paginator, strategy, last, url):
        """Finds out which fields make the paginator go on or stop, by asking it."""
        texts = [getattr(strategy._cursor_value, "string", ""), getattr(strategy._stop_condition, "condition", "")]
        fields = [path for text in texts for path in templates.paths(text, "response")]
        fields = [path for path in dict.fromkeys(fields) if plan.usable(path) and not page.holds(path)]
        headers = [path[0] for text in texts for path in templates.paths(text, "headers")]
        headers = list(dict.fromkeys("link" if str(name).lower() == "link" else name for name in headers))
        prefer_url = isinstance(paginator.page_token_option, RequestPath)
        for stop in ([True] if last else [False, True]):
            pool = candidates(page.number + 1, url, prefer_url, stop)
            counts = [1, 0, 2] if stop else [2, 100]
            memory = (id(strategy), stop)
            spaces = [range(len(counts)), *([range(len(pool))] * (len(fields) + len(headers)))]
            remembered = [self.good[memory]] if memory in self.good else []
            for choice in itertools.chain(remembered, itertools.islice(itertools.product(*spaces), TRIES)):
                picked = [pool[index] for index in choice[1:]]
                answer = page.answer(counts[choice[0]], fields, headers, picked, url)
                if page.accepts(strategy, answer, stop, self.tokens[page.where]):
                    self.good[memory] = choice
                    return answer
        return page.answer(0)


def probe(strategy):
    """A copy to ask: templates remember when they could not be evaluated."""
    asked = copy.copy(strategy)
    asked._cursor_value = copy.copy(strategy._cursor_value)
    asked._stop_condition = copy.copy(strategy._stop_condition)
    return asked


def turns(retriever, paginator):
    """Whether the token gets into the next request at all. Where it does not, the next page is this one again."""
    if getattr(paginator, "page_token_option", None) is not None:
        return True
    return "next_page_token" in repr(getattr(retriever.requester, "request_options_provider", ""))


def candidates(number, url, prefer_url, stop):
    """Values that APIs put where a paginator looks."""
    base = url.split("?")[0]
    link = f"{base}?page={number}&offset={number}&cursor=c{number}&after=c{number}&page_token=c{number}"
    go = [link, f"c{number}"] if prefer_url else [f"c{number}", link]
    if stop:
        return [ABSENT, None, "", False, True, 0, number - 1, number, *go]
    return [*go, number, True, False, 99, 0, [{"href": link, "rel": "next", "url": link}], ABSENT, None]


def counted(strategy, number, last):
    """How many records a page has when the paginator counts them."""
    size = strategy.get_page_size()
    if size is None:
        return 0 if last else 2
    if size > 25:
        return 3
    return size - 1 if last else size


class Page:
    """One page of one slice."""

    def __init__(self, pages, retriever, expected, slice_, where, number):
        self.pages, self.retriever, self.expected = pages, retriever, expected
        self.slice, self.where, self.number = slice_, where, number
        extractor = retriever.record_selector.extractor
        extractor = (getattr(extractor, "extractors", None) or [extractor])[0]
        self.decoder = getattr(extractor, "decoder", None)
        steps = getattr(extractor, "_field_path", None) or []
        self.path = [str(step.eval(extractor.config)) for step in steps]
        self.made = []

    def holds(self, path):
        """Whether a path leads to or into the records."""
        return bool(self.path) and list(path[: len(self.path)]) == self.path[: len(path)]

    def answer(self, count, fields=(), headers=(), picked=(), url=""):
        self.made = [self.record(index) for index in range(count)]
        named = {path: value for path, value in zip(fields, picked) if value is not ABSENT}
        sent = []
        for name, value in zip(headers, picked[len(fields):]):
            if value is ABSENT or value is None:
                continue
            text = f'<{value}>; rel="next"' if name == "link" else str(value)
            sent.append(["Link" if name == "link" else name, text])
        records = self.made if count else []
        return bodies.of_records(self.decoder, self.path, records, named, sent)

    def accepts(self, strategy, answer, stop, seen):
        """Whether the paginator goes on to a page that is new, or stops."""
        response = requests.adapters.HTTPAdapter().build_response(
            requests.Request("GET", "http://stub.test/").prepare(),
            urllib3.HTTPResponse(io.BytesIO(bodies.encoded(answer)), urllib3.HTTPHeaderDict(answer["headers"]),
                                 200, preload_content=False),
        )
        try:
            last = self.made[-1] if self.made else None
            token = probe(strategy).next_page_token(response, len(self.made), last, None)
        except Exception:  # whatever a template does with a value that does not fit
            return False
        if stop:
            return not token
        # A template that cannot be evaluated is its own value.
        return bool(token) and "{{" not in str(token) and json.dumps({"next_page_token": token}, default=str) not in seen

    def record(self, index):
        expected = self.expected
        seed = "/".join([self.pages.seed, *self.where, str(self.number), str(index)])
        rng = random.Random(seed)
        made = values.properties(expected.schema, seed) or {"id": None, "name": values.value({}, "name", seed)}
        for path, form in expected.formats.items():
            values.put(made, list(path), DatetimeParser().format(values.SPREAD + timedelta(hours=rng.randint(1, 400)), form))
        for path in sorted(expected.fields):
            if values.get(made, path) is None and rng.random() < 0.97:
                values.put(made, list(path), self.field(path, index, rng))
        for path, constants in expected.filter:
            if rng.random() < 0.7:
                values.put(made, list(path), rng.choice([*constants, True, 5]))
        for path in sorted(expected.keys | ({("id",)} if not expected.keys else set())):
            kind = schema_at(expected.schema, path).get("type", "integer")
            unique = rng.randint(1, 10**7) * 1000 + self.number * 100 + index
            values.put(made, list(path), f"k{unique}" if "string" in kind else unique)
        if expected.cursor:
            self.put_cursor(made, index, rng)
        return made

    def field(self, path, index, rng):
        """A value for a field that some template reads."""
        if any(word in path[-1].lower() for word in ("_at", "date", "time", "updated", "created")):
            return self.moment(index, rng) if self.expected.cursor else "2024-01-09T10:11:12Z"
        return f"{path[-1]} {rng.randint(1, 99)}"

    def put_cursor(self, made, index, rng):
        name = self.expected.cursor["cursor_field"]
        if "{{" in name:
            name = str(templates.ENVIRONMENT.from_string(name).render(config=self.retriever.config, parameters={}))
        moment = self.moment(index, rng)
        kind = schema_at(self.expected.schema, (name,)).get("type", "string")
        if str(moment).lstrip("-").isdigit() and "string" not in kind:
            moment = int(moment)
        values.put(made, name.split(".") if name not in made and "." in name else [name], moment)

    def moment(self, index, rng):
        """An instant inside the window that was asked for, as the cursor writes it."""
        cursor = self.expected.cursor
        if cursor.get("type") == "IncrementingCountCursor":
            return self.number * 10 + index + 1
        form = cursor.get("datetime_format", "%Y-%m-%d")
        window = dict(getattr(self.slice, "cursor_slice", None) or {})
        written = (cursor.get("cursor_datetime_formats") or [form])[0]
        parser = DatetimeParser()
        try:
            start = parser.parse(window[cursor.get("partition_field_start") or "start_time"], form)
            end = parser.parse(window[cursor.get("partition_field_end") or "end_time"], form)
        except (KeyError, ValueError, TypeError):
            start, end = values.SPREAD, values.SPREAD + timedelta(days=20)
        if cursor.get("is_data_feed"):
            part = 0.9 - self.number * 0.3 - index * 0.05
        else:
            part = 0.1 + rng.random() * 0.8
        return parser.format(start + (end - start) * max(part, 0.01), written)


def schema_at(schema, path):
    for step in path:
        schema = (schema.get("properties") or {}).get(step) if isinstance(schema, dict) else None
        schema = schema if isinstance(schema, dict) else {}
    return schema

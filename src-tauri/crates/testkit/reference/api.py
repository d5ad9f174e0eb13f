"""An API made up from a manifest, inside the reference: what a component asks for, it gets.

Sits where requests leave the process, knows which component asks, and answers so that streams have records on several
pages. All that was asked and answered is kept, so that another program can be served the same.
"""

import hashlib
import io
import json
import random
import threading
from contextlib import contextmanager

import requests.adapters
import urllib3
from airbyte_cdk.sources.declarative.async_job.status import AsyncJobStatus
from airbyte_cdk.sources.declarative.auth.token_provider import SessionTokenProvider
from airbyte_cdk.sources.declarative.requesters.http_job_repository import AsyncHttpJobRepository
from airbyte_cdk.sources.declarative.retrievers.simple_retriever import SimpleRetriever
from airbyte_cdk.sources.streams.http.requests_native_auth.abstract_oauth import AbstractOauth2Authenticator

import bodies
import templates
from pages import Pages

BASE = "http://stub.test:9"
# What HTTP libraries add by themselves.
OWN_HEADERS = {"user-agent", "accept-encoding", "connection", "content-length", "host", "cookie"}


class Api:
    """Answers requests, the same ones the same way."""

    def __init__(self, streams, manifest, seed, faults=True):
        self.streams = streams
        self.seed = seed
        self.faults = faults
        self.exchanges = {}
        self.served = {}
        self.faulty = set()
        self.lock = threading.RLock()
        self.asking = threading.local()
        self.pages = Pages(streams, seed)
        texts = list(templates.strings(manifest))
        self.job_fields = [path for text in texts for root in ("creation_response", "polling_response")
                           for path in templates.paths(text, root) if all(isinstance(step, str) for step in path)]
        self.wait_headers = wait_headers(manifest)

    def install(self):
        """Puts itself between the reference and the network."""
        api = self

        def around(owner, name, context):
            original = getattr(owner, name)

            def wrapped(component, *args, **kwargs):
                with api.on_behalf(context(component, args, kwargs)):
                    return original(component, *args, **kwargs)

            setattr(owner, name, wrapped)

        around(SimpleRetriever, "_fetch_next_page", page_context)
        around(AbstractOauth2Authenticator, "_make_handled_request", lambda it, args, kwargs: (api.token, it))
        around(SessionTokenProvider, "_refresh", lambda it, args, kwargs: (api.session, it))
        around(AsyncHttpJobRepository, "_start_job_and_validate_response", lambda it, args, kwargs: (api.job, it))
        around(AsyncHttpJobRepository, "_get_validated_polling_response", lambda it, args, kwargs: (api.job, it))
        requests.adapters.HTTPAdapter.send = lambda adapter, request, **kwargs: adapter.build_response(
            request, api.answer(request)
        )

    @contextmanager
    def on_behalf(self, context):
        stack = self.asking.__dict__.setdefault("stack", [])
        stack.append(context)
        try:
            yield
        finally:
            stack.pop()

    def answer(self, request):
        """The answer to a request, as a response of urllib3."""
        with self.lock:
            asked = describe(request)
            key = json.dumps(asked, sort_keys=True)
            stack = self.asking.__dict__.get("stack", [])
            if stack and stack[-1][0] is None:
                self.pages.number(*stack[-1][1:])
            if key not in self.exchanges:
                self.exchanges[key] = {"stream": self.stream(), **asked, "answers": self.answers(request)}
            answers = self.exchanges[key]["answers"]
            turn = self.served.get(key, 0)
            self.served[key] = turn + 1
            answer = answers[min(turn, len(answers) - 1)]
        return urllib3.HTTPResponse(
            body=io.BytesIO(bodies.encoded(answer)),
            headers=urllib3.HTTPHeaderDict(answer["headers"]),
            status=answer["status"],
            preload_content=False,
        )

    def stream(self):
        """The stream that asks; empty for tokens."""
        stack = self.asking.__dict__.get("stack", [])
        return str(stack[-1][1].name) if stack and stack[-1][0] is None else ""

    def answers(self, request):
        stack = self.asking.__dict__.get("stack", [])
        if not stack:
            return [bodies.of_json({"id": "job-1", "token": "token-1", "access_token": "token-1", "status": "done"})]
        make, *rest = stack[-1]
        if make is not None:
            return make(*rest)
        good = self.pages.answer(request.url, *rest)
        return [*self.fault(rest[0].name, rest[2]), good]

    def fault(self, stream, token):
        """Now and then a stream's first answer is that the server is busy."""
        chance = random.Random(f"{self.seed}/{stream}/fault").random()
        if not self.faults or token or stream in self.faulty or chance > 0.15 or len(self.faulty) >= 2:
            return []
        self.faulty.add(stream)
        headers = [["Retry-After", "0"], *([name, "1"] for name in self.wait_headers)]
        return [bodies.of_json({"error": "busy"}, headers, status=429 if chance < 0.07 else 503)]

    def token(self, authenticator):
        names = authenticator
        seed = hashlib.sha256(repr(sorted(self.exchanges)).encode()).hexdigest()[:8]
        body = {names.get_access_token_name(): f"access-{seed}", "token_type": "bearer"}
        body[names.get_expires_in_name()] = 3600
        if getattr(names, "token_expiry_is_time_of_expiration", False):
            from airbyte_cdk.utils.datetime_helpers import ab_datetime_now
            import datetime
            later = ab_datetime_now() + datetime.timedelta(hours=1)
            body[names.get_expires_in_name()] = later.strftime(names.token_expiry_date_format)
        if hasattr(names, "get_refresh_token_name"):
            body[names.get_refresh_token_name()] = f"refresh-{seed}"
        return [bodies.of_json(body)]

    def session(self, provider):
        body = "session-token"
        for step in reversed(list(provider.session_token_path)):
            body = {str(step): body}
        return [bodies.of_json(body)]

    def job(self, repository):
        """Creation and polling answer alike: with all fields that templates read, first running, then done."""
        stages = []
        for wanted in (AsyncJobStatus.RUNNING, AsyncJobStatus.COMPLETED):
            said = next((text for text, status in repository.status_mapping.items() if status == wanted), "done")
            body = {}
            for path in self.job_fields:
                bodies.put(body, path, "job-1")
            bodies.put(body, path_of(repository.status_extractor), said)
            if repository.download_target_extractor:
                bodies.put(body, path_of(repository.download_target_extractor), [f"{BASE}/files.test/job-1"])
            stages.append(bodies.of_json(body))
        return stages


def page_context(retriever, args, kwargs):
    slice_ = args[0] if args else kwargs.get("stream_slice")
    token = args[1] if len(args) > 1 else kwargs.get("next_page_token")
    return (None, retriever, slice_, token)


def path_of(extractor):
    return [step.eval(extractor.config) for step in extractor._field_path]


def wait_headers(manifest):
    """The headers that backoff strategies read."""
    if isinstance(manifest, list):
        return sorted({name for item in manifest for name in wait_headers(item)})
    if not isinstance(manifest, dict):
        return []
    own = [manifest["header"]] if "WaitT" in str(manifest.get("type")) and manifest.get("header") else []
    return sorted({*own, *(name for item in manifest.values() for name in wait_headers(item))})


def describe(request):
    """What of a request matters."""
    body = request.body or ""
    headers = {name.lower(): str(value if not isinstance(value, bytes) else value.decode("latin-1"))
               for name, value in request.headers.items() if name.lower() not in OWN_HEADERS}
    return {
        "method": request.method,
        "target": request.url.removeprefix(BASE),
        "headers": {name: value for name, value in sorted(headers.items()) if (name, value) != ("accept", "*/*")},
        "body": body.decode("utf-8", "replace") if isinstance(body, bytes) else body,
    }

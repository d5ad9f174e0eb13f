"""Stops the reference's clock, and shortens its sleep: runs are repeatable, and backing off takes no time."""

import datetime
import importlib
import time
import types

REAL = datetime.datetime
MODULES = [
    "airbyte_cdk.utils.datetime_helpers",
    "airbyte_cdk.sources.streams.concurrent.cursor",
    "airbyte_cdk.sources.streams.http.requests_native_auth.abstract_oauth",
    "airbyte_cdk.sources.declarative.auth.jwt",
    "airbyte_cdk.sources.declarative.interpolation.macros",
    "airbyte_cdk.sources.declarative.parsers.model_to_component_factory",
    "airbyte_cdk.sources.declarative.requesters.error_handlers.backoff_strategies"
    ".wait_until_time_from_header_backoff_strategy",
]


def freeze(instant):
    """Makes `instant` (an aware datetime) the present, wherever declarative components ask for it."""

    class Kind(type):
        def __instancecheck__(cls, value):
            return isinstance(value, REAL)

    class Frozen(REAL, metaclass=Kind):
        @classmethod
        def now(cls, tz=None):
            present = instant.astimezone(tz) if tz else instant.astimezone().replace(tzinfo=None)
            return REAL(*present.timetuple()[:6], present.microsecond, present.tzinfo)

        @classmethod
        def utcnow(cls):
            return instant.astimezone(datetime.timezone.utc).replace(tzinfo=None)

    def copy_of(module, **changes):
        copy = types.ModuleType(module.__name__)
        copy.__dict__.update(module.__dict__)
        copy.__dict__.update(changes)
        return copy

    for name in MODULES:
        module = importlib.import_module(name)
        for attribute, value in list(vars(module).items()):
            if value is datetime:
                setattr(module, attribute, copy_of(datetime, datetime=Frozen))
            elif value is REAL:
                setattr(module, attribute, Frozen)
            elif value is time:
                setattr(module, attribute, copy_of(time, time=instant.timestamp))


def module(now):
    """What stands in for the module `datetime` where a script sets the clock itself. `now` gives the present, aware."""

    class Kind(type(REAL)):
        def __instancecheck__(cls, value):
            return isinstance(value, REAL)

    class Clock(REAL, metaclass=Kind):
        @classmethod
        def now(cls, tz=None):
            return now().astimezone(tz) if tz else now().replace(tzinfo=None)

    return types.SimpleNamespace(
        datetime=Clock, date=datetime.date, timedelta=datetime.timedelta, timezone=datetime.timezone)


def hurry():
    """Makes every wait as good as none."""
    sleep = time.sleep
    time.sleep = lambda seconds: sleep(min(seconds, 0.002))

"""Reads, prints and moves times with the reference, and writes what it gives, as a table for the interpreter's tests.

    python datetimes.py > ../../manifest/tests/datetimes.json

Needs a Python with `airbyte-cdk` 7.39.1.
"""

import json

from airbyte_cdk.sources.declarative.datetime.datetime_parser import DatetimeParser
from airbyte_cdk.sources.declarative.interpolation.macros import duration, str_to_datetime
from airbyte_cdk.utils.datetime_helpers import ab_datetime_parse

FORMATS = """%Y-%m-%d|%Y-%m-%dT%H:%M:%SZ|%Y-%m-%dT%H:%M:%S.%fZ|%Y-%m-%dT%H:%M:%S.%f%z|%Y-%m-%dT%H:%M:%S%z|%Y-%m-%d %H:%M:%S
%s|%ms|%s_as_float|%epoch_microseconds|%_ms|%Y-%m-%dT%H:%M:%S.%_msZ|%Y-%m-%dT%H:%M:%S.%_ms%z|%Y%m%d|%Y%m%d%H%M%S|%d/%m/%Y|%m/%d/%y
%d.%m.%Y %H:%M|%a, %d %b %Y %H:%M:%S %z|%a, %d %b %Y %H:%M:%S GMT|%A %d %B %Y|%b %d, %Y|%B %d, %Y %I:%M %p|%I:%M:%S %p|%H:%M|%j %Y
%Y-%j|%Y-%m|%Y|%G-W%V-%u|%Y-W%W-%w|%Y-W%U-%w|%c|%x|%X|%y%m%d|%Y-%m-%dT%H:%M:%S.%f|%Y-%m-%d %H:%M:%S %Z|[%Y-%m-%d..]|updated:%Y
%%Y %Y|%Y-%m-%dT%H:%M:%S+00:00|%Y-%m-%dT%H:%MZ|%Y-%m-%dT%H|%d %m|%S|%f|%z|%p|%Z|%-d.%-m.%Y|%e|%D|%F|%T|%R|%Y-%m-%d  %H|é %Y""".replace("\n", "|").split("|")
TEXTS = """2024-01-05|2024-1-5|2024-02-29|2023-02-29|2024-13-01|2024-01-32|2024-00-10|0001-01-01|9999-12-30|24-01-05|2024-01-05T10:11:12Z
2024-01-05T10:11:12.5Z|2024-01-05T10:11:12.123456Z|2024-01-05T10:11:12.1234567Z|2024-01-05T10:11:12.123Z|2024-01-05T10:11:12.123+0200
2024-01-05T10:11:12.123+02:00|2024-01-05T10:11:12+0530|2024-01-05T10:11:12-05:30|2024-01-05T10:11:12+00:00|2024-01-05T10:11:12+02
2024-01-05T10:11:12+0260|2024-01-05T10:11:12+2500|2024-01-05T10:11:12|2024-01-05T10:11:12.123456
2024-01-05T24:00:00Z|2024-01-05T10:60:00Z|2024-01-05 10:11:12|2024-01-05  10:11:12| 2024-01-05|2024-01-05 |2024-01-05\\n|20240105
202415|1704448800|1704448800.25|1704448800123|1704448800123456|-1|0|-0.5|1e9|1_000|99999999999999|x||05/01/2024|5/1/2024|01/05/24|01/05/69
05.01.2024 10:11|Fri, 05 Jan 2024 10:11:12 +0000|Fri, 05 Jan 2024 10:11:12 GMT|fri, 05 jan 2024 10:11:12 -0100|Friday 05 January 2024
FRIDAY 5 JANUARY 2024|Jan 05, 2024|January 5, 2024 03:04 PM|January 5, 2024 12:04 AM|January 5, 2024 13:04 PM|03:04:05 am|10:11|5 2024|366 2024
366 2023|2024-005|2024-01|2024|2024-W01-5|2024-W53-1|2024-W00-1|2024-W01-0|Fri Jan  5 10:11:12 2024|10:11:12|240105|2024-01-05 10:11:12 UTC
2024-01-05 10:11:12 EST|[2024-01-05..]|updated:2024|UPDATED:2024|%Y 2024|2024-01-05T10:11Z|2024-01-05T10|29 02|05 01|5|123|+0200|Z|+02:00:30|AM|UTC
é 2024|2024-01-05T10:11:12z|2024-01-05t10:11:12Z|2024-01-05T1:2:3Z|2024-1-5T10:11:12Z""".replace("\n", "|").split("|")
# The C library prints these, but Python does not read them; we do.
READ = [form for form in FORMATS if form not in ("%e", "%D", "%F", "%T", "%R")]
TEXTS = [text.encode().decode("unicode_escape") if "\\" in text else text for text in TEXTS]
MOMENTS = """2024-01-05T10:11:12.034567+00:00|2024-02-29T23:59:59.999999+02:00|1969-12-31T23:59:59.500000+00:00|1970-01-01T00:00:00+00:00
0001-01-01T00:00:00+00:00|0999-06-15T12:00:00+00:00|9999-12-01T12:00:00+00:00|2024-12-30T00:00:00-05:30|2023-01-01T12:00:00+00:00
2024-07-04T13:05:09.000001+00:00|2021-01-03T00:00:00+00:00|2024-03-31T08:00:00+00:00|2024-01-05T10:11:12+01:02:03""".replace("\n", "|").split("|")
DURATIONS = """P1D|P1W|P1M|P1Y|P1Y2M3DT4H5M6S|PT1H|PT1M|PT1S|PT0.5S|PT0.000001S|PT0.0000005S|PT1.000001S|PT36H|-P1D|+P1D|P0D|PT0S|P1.5D|P1,5D|P0.1D
P1.5M|P1.5Y|P13M|-P1M|-P1Y1D|P1YT1S|P|PT|P1|1D|P1H|PT1D|P1DT|P1D1W|P1M1Y|p1d|P 1D|P1D |P-1D|P1e3D|P.5D|P5.D|P1W2DT3H|P99999999D|P400D|P10000Y||x
P20240105|PT1H30M|P3M|P6M|P11M|P29D|PT24H|PT1440M|PT86400S|P1DT24H|P4Y""".replace("\n", "|").split("|")
ISO = [text for text in TEXTS if text not in ("20240105101112", "2024-W53-1")] + """2024-W05|2024W05|2024-W05-3|2024W053|2024-W00|2024-W54|2020-W53-7|2024-065|2024065|2024-366|2023-366|2024-000|202401|2024-1|2024-01-5
2024-01-05T|2024-01-05T1|2024-01-05T1011|2024-01-05T101112|2024-01-05T101112.5|2024-01-05T10:11:12,5|2024-01-05T10.5|2024-01-05T10:11.5
2024-01-05T10:11:12.|2024-01-05T10:11:12.1234567890|2024-01-05T10:11:12+2|2024-01-05T10:11:12+0200
2024-01-05T10:11:12+24:00|2024-01-05T10:11:12+23:59|2024-01-05T10:11:12-00:00|2024-01-05T24:00|2024-01-05T24:00:01|2024-12-31T24:00:00Z|20240105T101112Z
2024-01-05T10:1112|2024-01-05T1011:12|2024-0105|202401-05|2024-01-05_10:11|2024-01-05T10:11:12 Z|2024-01-05T10:11:12ZZ|2024-01-05T10:11:12+0200Z""".replace("\n", "|").split("|")
# Guesses of the reference are left out: a text that names no day, no year or two orders of day and month.
ANY = """2024-01-05|2024-01-05T10:11:12Z|2024-01-05T10:11:12.5Z|2024-01-05T10:11:12.123+0200|2024-01-05T10:11:12-05:30|2024-01-05T10:11:12
2024-01-05T10:11:12.123456789Z|2024-01-05 10:11:12|2024-01-05 10:11|2024-01-05 10:11:12 +0200|2024-01-05T10:11|2024-01-05T10:11Z|1704448800|0|12345678901
20240105|-5|10 Jan 2024|Jan 10, 2024|January 10, 2024|2024/01/05|2024/01/05 10:11:12|01/05/2024|01/05/2024 10:11:12|x||2024-13-05|10:11:12
2024-1-5|2024""".replace("\n", "|").split("|")


def result(function, *arguments):
    try:
        return function(*arguments)
    except Exception:  # noqa: BLE001
        return None


def moved(text, step, sign):
    return (str_to_datetime(text) + duration(step) if sign > 0 else str_to_datetime(text) - duration(step)).isoformat()


def main():
    parser = DatetimeParser()
    moments = [parser.parse(text, "%Y-%m-%dT%H:%M:%S.%f%z" if "." in text else "%Y-%m-%dT%H:%M:%S%z") for text in MOMENTS]
    read = [[text, form, got] for form in READ for text in TEXTS if (got := result(lambda: parser.parse(text, form).isoformat()))]
    refused = [[text, form] for form in READ for text in TEXTS if not result(lambda: parser.parse(text, form).isoformat())]
    table = {
        "read": read,
        "refused": refused,
        "printed": [[text, form, result(parser.format, moment, form)] for text, moment in zip(MOMENTS, moments) for form in FORMATS],
        "iso": [[text, result(lambda: str_to_datetime(text).isoformat())] for text in dict.fromkeys(ISO)],
        "any": [[text, result(lambda: ab_datetime_parse(text).to_datetime().isoformat())] for text in dict.fromkeys(ANY)],
        "moved": [[text, step, result(moved, text, step, 1), result(moved, text, step, -1)]
                  for text in MOMENTS[:-1] if "Z" not in text for step in DURATIONS],
        # Half a month is read by the reference, but cannot be used.
        "durations": [[step, result(duration, step) is not None] for step in DURATIONS if step not in ("P1.5M", "P1.5Y")],
    }
    rows = ",\n".join(f"{json.dumps(name)}: [\n" + ",\n".join(json.dumps(row) for row in rows) + "\n]" for name, rows in table.items())
    print("{\n" + rows + "\n}")


main()

"""Evaluates expressions with the reference and writes what they give, as the table that the interpreter is tested with.

    python expressions.py > ../../manifest/tests/expressions.json

Needs a Python with `airbyte-cdk` 7.39.1. The clock stands at 2024-03-15T10:20:30.123456Z.
"""

import copy
import datetime
import json
import math
import pathlib
import re

from airbyte_cdk.sources.declarative.interpolation import macros as macro_functions
from airbyte_cdk.sources.declarative.interpolation.interpolated_boolean import InterpolatedBoolean
from airbyte_cdk.sources.declarative.interpolation.interpolated_mapping import InterpolatedMapping
from airbyte_cdk.sources.declarative.interpolation.interpolated_string import InterpolatedString
from airbyte_cdk.sources.declarative.interpolation.jinja import JinjaInterpolation

import frozen

NOW = datetime.datetime(2024, 3, 15, 10, 20, 30, 123456, tzinfo=datetime.timezone.utc)

macro_functions.datetime = frozen.module(lambda: NOW)

CONFIG = {
    "key": "s3cr3t", "name": "Ada", "n": 5, "f": 2.5, "yes": True, "no": False, "none": None, "empty": "", "zero": 0,
    "digits": "12345", "zeros": "007", "list": ["a", "b", "c"], "numbers": [3, 1, 2], "nested": {"a": {"b": [1, {"c": "deep"}]}},
    "start_date": "2024-01-31T00:00:00Z", "day": "2024-02-29", "url": "https://api.example.com/v1/", "text": "Hello World",
    "quote": "it's", "both": "it's \"so\"", "unicode": "Zoë ☃", "json": "{\"a\": 1}", "items": "field", "float": "1.10",
    "newline": "a\nb", "csv": "x,y,z", "big": 12345678901234567890, "small": 0.00001, "huge": 1e22, "tuple": "1,2",
    "objects": [{"id": 1, "on": True, "name": "x"}, {"id": 2, "on": False, "name": "Y"}, {"id": 3, "on": True, "name": "z"}],
    "emptylist": [], "emptydict": {}, "epoch": 1700000000, "mixed": "AbcDef", "neg": -7,
}
RECORD = {"id": 17, "name": "Bob", "items": [1, 2], "get": "g", "price": 9.5, "ok": True, "none": None, "t": "2024-01-05T10:11:12.345678+02:00",
          "nested": {"x": {"y": "z"}}, "tags": ["b", "a", "b"], "keys": {"k": 1}}
RESPONSE = {"next": "abc", "meta": {"page": 2, "pages": 5, "more": True}, "data": [{"id": 1}, {"id": 2}], "links": None}
HEADERS = {"Link": "<https://x.test/?page=2>; rel=\"next\"", "x-total": "42", "Retry-After": "3"}
SLICE = {"parent_id": 9, "start_time": "2024-01-01", "end_time": "2024-01-31", "parent_slice": {}}
PARAMETERS = {"name": "stream", "path": "/items", "n": 3, "nested": {"a": "p"}}
CONTEXT = {"parameters": PARAMETERS, "record": RECORD, "response": RESPONSE, "headers": HEADERS, "stream_slice": SLICE,
           "next_page_token": {"next_page_token": 4}, "last_record": RECORD, "last_page_size": 100}

X = lambda text: [part.strip("\n") for part in text.split("\n") if part.strip()]
EXPRESSIONS = X(r'''
config['key']
config.key
config['missing']
config['missing']['b']
config.missing.b
config.get('missing')
config.get('missing', 'x')
config.get('n', 1) + 1
config['n'] + 1
config['n'] + 'x'
config['n'] / 2
config['n'] // 2
config['n'] % 3
config['neg'] // 2
config['neg'] % 3
config['n'] ** 2
config['f'] * 2
-config['n']
-config['f']
config['n'] * 'ab'
config['name'] * 2
config['name'] ~ config['n']
config['name'] + config['text']
config['name'] ~ none
config['none']
config['none'] + 1
config['none'].x
config['none']['x']
config['yes']
config['no']
not config['yes']
not config['missing']
config['yes'] and config['name']
config['empty'] or 'default'
config['zero'] or config['n']
config['zero'] and 1
config['yes'] and config['no']
config['digits']
config['digits'] + '0'
config['zeros']
config['float']
config['json']
config['tuple']
config['list']
config['list'][0]
config['list'][-1]
config['list'][9]
config['list'][1:]
config['list'][:-1]
config['list'][::-1]
config['list'][::2]
config['text'][0]
config['text'][1:4]
config['text'][-5:]
config['nested']
config['nested']['a']['b'][1]['c']
config.nested.a.b[0]
config['nested'].a
config['quote']
config['both']
config['unicode']
config['newline']
[config['quote'], config['both'], config['newline'], config['unicode']]
config['big']
config['small']
config['huge']
config['f'] / 0
config['items']
config.items
record['items']
record.items
record.get
record['get']
record.keys
record['keys']
record
record['nested']['x']['y']
record.nested.x.y
record['price'] * 2 if record['ok'] else 'n'
record['price'] if record['missing'] else 'n'
'a' if config['no']
'a' if config['no'] else none
record['id'] == 17
record['id'] == '17'
record['id'] != 17
record['id'] > 3
record['id'] >= 17 and record['id'] < 20
1 < 2 < 3
3 > 2 > 2
record['name'] > 3
'a' in config['list']
'z' in config['list']
'z' not in config['list']
'ell' in config['text']
'key' in config
'nope' in config
3 in config['numbers']
'x' in config['missing']
config['list'] + ['d']
config['list'] == ['a', 'b', 'c']
(1, 2)
(1,)
()
[]
{}
[1, 2.0, 'x', none, true]
{'a': 1, 'b': [true, none]}
{'a': config['n']}['a']
{'a': 1}.get('b', {})
{'a': 1}.items()
{'a': 1, 'b': 2} | length
1.0
1e3
10 / 5
7 // 2.0
0.1 + 0.2
1e16
1e15
123456789.123
true
True
false
none
None
'true'
'null'
'None'
'1'
'1.0'
'01'
'1e5'
'0x10'
'[1, 2]'
'{"a": true}'
'{"a": 1}'
'(1, 2)'
'2024-01-05'
'1_000'
' 5'
'5 '
"'x'"
'"x" "y"'
'"""x"""'
'1,2'
'abc'
'a b'
'nan'
'inf'
'1 # c'
'-5'
'- 5'
'+5'
'--5'
'[1, 2'
'{}'
'b"x"'
'...'
'1+2'
'1j'
'True and False'
'\\x41'
'"\\u0041"'
config['text'].upper()
config['text'].lower()
config['text'].title()
config['text'].split()
config['csv'].split(',')
config['csv'].split(',')[1]
config['csv'].split(',', 1)
config['csv'].rsplit(',', 1)
config['csv'].replace(',', ';')
config['csv'].replace(',', ';', 1)
','.join(config['list'])
','.join(config['numbers'])
config['url'].rstrip('/')
config['url'].strip('htps:/')
config['url'].lstrip('h')
config['url'].startswith('https')
config['url'].endswith(('x', '/'))
config['url'].find('api')
config['url'].index('zzz')
config['url'].count('/')
config['url'].partition('://')
config['text'].zfill(15)
'{} and {}'.format(1, 'b')
'{0}-{name}'.format('a', name='b')
'{:>5}|{:05d}'.format('a', 42)
'%s-%d' % ('a', 3)
'%05.1f' % 3.14159
'%s' % config['n']
config['text'].isdigit()
config['digits'].isdigit()
config['text'].nothing
config['text'].nothing()
config['numbers'].append(4)
config['list'].index('b')
config['list'].count('a')
config['nested'].keys()
config['nested'].values()
config['nested'].items()
config['nested'].items() | list
config['text'] | lower
config['text'] | upper
config['text'] | length
config['list'] | length
config['missing'] | length
config['missing'] | default('d')
config['empty'] | default('d')
config['empty'] | default('d', true)
config['none'] | default('d')
config['digits'] | int
config['float'] | float
'x' | int
'x' | int(7)
'3.9' | int
3.9 | int
'0x1f' | int(0, 16)
config['missing'] | int
config['f'] | string
config['nested'] | string
config['name'] | string
config['yes'] | string
config['none'] | string
config['nested'] | tojson
config['quote'] | tojson
config['list'] | join(',')
config['numbers'] | join(',')
config['numbers'] | join
config['list'] | first
config['list'] | last
config['emptylist'] | first
config['numbers'] | sort
config['numbers'] | sort(reverse=true)
config['numbers'] | max
config['numbers'] | min
config['numbers'] | sum
config['list'] | reverse | list
config['text'] | reverse
config['text'] | replace('l', 'L')
config['text'] | trim
'  x ' | trim
config['text'] | title
config['text'] | capitalize
config['text'] | truncate(8)
config['text'] | wordcount
config['objects'] | map(attribute='id') | list
config['objects'] | map(attribute='nope', default='d') | list
config['objects'] | selectattr('on') | map(attribute='id') | list
config['objects'] | selectattr('id', 'gt', 1) | list | length
config['objects'] | rejectattr('on') | map(attribute='name') | list
config['objects'] | sum(attribute='id')
config['objects'] | sort(attribute='name') | map(attribute='name') | join('')
config['objects'] | map(attribute='name') | map('upper') | list
config['numbers'] | select('odd') | list
config['numbers'] | reject('equalto', 1) | list
record['tags'] | unique | list
record['tags'] | unique | join('-')
config['nested'] | dictsort
config['nested'] | items | list
config['numbers'] | batch(2) | list
config['f'] | round
config['f'] | round(1)
2.675 | round(2)
-2.5 | abs
config['name'] | base64encode
'QWRh' | base64decode
'Ada' | base64binascii_decode
config['n'] | base64encode
config['name'] | hash
config['name'] | hash('sha256')
config['name'] | hash('md5', 'salt')
config['n'] | hash('sha1')
config['name'] | hash('nope')
config['name'] | hmac('key')
config['name'] | hmac('key', 'sha1')
config['url'] | regex_search('//([^/]+)/')
config['url'] | regex_search('//[^/]+/')
config['url'] | regex_search('zzz(.)')
config['n'] | regex_search('x')
config['text'] | regex_replace('o', '0')
config['text'] | regex_replace('(l+)', '<\\1>')
config['url'] | urlencode
config['unicode'] | urlencode
{'a': 'b c', 'd': 1} | urlencode
config['quote'] | escape
config['name'] is defined
config['missing'] is defined
config['missing'] is not defined
config['none'] is none
config['missing'] is none
config['n'] is number
config['name'] is string
config['list'] is sequence
config['nested'] is mapping
config['list'] is iterable
config['yes'] is true
config['yes'] is boolean
config['n'] is even
config['n'] is odd
config['n'] is divisibleby 5
config['n'] is eq 5
config['name'] is in config['list']
config['name'] is sameas config['name']
config['text'] is lower
parameters['name']
parameters.nested.a
parameters['missing']
stream_slice['parent_id']
stream_slice.start_time
stream_partition['parent_id']
stream_partition.parent_id
stream_interval['start_time']
stream_slice
next_page_token['next_page_token']
next_page_token['next_page_token'] + 1
response['meta']['page'] + 1
response.meta.page < response.meta.pages
response.get('next')
response.get('meta', {}).get('page', 1)
response['data'] | length
response.data[-1].id
response['links']['next']
response.links.next if response.links else none
headers['x-total'] | int
headers['X-Total']
headers['Retry-After']
last_record['id']
last_page_size
undefined_variable
undefined_variable | default('x')
undefined_variable is defined
config['x'] if undefined_variable else 1
now_utc()
now_utc().strftime('%Y-%m-%d')
now_utc().strftime('%Y-%m-%dT%H:%M:%S.%fZ')
now_utc().strftime('%s')
now_utc().year
now_utc().date()
now_utc().isoformat()
now_utc().timestamp()
now_utc().replace(hour=0, minute=0, second=0, microsecond=0)
now_utc().weekday()
now_utc() - duration('P1D')
(now_utc() - duration('P1M')).strftime('%Y-%m-%d')
(now_utc() - duration('P1Y2M3DT4H5M6S')).strftime('%Y-%m-%dT%H:%M:%SZ')
(now_utc() + duration('PT30M')).strftime('%H:%M')
now_utc() - 1
now_utc() > str_to_datetime('2024-01-01')
now_utc() - str_to_datetime('2024-03-15')
(now_utc() - str_to_datetime('2024-03-01')).days
(now_utc() - str_to_datetime('2024-03-14')).total_seconds()
today_utc()
today_utc().strftime('%Y')
today_utc() - duration('P1D')
today_utc() - duration('PT5H')
(today_utc() - duration('P1W')).isoformat()
today_with_timezone('Pacific/Kiritimati')
day_delta(-1)
day_delta(25, '%Y-%m-%d')
day_delta(0, format='%Y%m%d')
duration('P1D')
duration('P1M')
duration('PT1H30M')
duration('P2W')
duration('nonsense')
timestamp('2024-01-01T00:00:00Z')
timestamp('2024-01-01')
timestamp(12.7)
timestamp(5)
timestamp(config['start_date'])
str_to_datetime('2022-01-14')
str_to_datetime('2022-01-01T13:45:30+02:00')
str_to_datetime('2022-01-01 13:45:30.123')
str_to_datetime('nope')
str_to_datetime(config['day']).strftime('%d/%m/%Y')
format_datetime(config['start_date'], '%Y-%m-%d')
format_datetime(config['start_date'], '%s')
format_datetime(config['start_date'], '%ms')
format_datetime(config['start_date'], '%Y-%m-%dT%H:%M:%S.%_msZ')
format_datetime('2022-01-01T13:45:30+02:00', '%Y-%m-%dT%H:%M:%S%z')
format_datetime(config['epoch'], '%Y-%m-%d')
format_datetime(1700000000123, '%Y-%m-%d', '%ms')
format_datetime('15/03/2024', '%Y-%m-%d', '%d/%m/%Y')
format_datetime(now_utc(), '%Y')
format_datetime(today_utc(), '%Y')
format_datetime(config['missing'], '%Y')
format_datetime('bad', '%Y')
format_datetime(config['start_date'], '%a %b %d %j %U %y %I %p %%')
max(2, 3)
min(2, 3)
max(config['numbers'])
max('a', 'b')
max([])
max(config['n'], config['missing'])
max(1, 'a')
sanitize_url('https://example.com/path?query=a b&c=ü')
camel_case_to_snake_case('CamelCaseID')
camel_case_to_snake_case(config['mixed'])
config['start_date'][:10]
config['start_date'].split('T')[0]
record['t'] | string
format_datetime(record['t'], '%Y-%m-%dT%H:%M:%SZ')
config['list'] | map('upper') | join('|')
config['csv'].split(',') | map('trim') | list
(config['n'] | string) + 'x'
config['n'] | string | length
dict(a=1, b=config['n'])
namespace(x=1).x
config['nested']['a']['b'] | map(attribute='c') | list
config['text'] | list | length
config['list'] | select | list
[1, [2, [3]]] | string
config['emptydict']
config['emptylist']
config['emptylist'] == []
config['f'] == 2.5
1 == 1.0
1 == True
'a' 'b'
config['yes'] == 'true'
config['yes'] | lower
config['n'] | abs
loop
range(3)
lipsum()
cycler
config['key'].__class__
config.key | nofilter
config['key'] is notest
''')
TEMPLATES = X(r'''
plain text
12345
007
1.10
true
True
None
/v1/{{ config['name'] }}/items
{{ config['name'] }}
{{config.name}}
{{ config['name'] }}{{ config['n'] }}
{{ config['n'] }}{{ config['n'] }}
{{ config['n'] }}.{{ config['n'] }}
{{ config['missing'] }}
{{ config['missing'] }}x
x{{ config['missing']['b'] }}
{{ config['n'] }},{{ config['n'] }}
[{{ config['n'] }}, {{ config['n'] }}]
{"id": {{ config['n'] }}}
{"id": "{{ config['name'] }}", "ok": true}
{'id': '{{ config['name'] }}', 'ok': True}
{{ config['n'] + 'x' }} tail
{% if config['yes'] %}on{% else %}off{% endif %}
{% if config['no'] %}on{% elif config['n'] == 5 %}five{% endif %}
{% set x = config['n'] * 2 %}{{ x }}
{% set x = 1 %}{% if config['yes'] %}{% set x = 2 %}{% endif %}{{ x }}
{% for item in config['list'] %}{{ item }}{% if not loop.last %}-{% endif %}{% endfor %}
{% for item in config['list'] %}{{ loop.index }}{% endfor %}
{% for item in config['emptylist'] %}x{% else %}none{% endfor %}
{% for item in config['objects'] if item.on %}{{ item.id }},{% endfor %}
{% for key, value in config['nested'].items() %}{{ key }}{% endfor %}
{% set ns = namespace(total=0) %}{% for n in config['numbers'] %}{% set ns.total = ns.total + n %}{% endfor %}{{ ns.total }}
{% set list = [] %}{% for n in config['numbers'] %}{% set _ = list.append(n * 2) %}{% endfor %}{{ list }}
{% set d = {} %}{% set _ = d.update({'a': 1}) %}{{ d }}
{# a comment #}{{ config['n'] }}
{%- if config['yes'] -%} trimmed {%- endif -%}
{{ '{{' }}
{% raw %}{{ x }}{% endraw %}
{% with a = 1 %}{{ a }}{% endwith %}
{% filter upper %}abc{{ config['name'] }}{% endfilter %}
{% macro f(x) %}[{{ x }}]{% endmacro %}{{ f(1) }}
{{ stream_state['x'] }}
{{ config['name']
{{ }}
{% endif %}
%Y-%m-%d
{{ now_utc().strftime('%Y') }}-01-01
lastmodified:[{{ stream_interval['start_time'] }}..{{ stream_interval.end_time }}]
{{ record['name'] }} <{{ record['id'] }}>
  {{ config['n'] }}
{{ config['n'] }} # x
'{{ config['name'] }}'
"{{ config['quote'] }}"
{{ config['list'] }}{{ config['list'] }}
({{ config['n'] }})
-{{ config['n'] }}
{{ config['n'] }}{{ '' }}
{{ none }}
{{ none }}x
{{ '' }}
{{ config['none'] }}
{{ True }}
{{ config['yes'] }}{{ '' }}
''')
# One a line; a line that begins with `=` is a whole template.
MORE = [line for line in pathlib.Path(__file__).with_name("expression_cases.txt").read_text().split("\n") if line]
EXPRESSIONS += [line for line in MORE if line[0] != "="]
TEMPLATES += [line[1:] for line in MORE if line[0] == "="]
EXACT = ["12\n", "{{ config['n'] }}\n", "a\n\n", "\n{{ config['n'] }}", " 12", "{{ config['newline'] }}",
         "a\r\nb", "12\r\n", "{{ config['n'] }}\r\n", "a\rb {{ 1 }}", "{{ 'a\r\nb' }}", "x\n\n{{ 1 }}\n\n",
         "{% if true %}\nx\n{% endif %}\n", "{# c #}\n{{ 1 }}", "{% set a = 1 -%}\n\n  {{ a }}", "\n", "\n\n", "\r\n", "a\r",
         "{{ config['n'] + 'x' }}\n", "{\n  \"a\": {{ config['n'] }},\n  \"b\": \"{{ config['name'] }}\"\n}\n",
         "{{\n  config['n']\n}}", "query {\n  items(first: {{ config['n'] }}) { id }\n}", "{{ config['n']\n+ 'x' }}", ""]


def plain(value):
    """As JSON, with what JSON cannot hold told apart."""
    if isinstance(value, float) and not math.isfinite(value):
        return {"$": repr(value)}
    if isinstance(value, (set, bytes, type(...))):
        return {"$": repr(value)}
    if isinstance(value, str) and any(0xD800 <= ord(letter) < 0xE000 for letter in value):
        return {"$": repr(value)}
    if isinstance(value, str):
        return re.sub(" at 0x[0-9a-f]+", " at 0x…", value)
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        if any(isinstance(key, tuple) for key in value):
            return {"$": repr(value)}
        return {names(key): plain(item) for key, item in value.items()}
    return value


def outcome(function):
    try:
        return {"value": plain(function())}
    except Exception as error:  # noqa: BLE001
        return {"error": type(error).__name__}


def names(key):
    """A key of an object as `json` writes it; tuples cannot be one."""
    return json.loads(json.dumps({key: 0})).popitem()[0]


def give(text):
    """What each of the reference's wrappers makes of a text. Templates can change what they see: each gets its own."""
    def see():
        config, context = copy.deepcopy((CONFIG, CONTEXT))
        parameters = context.pop("parameters")
        return config, parameters, context

    def string():
        config, parameters, rest = see()
        return InterpolatedString(text, parameters=parameters).eval(config, **rest)

    def mapping(**types):
        config, parameters, rest = see()
        return InterpolatedMapping({"k": text}, parameters=parameters).eval(config, **rest, **types)["k"]

    def condition():
        config, parameters, rest = see()
        return InterpolatedBoolean(text, parameters=parameters).eval(config, **rest)

    def integer():
        config, parameters, rest = see()
        return JinjaInterpolation().eval(text, config, valid_types=(int,), parameters=parameters, **rest)

    return {
        "text": text,
        "string": outcome(string),
        "mapping": outcome(mapping),
        "parameter": outcome(lambda: mapping(valid_value_types=(str, list))),
        "condition": outcome(condition),
        "integer": outcome(integer),
    }


def main():
    texts = ["{{ " + text + " }}" for text in EXPRESSIONS] + TEMPLATES + EXACT
    cases = ",\n".join(json.dumps(give(text)) for text in dict.fromkeys(texts))
    print(f'{{"config": {json.dumps(CONFIG)},\n"context": {json.dumps(CONTEXT)},\n"cases": [\n{cases}\n]}}')


main()

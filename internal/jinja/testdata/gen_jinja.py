#!/usr/bin/env python3
"""Writes jinja.json: what Jinja2 makes of templates over rows.

Made with Python 3.11, Jinja2 3.1.6, with the environment of lm-eval 0.4.8 (lm_eval/utils.py: StrictUndefined,
keep_trailing_newline) for "good" and that of chat templates in transformers 4.51.3 for "chat". Run in this folder;
deterministic. Each entry is [template, text], the text null where rendering or parsing fails; templates whose parsing
fails in the first are in "bad".
"""

import json
import pathlib

import jinja2
from transformers.utils.chat_template_utils import _compile_jinja_template

env = jinja2.Environment(loader=jinja2.BaseLoader, undefined=jinja2.StrictUndefined, keep_trailing_newline=True)

ROW = {
    "question": "Is it's \"so\"?\n", "text": "  The quick, brown  fox – jumps\tover it \n", "word": "naïve—ß日本", "n": 7, "neg": -7,
    "f": 2.5, "big": 1e22, "small": 1e-7, "yes": True, "no": False, "nothing": None, "empty": "", "none_list": [],
    "choices": {"text": ["it's", 'say "hi"', "both ' and \"", "tab\there\\n", "日本 é \u00ad\u200b\x7f\x00"], "label": ["A", "B", "C", "D", "E"]},
    "answerKey": " C", "numbers": [3, 1, 2], "mixed": [1, 2.0, "x", None, True, [1], {"a": [None]}],
    "objects": [{"k": "a", "v": 1}, {"k": "b", "v": 2}], "items": "field called items", "title": "t", "range": "shadow",
    "digits": "042", "pair": ["x", "y"], "nested": {"get": "method wins", "b": {"c": "deep"}},
}

GOOD = """
plain text, no braces
Question: {{question}}|
{{ question.strip() }}|{{ question.rstrip() }}|{{question|trim}}
{{ n }} {{ f }} {{ big }} {{ small }} {{ yes }} {{ no }} {{ nothing }} {{ 1.0 }} {{ 1e3 }} {{ 100000000000000000.0 }}
{{ choices.text }}
{{ choices }}
{{ choices['text'][0] }} {{ choices.text.0 }} {{ choices["label"][-1] }} {{ choices.text[-5] }}
{{ mixed }} {{ objects }} {{ none_list }} {{ {} }} {{ () }} {{ (1,) }} {{ (1, 2) }} {{ [1,] }} {{ {'a': 1, "b": [2]} }}
{{ choices.label.index(answerKey.lstrip()) }} {{ numbers.index(2) }} {{ numbers.count(1) }} {{ "abcabc".count("bc") }}
{{ text.split() }} {{ text.split(' ') }} {{ text.split(', ', 1) }} {{ text.rsplit(' ', 2) }} {{ text.split(None, 2) }} {{ text.rsplit(None, 1) }}
{{ text.split(' ')[:-1]|join(' ') }}
{{ ' ' + text.split(' ')[-1] }}
{{ [question, text]|join('|') }} {{ numbers|join(', ') }} {{ objects|join('+', attribute='k') }} {{ ','.join(choices.label) }}
{{ word[0] }} {{ word[-1] }} {{ word[2:] }} {{ word[::-1] }} {{ word[10:] }}| {{ word[-3:-1] }} {{ word|length }} {{ word.upper() }} {{ 'ÀÉΣ'.lower() }} {{ word|upper }} {{ word.find('日') }} {{ word.index('—') }} {{ word.find('x') }}
{{ numbers[::2] }} {{ numbers[::-1] }} {{ numbers[5:] }} {{ numbers[:-1] }} {{ numbers[-2:] }} {{ numbers[2:0:-1] }} {{ numbers[-100:100] }} {{ (1,2,3)[1:] }}
{{ 7 // 2 }} {{ neg // 2 }} {{ neg % 3 }} {{ 7 % -3 }} {{ 7 / 2 }} {{ 6 / 2 }} {{ 2 ** 3 ** 2 }} {{ -2 ** 2 }} {{ 2 ** -1 }} {{ 7.5 // 2 }} {{ -7.5 % 2 }} {{ n - 1 }} {{ n * 2 + 1 }} {{ 'ab' * 3 }} {{ [0] * 2 + [1] }} {{ yes + 1 }} {{ -n }} {{ +n }}
{{ (1 + 2) ~ 3 }} {{ 'a' ~ n ~ nothing ~ yes ~ f }} {{ 1 ~ 2 * 3 }}
{{ n == 7 }} {{ n != 7 }} {{ 1 < n < 10 }} {{ 1 < n > 10 }} {{ n == 7.0 }} {{ yes == 1 }} {{ 'a' < 'b' }} {{ [1, 2] == [1, 2.0] }} {{ {'a': 1} == {'a': True} }} {{ nothing == none }} {{ 'a' == 1 }}
{{ 'q' in text }} {{ 'zz' not in text }} {{ 3 in numbers }} {{ 'text' in choices }} {{ not 3 in numbers }} {{ not yes }} {{ not not yes }}
{{ yes and 'x' }} {{ no or empty or 'y' }} {{ empty and nothing }}| {{ yes or missing }} {{ no and missing }}
{{ 'a' if yes else 'b' }} {{ ('a' if no else 'b') ~ 'c' }} {{ 'a' if no else 'b' if no else 'c' }} {{ 1 if yes }}
{{ missing is defined }} {{ n is defined }} {{ missing|default('d') }} {{ empty|default('d', true) }} {{ empty|d('x') }}| {{ n is not none }} {{ nothing is none }} {{ n is number }} {{ n is string }} {{ text is string }} {{ yes is boolean }} {{ n is odd }} {{ n is even }} {{ n is divisibleby 7 }} {{ n is divisibleby(2) }} {{ n is eq 7 }} {{ choices is mapping }} {{ f is float }} {{ numbers is sequence }} {{ n is in [7] }}
{{ 2 + n|string|length }} {{ (2 + n)|string|length }} {{ -n|abs }} {{ n|string ~ 'x' }} {{ '5'|int + 1 }} {{ 'x'|int }} {{ 'x'|int(3) }} {{ '2.7'|int }} {{ '2.7'|float }} {{ f|int }} {{ ' 12 '|int }}
{{ numbers|sort }} {{ numbers|sort(reverse=true) }} {{ ['b', 'A', 'c']|sort }} {{ ['b', 'A', 'c']|sort(case_sensitive=true) }} {{ numbers|sum }} {{ numbers|max }} {{ numbers|min }} {{ numbers|first }} {{ numbers|last }} {{ numbers|reverse|list }} {{ pair|reverse|list }} {{ 'abc'|reverse }} {{ 'abc'|list }} {{ objects|map(attribute='k')|list }} {{ choices.label|map('lower')|list }} {{ numbers|select('odd')|list }} {{ numbers|reject('odd')|list }} {{ mixed|select|list|length }}
{{ text|replace('quick', 'slow') }} {{ text.replace(' ', '', 2) }} {{ 'aaa'.replace('a', 'b', 1) }} {{ 'abc'.startswith('ab') }} {{ 'abc'.endswith('x') }} {{ 'xxabc'.lstrip('x') }} {{ 'abcx-'.strip('-x') }} {{ 'a.b'.removesuffix('.b') }} {{ 'a.b'.removeprefix('a.') }} {{ '12'.isdigit() }} {{ ''.isdigit() }} {{ '5'.zfill(3) }} {{ '-5'.zfill(4) }} {{ 'a\\nb\\r\\nc'.splitlines() }}
{{ items }} {{ title }} {{ range }} {{ nested.b.c }} {{ nested['get'] }} {{ nested.get('b') }} {{ nested.get('x') }} {{ nested.get('x', 'y') }} {{ choices.keys()|list }} {{ objects[0].items()|list }} {{ objects[0].values()|list }} {{ nested.b['c'] }}
{{ 'a' 'b' "c" }} {{ "it's" }} {{ 'q\\'q' }} {{ '\\x41\\u00e9\\U0001F600\\101\\t|\\d\\\\' }} {{ "a\\nb" }} {{ 'a
b' }}
{% if yes %}yes{% else %}no{% endif %} {% if no %}a{% elif n == 7 %}b{% else %}c{% endif %} {% if not none_list %}empty{% endif %}
{% for x in numbers %}{{ loop.index }}:{{ x }}{% if not loop.last %}, {% endif %}{% endfor %} {% for x in none_list %}x{% else %}none{% endfor %} {% for k, v in choices.items() %}{{ k }}={{ v|length }};{% endfor %} {% for c in word %}[{{ c }}]{% endfor %} {% for x in numbers if x > 1 %}{{ loop.index0 }}{{ x }}{{ loop.length }} {% endfor %} {% for k in choices %}{{ k }}{% endfor %} {% for a in [[1, 2], [3]] %}{% for b in a %}{{ b }}{{ loop.revindex }}{% endfor %}/{{ loop.first }}{% endfor %}
{% set x = n + 1 %}{{ x }} {% set y = 'a' if x > 3 else 'b' %}{{ y }} {% for i in numbers %}{% set x = i %}{% endfor %}{{ x }} {% if yes %}{% set z = 1 %}{% endif %}{{ z }}
a {%- if yes -%}  b  {%- endif -%} c {{- n -}} d {#- comment -#} e {# c #} f
{% raw %}{{ not this }} {% nor this %}{% endraw %} {%- raw -%} x {%- endraw -%} y
{{ 3 }}{{ '}}' }}{{ {'a': {'b': 1}}['a']['b'] }} }} { } {x} %}
{{ choices.text|length }} {{ choices.text[choices.label.index('B')] }} {{ [choices.text[0], choices['text'][1]] }} {{ {0: 'zero', 1: 'one'}[1] }} {{ {True: 'yes', False: 'no'}[no] }} {{ ['no', 'yes'][yes] }} {{ ['no', 'yes'][yes|int] }}
{{ digits|int }} {{ digits }} {{ n|string }} {{ nothing|string }} {{ f|string }} {{ 0.1 + 0.2 }} {{ 1e15 }} {{ 123456789.125 }} {{ 0.0001 }} {{ 0.00001 }} {{ -0.0 }}
{{ answerKey.strip() == 'C' }} {{ (answerKey|trim) in choices.label }} {{ question ~ '
' ~ text }}
{{ n
   + 1 }}
trailing newline is kept

{% macro tag(name, text='-', n=n + 1) %}<{{ name }}>{{ text }}{{ n }}{% endmacro %}{{ tag('a') }}{{ tag('b', n=2) }}{{ tag(text=tag('c'), name='d') }}{{ tag('a')|length }}
{% set x = 1 %}{% macro show() %}{{ x }}{{ y }}{% endmacro %}{% set y = 2 %}{{ show() }}{% set x = 3 %}{{ show() }}{% for x in [9] %}{{ show() }}{% endfor %}
{% macro count(n) %}{{ n }}{% if n > 0 %},{{ count(n - 1) }}{% endif %}{% endmacro %}{{ count(3) }}|{% for i in [1, 2] %}{% macro in_loop(a) %}{{ a }}{{ i }}{% endmacro %}{{ in_loop('x') }}{% endfor %}
{% macro needs(a) %}{{ a }}{% endmacro %}{{ needs() }}
{% macro one(a) %}{{ a }}{% endmacro %}{{ one(1, 2) }}
{% macro one(a) %}{{ a }}{% endmacro %}{{ one(b=2) }}
{% macro one(a) %}{{ a }}{% endmacro %}{{ one(2, a=2) }}
{% set ns = namespace(n=0, found=false) %}{% for x in numbers %}{% set ns.n = ns.n + x %}{% if x == 1 %}{% set ns.found = true %}{% endif %}{% endfor %}{{ ns.n }}{{ ns.found }}{{ ns['n'] }}{% set ns.items = 'own' %}{{ ns.items }}
{% set ns = namespace({'a': 1}, b=2) %}{{ ns.a }}{{ ns.b }}{{ ns.c is defined }}{% set other = ns %}{{ other == ns }}{{ ns == namespace(a=1, b=2) }}
{{ dict(a=1, b=[2]) }}{{ dict({'x': 1}, y=2) }}{{ dict([('k', 'v')]) }}{{ dict() }}
{% set ns = namespace() %}{{ ns.missing }}
{% set objects.x = 1 %}
{% set x %}a {{ n }}{% for i in numbers %}{{ i }}{% endfor %}{% endset %}[{{ x }}]{% set x | upper | replace('A', '_') %}aab{{ x }}{% endset %}{{ x }}{% set ns = namespace() %}{% set ns.text %}in{% endset %}{{ ns.text }}
{% set a, b = 1, 'two' %}{{ a }}{{ b }}{% set c = 1, 2 %}{{ c }}{{ 1, 2 }}{% for x in 1, 2, 3 %}{{ x }}{% endfor %}{% set d, e = pair %}{{ e ~ d }}
{% set a, b = numbers %}
{% for x in numbers %}{{ loop.previtem if not loop.first }}<{{ x }}>{{ loop.nextitem if not loop.last }}{{ loop.revindex0 }}{{ loop.cycle('o', 'e') }}{{ loop['index'] }}{{ loop.depth }} {% endfor %}
{{ objects|selectattr('v', 'equalto', 2)|list }}{{ objects|rejectattr('v', '==', 2)|map(attribute='k')|join }}{{ objects|selectattr('v')|list|length }}{{ objects|selectattr('v', 'gt', 1)|map(attribute='v')|first }}{{ objects|selectattr('zz', 'defined')|list }}{{ objects|map(attribute='zz', default='q')|list }}{{ [nested]|map(attribute='b.c')|list }}{{ [pair]|map(attribute=1)|list }}
{{ objects|sort(attribute='v', reverse=true)|map(attribute='k')|list }}{{ objects|sum(attribute='v') }}{{ [1, 2, 1, 'a', 'A']|unique|list }}{{ ['a', 'A']|unique(true)|list }}{{ nested.b|items|list }}{{ {'b': 1, 'a': 3, 'C': 2}|dictsort }}{{ {'b': 1, 'a': 3}|dictsort(by='value', reverse=true) }}
{{ 2.567|round(1) }} {{ 2.5|round }} {{ 3.5|round }} {{ 7|round }} {{ 2.1|round(method='ceil') }} {{ -2.15|round(1, 'floor') }} {{ 1.005|round(2) }} {{ 'x'|string|safe }}
{{ 'hello wOrld-foo (bar)  <é>'|title }}|{{ "they're 3rd x1y ǆ ß".title() }}|{{ 'ßa ΑΣ'.capitalize() }}|{{ 'hELLO é'|capitalize }}|{{ 'aB ßé 1'.swapcase() }}|{{ 'Straße'.casefold() }}|{{ text|title }}|{{ word.title() }}
{{ 'ab'.islower() }}{{ 'aB'.islower() }}{{ '1'.islower() }}{{ 'AB1'.isupper() }}{{ ''.isupper() }}{{ 'Ab Cd'.istitle() }}{{ 'AB'.istitle() }}{{ 'ab日'.isalpha() }}{{ 'a1'.isalpha() }}{{ 'a1½'.isalnum() }}{{ '½'.isnumeric() }}{{ '12'.isdecimal() }}{{ 'ab' is lower }}{{ 'ab' is upper }}
{{ 'a-b-c'.partition('-') }}{{ 'a-b-c'.rpartition('-') }}{{ 'abc'.partition('-') }}{{ 'abc'.rpartition('-') }}{{ 'abc'.startswith(('x', 'a')) }}{{ 'abc'.endswith(()) }}{{ {'a': 1}.copy() }}
{{ 'a\nb\n\nc'|indent }}|{{ 'a\nb\n\nc'|indent(2, true) }}|{{ 'a\n\nc'|indent(width=1, blank=true) }}|{{ 'a\nb\n'|indent('> ') }}
{{ n is iterable }}{{ text is iterable }}{{ choices is iterable }}{{ range is iterable }}{{ nothing is sameas none }}{{ yes is sameas true }}{{ n is sameas true }}{{ text.strip is callable }}{{ n is callable }}{{ n is ge 7 }}{{ n is lessthan 8 }}
{{ missing is none }}{{ missing is string }}{{ missing is mapping }}{{ missing is sequence }}{{ missing is number }}{{ missing is true }}{{ missing is callable }}{{ ('x' if no) or 'soft' }}{{ ('x' if no) is none }}{{ nothing|selectattr('a')|list }}{{ no|map('upper')|list }}{{ empty|reject('none')|list }}
{{ missing is iterable }}
{{ missing is odd }}
{{ n|indent }}
{{ text[:3] }}|{{ text[-4:-1] }}|{{ word[1:3] }}|{{ word[3:1] }}|{{ word[-1:] }}|{{ word[:-3:-1] }}|{{ ''[:2] }}|{{ word[5] }}|{{ word[20:] }}
{{ missing }}
{{ choices.nothing }}
{{ choices.label.index('Z') }}
{{ numbers[9] }}
{{ n + 'x' }}
{{ missing.attr }}
{{ n() }}
{{ missing ~ 'x' }}
{{ missing == 1 }}
{{ nothing.x }}
{{ 1 / 0 }}
{% for x in n %}{% endfor %}
{% for a, b in numbers %}{% endfor %}
{{ 'a' < 1 }}
{{ [missing]|join }}
{% if missing %}x{% endif %}
{{ numbers['x'] }}
{{ ''.index('x') }}
""".lstrip("\n")

BAD = ["{{", "{{ }}", "{% if %}", "{{ a b }}", "{{ (a }}", "{{ a) }}", "{% endif %}", "{% if a %}", "{% for x %}{% endfor %}", "{{ 'a }}", "{# x",
       "{{ a. }}", "{{ a[ }}", "{{ a|nofilter }}", "{{ a is notest }}", "{% else %}", "{% if a %}{% endfor %}", "{{ a ? b }}", "{% nosuch %}",
       "{{ 1abc }}", "{% set 1 = 2 %}", "{{ a | }}", "{{ f(a=1, 2) }}", "{% for in x %}{% endfor %}"]

CHAT = [
    # what is undefined
    "[{{ missing }}]{% if missing %}t{% else %}f{% endif %}{% for x in missing %}x{% else %}none{% endfor %}{{ missing ~ 'x' }}{{ missing == 1 }}{{ missing == other }}{{ missing != other }}{{ not missing }}{{ missing or 'or' }}{{ 'x' in missing }}{{ missing in numbers }}",
    "{{ missing|length }}{{ missing|upper }}{{ missing|trim }}{{ missing|list }}{{ missing|join(',') }}{{ missing|default('d') }}{{ missing|string }}{{ missing|items|list }}{{ missing|first }}{{ missing|last }}{{ missing is none }}{{ missing is string }}{{ missing is mapping }}{{ missing is iterable }}{{ missing is sequence }}{{ missing is number }}{{ missing is true }}{{ missing is false }}",
    "{{ [missing] }}{{ {'a': missing} }}{{ [missing, 'x']|join('+') }}{{ 'a' if no }}{{ ('a' if no) is defined }}{{ objects[9] is defined }}{{ objects[9] }}{{ choices.zz }}{{ choices['zz'] is undefined }}{{ text.zz }}{{ text[99] }}{{ none_list|first }}{{ none_list|last is defined }}{{ n.x is defined }}",
    "{% set x = missing %}{{ x is defined }}{{ x }}{% set ns = namespace(a=missing) %}{{ ns.a }}{% macro f(a, b) %}{{ a }}{{ b is defined }}{{ b }}{% endmacro %}{{ f(missing) }}{{ objects|map(attribute='zz')|list }}{{ objects|selectattr('zz')|list }}{{ objects|selectattr('zz', 'equalto', 1)|list }}",
    "{{ nothing is defined }}{{ nothing is none }}{{ nothing }}{{ nothing|default('d') }}{{ nothing|default('d', true) }}{% if nothing %}t{% endif %}{{ nothing.x is defined }}",
    "{{ missing.a }}", "{{ missing['a'] }}", "{{ missing[0] }}", "{{ missing[1:] }}", "{{ missing() }}", "{{ missing + 'a' }}", "{{ 'a' + missing }}", "{{ missing * 2 }}", "{{ -missing }}", "{{ missing < 1 }}", "{{ missing|int }}", "{{ missing|tojson }}",
    "{{ [missing]|tojson }}", "{{ missing.a.b is defined }}", "{{ missing in 'abc' }}", "{{ range(missing) }}", "{{ nothing + 'a' }}", "{{ 'abc'.startswith(missing) }}", "{{ nothing.x.y }}", "{{ missing|abs }}", "{{ text[missing:] }}", "{{ choices[missing] is defined }}", "{{ 'x'.join([missing]) }}", "{{ missing|round }}",
    # what transformers adds
    "{{ 'a<b>&\"é\\\\' | tojson }}{{ mixed | tojson }}{{ objects | tojson(indent=2) }}{{ nested | tojson(sort_keys=true) }}{{ {'b': [], 'a': {}} | tojson(indent=4, sort_keys=true) }}{{ [1, {'a': 2}] | tojson(separators=(',', ':')) }}{{ (1, 2) | tojson }}{{ {1: none, true: 2.5} | tojson }}{{ big | tojson }}{{ [[], [1]] | tojson(indent=0) }}{{ choices | tojson(ensure_ascii=False) }}{{ objects | map('tojson') | join }}",
    "{% for x in numbers %}{% if x == 1 %}{% continue %}{% endif %}{{ x }}{% endfor %}|{% for x in numbers %}{% if x == 2 %}{% break %}{% endif %}{{ x }}{% else %}e{% endfor %}|{% for x in numbers %}{% for y in numbers %}{% if y == 1 %}{% break %}{% endif %}{{ y }}{% endfor %}{{ x }}{% endfor %}",
    "{% for x in numbers %}{% set z %}{% if x == 1 %}{% continue %}{% endif %}{{ x }}{% endset %}<{{ z }}>{% endfor %}",
    "{% for x in numbers %}{% break %}{% else %}else{% endfor %}|{% for x in numbers %}{% continue %}{% else %}else{% endfor %}|{% for x in numbers %}{% if x == 2 %}{% continue %}{% endif %}{% else %}else{% endfor %}",
    "{{ nothing | selectattr('role', 'equalto', 'user') | list }}{{ missing | map(attribute='x') | list }}{{ missing | selectattr('a') | list }}", "{% if 'a' if yes else 'b' %}x{% endif %}", "{{ n is number is true }}",
    "{% set today = 'a' %}{% set words = \"one\\\ntwo \\\"x\\\" \" + today %}{{ words }}{% for x in objects %}{% set x = x.k %}{{ x }}{% endfor %}{% set kept = [] %}{% for x in numbers %}{% set kept = kept + [x] %}{{ kept }}{% endfor %}{{ kept }}",
    "{% for k, v in {0: 1, 512: 128, 16: 2} | dictsort %}{{ k }}:{{ v }} {% endfor %}{{ missing or '' }}{% if n in (1, 7) %}in{% endif %}{{ ',' if not no -}}  {{ objects[-1].k[-9:] }}{% macro f(t) %}{% if t == 'a' -%} str\n {% else -%}Any{%- endif -%}{% endmacro %}{{ f('a') }}{{ f(1) }}",
    "{% break %}", "{% for x in numbers %}{% macro f() %}{% break %}{% endmacro %}{% endfor %}", "{% for x in numbers %}{% else %}{% continue %}{% endfor %}",
    "a{% generation %}{{ n }}{% set q = 1 %}{{ q }}{% endgeneration %}{{ q is defined }}{% for x in numbers %}{% generation %}{{ x }}{{ loop.index }}{% endgeneration %}{% endfor %}",
    "{% generation %}", "{% generation x %}{% endgeneration %}",
    "{{ raise_exception('x') }}", "{{ raise_exception is defined }}{{ strftime_now is callable }}",
    "{% set x = [] %}{{ x.append(1) }}", "{% set x = {} %}{{ x.update({}) }}", "{{ ''.__class__ }}", "{{ ''.__class__.__mro__ }}", "{{ tojson }}",
    "{% macro f(x) %}  {{ x }}\n  {%- endmacro %}[{{ f('a') }}]{{ f('a') + 'b' }}",
    # blank lines, the line end
    "a\n  {% if yes %}\n  b\n  {% endif %}\nc\n", "  {% if yes %}  x  {% endif %}  \n", "a\n\t {# c #}\nb", "{# c #}\n{# d #}\n\nx\n\n", "x {% if yes %}\n y{% endif %}\n", "x\n {%+ if yes %}\ny\n {%+ endif +%}\nz",
    "{{ n }}\n{{ n }}\n", "  {{ n }}  \n  {{- n }}\n  {{ n -}}\n  x", "{% raw %}\n  {{ x }}\n  {% endraw %}\nafter", "  {% raw %} a {% endraw %}\n", " {%- raw -%}\n b \n{%- endraw -%}\n c", "a\n  {%- if yes -%}\n  b\n  {%- endif %}\n  c",
    "{% for x in numbers %}\n  {{ x }}\n{% endfor %}\n", "{% for x in numbers -%}\n  {{ x }}\n{%- endfor %}", "{% if yes %}\n\n{% endif %}\n\n", "x{% if yes %}\n  {% if yes %}\n  y\n{% endif %}  {% endif %}\n", "{{ n }}  {% if yes %}a{% endif %}", "\n  {% set x = 1 %}\n\n{{ x }}",
    "a\r\n  {% if yes %}\r\nb\r\n{% endif %}\r\n", "{#- c -#}\n x {#+ d +#}\n y {#- e #}\n z", "{% if yes +%}\n x{% endif %}", "a\n  {% set x = 1 %}  \nb", "a\n \u00a0{% if yes %}b{% endif %}", "{{ '\\n' }}\n\n", "", "\n", "x\n  {{+ n }}",
]


def templates():
    """The lines of GOOD; one that ends inside braces goes on."""
    part = ""
    for line in GOOD.split("\n"):
        part += line
        if part.count("{{") > part.count("}}"):
            part += "\n"
            continue
        if part:
            yield part
        part = ""
    yield "ends in lines\n\n"
    yield "carriage\r\nreturns\r{{ n }}\r\n"


good = []
for t in templates():
    try:
        text = env.from_string(t).render(**ROW)
    except Exception as e:
        print(type(e).__name__, e, "|", t[:60])
        text = None
    good.append([t, text])
for t in BAD:
    try:
        env.from_string(t)
    except jinja2.TemplateSyntaxError:
        continue
    raise SystemExit("parses: " + t)
chat = []
for t in CHAT:
    try:
        text = _compile_jinja_template(t).render(**ROW)
    except Exception as e:
        print(type(e).__name__, e, "|", t[:60])
        text = None
    chat.append([t, text])
out = {"row": ROW, "good": good, "bad": BAD, "chat": chat}
pathlib.Path("jinja.json").write_text(json.dumps(out, ensure_ascii=True, indent=0) + "\n")

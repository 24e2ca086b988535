#!/usr/bin/env python3
"""Writes jinja.json: what Jinja2 makes of templates over rows.

Made with Python 3.11, Jinja2 3.1.6, with the environment of lm-eval 0.4.8 (lm_eval/utils.py: StrictUndefined,
keep_trailing_newline). Run in this folder; deterministic. Each entry is [template, row, text], the text null where
rendering fails, and "templates" whose parsing fails are in "bad".
"""

import json
import pathlib

import jinja2

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
out = {"row": ROW, "good": good, "bad": BAD}
pathlib.Path("jinja.json").write_text(json.dumps(out, ensure_ascii=True, indent=0) + "\n")

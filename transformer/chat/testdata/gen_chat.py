"""Makes golden.json: what transformers 4.51.3 (jinja2 3.1.6) writes for
conversations under chat templates, or that it raises. Run it here:

    python gen_chat.py

The templates are ours. They use what the published ones of SmolLM2, LLaMA-2,
LLaMA-3, LLaMA-3.1, Qwen2, Qwen2.5 and Mistral 0.1 and 0.3 use.
"""
import datetime
import json
import os

from tokenizers import Tokenizer, models
from transformers import PreTrainedTokenizerFast
from transformers.utils import chat_template_utils

HERE = os.path.dirname(os.path.abspath(__file__))

TEMPLATES = {
    "smollm2": "{% for turn in messages %}{% if loop.first and messages[0]['role'] != 'system' %}{{ '<|im_start|>system\nBe brief.<|im_end|>\n' }}{% endif %}"
               "{{'<|im_start|>' + turn['role'] + '\n' + turn['content'] + '<|im_end|>' + '\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}",
    "llama2": "{% if messages[0]['role'] == 'system' %}{% set turns = messages[1:] %}{% set sys = messages[0]['content'] %}{% else %}{% set turns = messages %}{% set sys = false %}{% endif %}"
              "{% for turn in turns %}{% if (turn['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('user and assistant take turns') }}{% endif %}"
              "{% if loop.index0 == 0 and sys != false %}{% set words = '<<SYS>>\\n' + sys + '\\n<</SYS>>\\n\\n' + turn['content'] %}{% else %}{% set words = turn['content'] %}{% endif %}"
              "{% if turn['role'] == 'user' %}{{ bos_token + '[INST] ' + words.strip() + ' [/INST]' }}{% elif turn['role'] == 'system' %}{{ '<<SYS>>\\n' + words.strip() + '\\n<</SYS>>\\n\\n' }}"
              "{% elif turn['role'] == 'assistant' %}{{ ' '  + words.strip() + ' ' + eos_token }}{% endif %}{% endfor %}",
    "llama3": "{% set all_turns = messages %}{% for turn in all_turns %}{% set words = '<|start_header_id|>' + turn['role'] + '<|end_header_id|>\n\n'+ turn['content'] | trim + '<|eot_id|>' %}"
              "{% if loop.index0 == 0 %}{% set words = bos_token + words %}{% endif %}{{ words }}{% endfor %}{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}",
    "llama3.1": """{{- bos_token }}
{%- if custom_tools is defined %}
    {%- set tools = custom_tools %}
{%- endif %}
{%- if not date_string is defined %}
    {%- if strftime_now is defined %}
        {%- set date_string = strftime_now("%d %b %Y") %}
    {%- else %}
        {%- set date_string = "1 Jan 2000" %}
    {%- endif %}
{%- endif %}
{%- if not tools is defined %}
    {%- set tools = none %}
{%- endif %}

{#- The system words stand apart from the turns. #}
{%- if messages[0]['role'] == 'system' %}
    {%- set sys = messages[0]['content']|trim %}
    {%- set messages = messages[1:] %}
{%- else %}
    {%- set sys = "" %}
{%- endif %}

{{- "<|start_header_id|>system<|end_header_id|>\\n\\n" }}
{%- if tools is not none %}
    {{- "Environment: ipython\\n" }}
{%- endif %}
{{- "Today: " + date_string + "\\n\\n" }}
{{- sys }}
{{- "<|eot_id|>" }}
{%- for turn in messages %}
    {%- if not (turn.role == 'ipython' or turn.role == 'tool' or 'tool_calls' in turn) %}
        {{- '<|start_header_id|>' + turn['role'] + '<|end_header_id|>\\n\\n'+ turn['content'] | trim + '<|eot_id|>' }}
    {%- elif turn.role == "tool" or turn.role == "ipython" %}
        {{- "<|start_header_id|>ipython<|end_header_id|>\\n\\n" }}
        {%- if turn.content is mapping or turn.content is iterable and turn.content is not string %}
            {{- turn.content | tojson }}
        {%- else %}
            {{- turn.content }}
        {%- endif %}
        {{- "<|eot_id|>" }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}
{%- endif %}
""",
    "qwen2.5": """{%- if tools %}
    {{- '<|im_start|>system\\n' }}
    {%- for tool in tools %}
        {{- "\\n" }}
        {{- tool | tojson }}
    {%- endfor %}
    {{- "<|im_end|>\\n" }}
{%- else %}
    {%- if messages[0]['role'] == 'system' %}
        {{- '<|im_start|>system\\n' + messages[0]['content'] + '<|im_end|>\\n' }}
    {%- else %}
        {{- '<|im_start|>system\\nBe of help.<|im_end|>\\n' }}
    {%- endif %}
{%- endif %}
{%- for turn in messages %}
    {%- if (turn.role == "user") or (turn.role == "system" and not loop.first) or (turn.role == "assistant" and not turn.tool_calls) %}
        {{- '<|im_start|>' + turn.role + '\\n' + turn.content + '<|im_end|>' + '\\n' }}
    {%- elif turn.role == "tool" %}
        {%- if (loop.index0 == 0) or (messages[loop.index0 - 1].role != "tool") %}
            {{- '<|im_start|>user' }}
        {%- endif %}
        {{- '\\n<tool_response>\\n' }}
        {{- turn.content }}
        {{- '\\n</tool_response>' }}
        {%- if loop.last or (messages[loop.index0 + 1].role != "tool") %}
            {{- '<|im_end|>\\n' }}
        {%- endif %}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
{%- endif %}
""",
    "mistral0.1": "{{ bos_token }}{% for turn in messages %}{% if (turn['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('user and assistant take turns') }}{% endif %}"
                  "{% if turn['role'] == 'user' %}{{ '[INST] ' + turn['content'] + ' [/INST]' }}{% elif turn['role'] == 'assistant' %}{{ turn['content'] + eos_token + ' ' }}"
                  "{% else %}{{ raise_exception('only users and assistants speak') }}{% endif %}{% endfor %}",
    "mistral0.3": """{%- if messages[0]["role"] == "system" %}
    {%- set sys = messages[0]["content"] %}
    {%- set turns = messages[1:] %}
{%- else %}
    {%- set turns = messages %}
{%- endif %}
{%- if not tools is defined %}
    {%- set tools = none %}
{%- endif %}
{%- set asked = turns | selectattr("role", "equalto", "user") | list %}

{#- The roles take turns, tools aside. #}
{%- set ns = namespace() %}
{%- set ns.index = 0 %}
{%- for turn in turns %}
    {%- if not (turn.role == "tool" or turn.role == "tool_results" or (turn.tool_calls is defined and turn.tool_calls is not none)) %}
        {%- if (turn["role"] == "user") != (ns.index % 2 == 0) %}
            {{- raise_exception("user and assistant take turns") }}
        {%- endif %}
        {%- set ns.index = ns.index + 1 %}
    {%- endif %}
{%- endfor %}

{{- bos_token }}
{%- for turn in turns %}
    {%- if turn["role"] == "user" %}
        {%- if tools is not none and (turn == asked[-1]) %}
            {{- "[AVAILABLE_TOOLS] [" }}
        {%- endif %}
        {%- if loop.last and sys is defined %}
            {{- "[INST] " + sys + "\\n\\n" + turn["content"] + "[/INST]" }}
        {%- else %}
            {{- "[INST] " + turn["content"] + "[/INST]" }}
        {%- endif %}
    {%- elif turn["role"] == "assistant" %}
        {{- " " + turn["content"]|trim + eos_token}}
    {%- else %}
        {{- raise_exception("only user and assistant roles are known") }}
    {%- endif %}
{%- endfor %}
""",
    "macros": """{%- macro head(role, sep='\\n') %}<{{ role }}>{{ sep }}{% endmacro -%}
{% for turn in messages if turn.role != 'system' -%}
{{ head(turn.role) }}{{ turn.content|trim }}{{ '' if loop.last else '|' }}
{% else %}
nobody speaks
{%- endfor %}
{% set ns = namespace(found=false, n=0) %}
{% for turn in messages[::-1] %}{% set ns.n = ns.n + 1 %}{% if turn.role == 'user' and not ns.found %}{% set ns.found = true %}{{ loop.index }} {{ turn.content[:3] }} {{ turn.content[-2:] }}{% endif %}{% endfor %}
  {{ ns.n }} {{ messages|length }}   
""",
    "generation": "{% for turn in messages %}{% if turn.role == 'assistant' %}{% generation %}{{ turn.content }}{{ eos_token }}{% endgeneration %}\n{% else %}{{ turn.role | upper }}: {{ turn.content }}\n{% endif %}{% endfor %}x",
    "strings": "{% for turn in messages %}{% set c = turn.content %}{{ c.split('\\n')[0] }}|{{ c.lstrip() }}|{{ c.rstrip('.\\n ') }}|{{ c.startswith('W') }}|{{ c.endswith('?') }}|{{ 'is' in c }}|"
               "{{ c.replace('a', 'A') }}|{{ c.upper() | lower }}|{{ c.title() }}|{{ c | tojson }}|{{ c | replace('e', 'E') }}|{{ ['x', c] | join('-') }}|{{ c.split('?')[-1].strip() }}|{{ c|length }}\n{% endfor %}",
    "methods": "{% for turn in messages %}{% set c = turn.content %}{{ c.find('a') }}|{{ c.find('zz') }}|{{ c.rfind('a') }}|{{ c.isdigit() }}|{{ c.isupper() }}|{{ c.islower() }}|{{ c.capitalize() }}|{{ c.swapcase() }}"
               "|{{ c.splitlines() | join('/') }}|{{ c.removeprefix('Wh') }}|{{ c.removesuffix('?') }}|{{ c.partition(' ') | join('/') }}|{{ c.rpartition(' ') | join('/') }}|{{ c.startswith(('W', 'I')) }}|{{ c.replace('a', 'b', 1) }}"
               "|{{ c.isspace() }}|{{ c.isalpha() }}|{{ c.split(' ') | join('/') }}|{{ c.strip('W?') }}|{{ turn.keys() | list | length }}\n{% endfor %}",
    "filters": "{% for turn in messages %}{% set c = turn.content %}{{ c | capitalize }}|{{ c | first }}|{{ c | last }}|{{ c | length }}|{{ c | string }}|{{ c | upper }}|{{ c | default('e', true) }}\n{% endfor %}"
               "{{ [3, 1, 2] | sort | join(',') }}|{{ [1, 2, 2] | unique | list | length }}|{{ [1, 2] | sum }}|{{ [1, 5] | max }}|{{ '7' | int }}|{{ 'x' | int(3) }}|{{ -3 | abs }}|{{ 2.567 | round(1) }}|{{ [0, 1] | select | list | length }}"
               "|{{ messages | map(attribute='content') | map('upper') | join('+') }}|{{ messages | selectattr('name', 'undefined') | list | length }}|{{ [1, 2] | map('string') | join }}",
    "tests": "{% for turn in messages %}{{ turn.content is string }} {{ turn is mapping }} {{ turn.name is defined }} {{ turn.name is undefined }} {{ tools is none }} {{ loop.index is odd }} {{ 3 is number }} "
             "{{ messages is iterable }} {{ turn.content == '' }} {{ 'role' in turn }} {{ not turn.content }} {{ (turn.role, 1)[0] }} {{ 1 if turn.role in ['user', 'tool'] else 0 }} {{ turn.get('name', 'no') }}\n{% endfor %}"
             "{{ true }} {{ 1 + 2 * 3 }} {{ 7 // 2 }} {{ 7 % 4 }} {{ 1.5 }} {{ 'a' ~ 1 }} {{ missing }} {{ [1, 'a', none, true] | tojson }} {{ {'b': 1, 'a': [2]} | tojson }} {{ {'k': 'v'}.items() | list | length }}",
    "last": "{{ messages[-1].content }}|{{ messages[-1]['role'] }}|{{ (messages | selectattr('role', 'equalto', 'user') | list)[-1].content }}|{{ messages[:-1] | length }}|{{ messages[-2:] | length }}"
            "|{{ messages[0:][-1].role }}|{{ messages | first == messages[0] }}|{{ (messages | last).role }}|{{ messages[-1].content.split() | join('_') }}|{{ 'a,b,c'.split(',', 1)[-1] }}"
            "{% set two = messages[-1:] %}|{{ two[-1].role }}|{{ two | length }}{% if messages[-1].role == 'assistant' and add_generation_prompt %}{{ raise_exception('the assistant spoke last') }}{% endif %}",
    "json": "{% for turn in messages %}{{ turn | tojson }}\n{{ turn | tojson(indent=2) }}{% endfor %}{{ messages | tojson(indent=4) }}{{ {'a': [1, 2.5, 1e20, 0.00001, -3, none, false], 'é<>&': '\t\x01\x7f', 'e': {}, 'l': []} | tojson }}"
            "{{ {'a': {'b': [1, [2]]}, 'c': []} | tojson(indent=1) }}{{ 'x' | tojson }}{{ [] | tojson }}",
    "controls": "{% for turn in messages %}{% if turn.role == 'system' %}{% continue %}{% endif %}{% if loop.index > 3 %}{% break %}{% endif %}{{ turn.role }},{% endfor %}"
                "{% set block %}\n  kept  \n{% endset %}[{{ block }}]{% raw %}{{ raw }}{% endraw %}{# nothing #}{% for k, v in {'a': 1, 'b': 2}.items() %}{{ k }}={{ v }};{% endfor %}{% for i in range(3) %}{{ i }}{% endfor %}"
                "{{ messages | map(attribute='role') | join(' ') }} {{ messages | rejectattr('role', 'equalto', 'user') | list | length }} {{ messages[0].role | default('x') }} {{ nope | default('d') }} {{ '%s' % 'f' if false else 'n' }}",
    "tokens": "{{ bos_token }}{% if eos_token is defined %}{{ eos_token }}{% endif %}{% if pad_token is defined %}pad{% endif %}{{ unk_token }}{% if documents is none %}none{% endif %}{{ add_generation_prompt }}",
    "whitespace": "  {% if true %}\n    a\n  {%- if true -%}  b  {%- endif +%}\n  {% endif %}\n\n  {{ 'c' -}}   \n  {#- x -#}  d\n{% for m in messages -%}\n  {{ m.role }}\n{%- endfor %}\n\n",
}

TURNS = {
    "one": [("user", "What is a layer?")],
    "system": [("system", " Be brief. "), ("user", "  What is a <b>layer</b>? \n"), ("assistant", "A part of a model.\n"), ("user", "Why 'so' \"quoted\" & ünï 中?")],
    "two": [("user", "a"), ("assistant", "banana"), ("user", "")],
    "unicode": [("user", "é中x ü"), ("assistant", "ünï\n😀")],
    "wrong": [("assistant", "I begin."), ("user", "No.")],
    "tool": [("user", "When?"), ("tool", "{\"t\": 1}"), ("tool", "later"), ("assistant", "Now."), ("user", "x"), ("assistant", "y")],
}

VARIABLE_TEMPLATES = {
    "map": "{{ bos_token }}{{ eos_token }}{{ unk_token }}{{ sep_token }}{{ pad_token }}{{ cls_token }}{{ mask_token }}|{{ additional_special_tokens | join(',') }}|{{ additional_special_tokens is defined }}|{{ image_token }}"
           "{% if pad_token is defined and pad_token == eos_token %}same{% endif %}",
    "given": "{% if tools %}{% for tool in tools %}{{ tool | tojson }}{{ tool.function.name }}{% endfor %}{% else %}no tools{% endif %}{% if documents %}{% for d in documents %}[{{ d.title }}: {{ d['text'] }}]{% endfor %}{% endif %}"
             "{{ date_string if date_string is defined else strftime_now('%Y') }}{% if enable_thinking is defined and enable_thinking is false %}<think></think>{% endif %}{{ n + 1 if n is defined }}{{ ratio }}{{ nothing is none }}",
    "newlines": "{% if tools %}\r\n  tools\r\n{% endif %}\r\nx{{ 'a\r\nb' }}\ry\n{{ bos_token }}\r\n",
}
VARIABLES = [
    ({}, {}),
    ({"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "sep_token": "<sep>", "pad_token": "</s>", "cls_token": "<cls>", "mask_token": "<mask>", "additional_special_tokens": ["<a>", "<b>"],
      "extra_special_tokens": {"image_token": "<image>"}}, {}),
    ({"bos_token": "<s>", "pad_token": "<pad>"}, {"pad_token": "<other>", "date_string": "26 Jul 2024", "enable_thinking": False, "n": 2, "ratio": 0.5, "nothing": None}),
    ({}, {"tools": [{"type": "function", "function": {"name": "now", "description": "It's <late> & é", "parameters": {"type": "object", "properties": {}}}}], "documents": [{"title": "T", "text": "words"}, {"title": "U", "text": "more"}]}),
    ({}, {"tools": [], "documents": [], "enable_thinking": True}),
]

NOW = datetime.datetime(2024, 3, 5, 14, 7, 9)


class FixedTime(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return NOW


def main():
    chat_template_utils.datetime = FixedTime
    cases = []
    for name, template in TEMPLATES.items():
        for turns in TURNS:
            for generation in (False, True):
                for roles in ({"bos_token": "<s>", "eos_token": "</s>"}, {}):
                    if not roles and name not in ("tokens", "tests"):
                        continue
                    tok = PreTrainedTokenizerFast(tokenizer_object=Tokenizer(models.BPE()), **roles)
                    conversation = [{"role": r, "content": c} for r, c in TURNS[turns]]
                    try:
                        text, error = tok.apply_chat_template(conversation, chat_template=template, tokenize=False, add_generation_prompt=generation), ""
                    except Exception as e:
                        text, error = "", str(e)
                    cases.append({"template": name, "turns": turns, "generation": generation, "tokens": bool(roles), "text": text, "error": error})
    for name, template in VARIABLE_TEMPLATES.items():
        for i, (tokens, variables) in enumerate(VARIABLES):
            tok = PreTrainedTokenizerFast(tokenizer_object=Tokenizer(models.BPE()), **tokens)
            conversation = [{"role": r, "content": c} for r, c in TURNS["one"]]
            try:
                text, error = tok.apply_chat_template(conversation, chat_template=template, tokenize=False, add_generation_prompt=True, **variables), ""
            except Exception as e:
                text, error = "", str(e)
            # What the caller says counts before the special tokens.
            seen = {**tok.special_tokens_map, **variables}
            cases.append({"template": name, "turns": "one", "generation": True, "tokens": False, "variables": seen, "text": text, "error": error})
    TEMPLATES.update(VARIABLE_TEMPLATES)
    with open(os.path.join(HERE, "golden.json"), "w") as f:
        json.dump({"templates": TEMPLATES, "turns": TURNS, "cases": cases}, f, ensure_ascii=False, indent=1)
        f.write("\n")


main()

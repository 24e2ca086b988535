"""Makes said.json: which characters of conversations transformers 4.51.3 (jinja2 3.1.6)
takes for what the assistant said (_render_with_assistant_indices, which
apply_chat_template(return_assistant_tokens_mask=True) goes by). Run it here:

    python gen_said.py

The templates are ours; they mark turns as those of SmolLM3 and of trl do.
"""
import json
import os

from transformers.utils import chat_template_utils

HERE = os.path.dirname(os.path.abspath(__file__))

TEMPLATES = {
    "chatml": "{% for m in messages %}{{ '<|im_start|>' + m.role + '\\n' }}{% if m.role == 'assistant' %}{% generation %}{{ m.content + '<|im_end|>' }}{% endgeneration %}{{ '\\n' }}"
              "{% else %}{{ m.content + '<|im_end|>\\n' }}{% endif %}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}",
    "lines": """{{ bos_token }}
{%- for m in messages %}
    {%- if m.role == 'assistant' %}
        {%- generation %}
            {{- ' ' + m.content | trim + eos_token }}
        {%- endgeneration %}
    {%- elif m.role == 'user' %}
        {{- '[INST] ' + m.content + ' [/INST]' }}
    {%- endif %}
{%- endfor %}""",
    "split": "{% for m in messages %}{{ m.role }}: {% if m.role == 'assistant' %}{% for word in m.content.split(' ') %}{% generation %}{{ word }}{% endgeneration %} {% endfor %}"
             "{% else %}{{ m.content }}{% endif %}\n{% endfor %}",
    "last": "{% for m in messages %}{{ m.role }}: {% if loop.last and m.role == 'assistant' %}{% generation %}{{ m.content }}{% set q = 1 %}{% endgeneration %}{% else %}{{ m.content }}{% endif %}{{ '\\n' }}{% endfor %}",
}
CHATS = {
    "one": [("user", "Hello"), ("assistant", "Good day.")],
    "system": [("system", "Be brief."), ("user", "Grüße, 世界"), ("assistant", "Ja, 世界 😀!")],
    "three": [("user", "a b"), ("assistant", "c d e"), ("user", "f"), ("assistant", "g"), ("user", "h\ni"), ("assistant", "j  k\n")],
    "asked": [("user", "x"), ("assistant", "y"), ("user", "z")],
    "empty": [("user", "x"), ("assistant", ""), ("user", "z"), ("assistant", "w")],
}

cases = []
for template, text in TEMPLATES.items():
    compiled = chat_template_utils._compile_jinja_template(text)
    for name, turns in CHATS.items():
        messages = [{"role": role, "content": content} for role, content in turns]
        text, spans = chat_template_utils._render_with_assistant_indices(
            compiled_template=compiled, messages=messages, tools=None, documents=None, add_generation_prompt=False, bos_token="<s>", eos_token="</s>")
        cases.append({"template": template, "turns": name, "text": text, "said": [list(s) for s in spans if s[0] < s[1]]})

with open(os.path.join(HERE, "said.json"), "w") as f:
    json.dump({"templates": TEMPLATES, "turns": CHATS, "cases": cases}, f, ensure_ascii=False, indent=0)
    f.write("\n")

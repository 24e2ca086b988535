#!/usr/bin/env python3
"""Writes filters.json: what the filters and exact_match of lm-eval make of generated texts.

Made with Python 3.11 and lm-eval 0.4.8 (filters/*.py, api/metrics.py). Run in this folder; deterministic; needs no network.

Each entry has: yaml, the end of a task file that generates (filter_list and metric_list); doc, the row; gold; and for each chain of
filters, in order, per text what is compared and whether it counts as the answer.
"""

import json
import pathlib

import yaml
from lm_eval.api.metrics import exact_match_hf_evaluate
from lm_eval.filters import build_filter_ensemble

HERE = pathlib.Path(__file__).resolve().parent
TEXTS = ["So #### 42", "#### 1,234 and #### -7.", "The answer is (B).", " \n (C) the sun", "answer: the moon!", "So the answer is $12.00.",
         "no", "", "A", "Straße #### 5", "x: B", "İstanbul 12", "the SUN", "a\nb\n", "ß", "12.", "{1}", "the answer is: the moon or the sun"]
DOC = {"choices": ["the sun", "the moon", "Mars (red)", "x.y"], "q": "?"}
CASES = [
    """
filter_list:
  - name: strict-match
    filter:
      - function: regex
        regex_pattern: "#### (\\\\-?[0-9\\\\.\\\\,]+)"
      - function: take_first
  - name: flexible-extract
    filter:
      - function: regex
        group_select: -1
        regex_pattern: "(-?[$0-9.,]{2,})|(-?[0-9]+)"
      - function: take_first
metric_list:
  - metric: exact_match
    ignore_case: true
    ignore_punctuation: false
    regexes_to_ignore: [",", "\\\\$", "(?s).*#### ", "\\\\.$"]
""", """
filter_list:
  - name: letters
    filter:
      - function: multi_choice_regex
        group_select: 0
        ignore_case: true
        ignore_punctuation: true
        regex_pattern: "(\\\\([A-Z]\\\\))"
      - function: take_first
  - name: plain
    filter: [{function: multi_choice_regex, regex_pattern: "[0-9]+", regexes_to_ignore: ["the ", "[xX]"], fallback: none}, {function: take_first}]
metric_list: [{metric: exact_match, ignore_punctuation: true}]
""", """
filter_list:
  - name: mapped
    filter: [{function: regex, regex_pattern: "([A-D])", fallback: Z}, {function: map, mapping_dict: {A: "0", B: "1", C: "2"}, default_value: "-1"}, {function: take_first}]
  - name: lower
    filter: [{function: lowercase}, {function: remove_whitespace}, {function: majority_vote}, {function: take_first}]
  - name: upper
    filter: [{function: uppercase}, {function: take_first}]
  - name: letter
    filter: [{function: remove_whitespace}, {function: regex, regex_pattern: "^(?P<first>\\\\w)(?P<rest>.*)\\\\Z", fallback: "none"}, {function: take_first}, {function: take_first}]
metric_list: [{metric: exact_match, ignore_case: true, ignore_numbers: true, regexes_to_ignore: ["^\\\\s+", "\\\\s+$", "x*"]}]
""", """
filter_list:
  - name: words
    filter: [{function: regex, regex_pattern: "(?i)the answer is:?\\\\s*(?:\\\\$)?(?P<a>[^.\\\\n]*)"}, {function: take_first}]
  - name: twice
    filter: [{function: regex, regex_pattern: "(\\\\w)(?=\\\\1|n)"}, {function: regex, regex_pattern: "[]\\\\w[]{,2}", group_select: 0}, {function: take_first}]
  - name: default
    filter: [{function: regex}, {function: take_first}]
metric_list: [{metric: exact_match, regexes_to_ignore: ["\\\\b(?:The |the |An |A |a |an )", "\\\\d"]}]
""",
]


class Instance:
    def __init__(self, text, doc):
        self.resps, self.doc, self.filtered_resps = [text], doc, {}


def main():
    out = []
    for text in CASES:
        config = yaml.safe_load(text)
        options = {k: v for k, v in config["metric_list"][0].items() if k != "metric"}
        for gold in ["42", "(B)", "the sun", "Ss", "-1"]:
            entry = {"yaml": text, "doc": DOC, "gold": gold, "texts": TEXTS, "chains": []}
            for chain in config["filter_list"]:
                steps = [[f["function"], {k: v for k, v in f.items() if k != "function"}] for f in chain["filter"]]
                filtered, right = [], []
                for t in TEXTS:
                    i = Instance(t, DOC)
                    try:
                        build_filter_ensemble(chain["name"], steps).apply([i])
                        got = i.filtered_resps[chain["name"]]
                    except IndexError:  # of an empty text nothing can be taken
                        filtered.append(None)
                        right.append(None)
                        continue
                    filtered.append(got)
                    right.append(bool(exact_match_hf_evaluate(predictions=[got], references=[gold], **options)["exact_match"]))
                entry["chains"].append({"name": chain["name"], "filtered": filtered, "right": right})
            out.append(entry)
    (HERE / "filters.json").write_text(json.dumps(out, ensure_ascii=False, indent=1) + "\n")


if __name__ == "__main__":
    main()

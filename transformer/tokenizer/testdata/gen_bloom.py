"""Writes bloom.json: how the pre-tokenizer of BLOOM's tokenizer.json cuts a set of texts, by
tokenizers 0.21.4, whose engine for the pattern is Oniguruma. Run it here:

    python gen_bloom.py

The texts are the hand-written ones of gen_golden.py's golden.json, and every mark of the pattern
between letters, spaces and itself.
"""
import json
import os

from tokenizers import Regex, pre_tokenizers

HERE = os.path.dirname(os.path.abspath(__file__))
PATTERN = " ?[^(\\s|[.,!?…。，、।۔،])]+"
MARKS = "(|[.,!?…。，、।۔،])"


def main():
    with open(os.path.join(HERE, "golden.json"), encoding="utf-8") as f:
        texts = json.load(f)["hand"]
    for m in MARKS:
        texts += [f"a{m}b", f" a {m} b", f"{m}{m} {m}", f"{m} a"]
    split = pre_tokenizers.Split(Regex(PATTERN), behavior="isolated", invert=False)
    cuts = [[text, [piece for piece, _ in split.pre_tokenize_str(text)]] for text in texts]
    with open(os.path.join(HERE, "bloom.json"), "w", encoding="utf-8") as f:
        json.dump({"pattern": PATTERN, "cuts": cuts}, f, ensure_ascii=True, separators=(",", ":"))
        f.write("\n")


main()

"""Makes added.json: what the reference (tokenizers 0.21.4) makes of texts in which added
tokens meet, with every combination of their flags. Run it here:

    python gen_added.py

The tokenizers are drawn at random: a byte-level one or one in SentencePiece's manner,
with two to four added tokens that begin or end with white space, touch each other or lie
inside each other. Where the reference panics (a token of white space inside what the one
before it took), ids are null.
"""
import contextlib
import json
import os
import random

from tokenizers import Tokenizer

CONTENTS = ["\n", "\n\n", " ", "  ", "   ", "the", " the", "the ", "a", "aa", "ab", "<s>", "<s> ", "é", "x\n", "\t", "▁", "b a"]
PARTS = ["the", "a", "b", " ", "  ", "\n", "\n\n", "\t", "<s>", "é", "e\u0301", "x", "_", "1", "\u3000", "▁", ".", "\u00a0", "aab"]


def tokenizer(rng, byte):
    letters = [chr(c) for c in range(33, 127)] + ["Ġ", "Ċ", "ĉ"] if byte else [chr(c) for c in range(33, 127)] + ["▁", "\n", "\t"]
    vocab = {t: i for i, t in enumerate((["<unk>"] if not byte else []) + letters)}
    added, free = [], len(vocab)
    for content in rng.sample(CONTENTS, rng.randint(2, 4)):
        special = rng.random() < 0.5
        added.append({
            "id": vocab.get(content, free), "content": content, "single_word": rng.random() < 0.2, "lstrip": rng.random() < 0.5,
            "rstrip": rng.random() < 0.5, "normalized": rng.random() < 0.4, "special": special})
        free += content not in vocab
    normalizers = [None, {"type": "NFC"}] if byte else [
        {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "▁"}, {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}]}]
    return {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": added, "normalizer": rng.choice(normalizers),
        "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": rng.random() < 0.5, "trim_offsets": True, "use_regex": rng.random() < 0.5} if byte else None,
        "post_processor": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True} if byte and rng.random() < 0.5 else None,
        "decoder": None,
        "model": {"type": "BPE", "dropout": None, "unk_token": None if byte else "<unk>", "continuing_subword_prefix": None, "end_of_word_suffix": None,
                  "fuse_unk": False, "byte_fallback": False, "ignore_merges": False, "vocab": vocab, "merges": []}}


def main():
    rng = random.Random(30)
    cases, vocabs, panics = [], {}, 0
    for i in range(90):
        spec = tokenizer(rng, byte=i % 3 != 0)
        tok = Tokenizer.from_str(json.dumps(spec))
        mine = [a["content"] for a in spec["added_tokens"]]
        texts = []
        for _ in range(10):
            text = "".join(rng.choice(PARTS + 4 * mine) for _ in range(rng.randint(1, 7)))
            try:
                e = tok.encode(text, add_special_tokens=False)
                texts.append([text, e.ids, [n for o in e.offsets for n in o]])
            except BaseException:  # a panic of Rust
                panics += 1
                texts.append([text, None, None])
        # The vocabulary is the same every time: kept is what differs.
        kind = "byte" if i % 3 != 0 else "meta"
        vocabs[kind] = spec["model"].pop("vocab")
        cases.append({"vocab": kind, "spec": spec, "texts": texts})
    with open("added.json", "w", encoding="utf-8") as f:
        json.dump({"vocabs": vocabs, "cases": cases}, f, ensure_ascii=True, separators=(",", ":"))
        f.write("\n")
    print(len(cases), "tokenizers,", panics, "panics")


# Rust writes a trace of each panic to the file descriptor itself.
with open(os.devnull, "w") as null, contextlib.suppress(OSError):
    os.dup2(null.fileno(), 2)
main()

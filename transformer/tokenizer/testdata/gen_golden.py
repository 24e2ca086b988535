"""Makes the tiny tokenizers of this directory and golden.json: what the
reference (transformers 4.51.3, tokenizers 0.21.4, sentencepiece 0.2.3) makes
of a set of texts. Run it here:

    LAMINA_DATA=… LAMINA_MODELS=… python gen_golden.py

LAMINA_DATA holds tokenizers/opt and tokenizers/llama, LAMINA_MODELS the
SmolLM2 GGUF; of these only digests of ids are kept, no vocabulary.
"""
import hashlib
import io
import json
import os
import random
import tempfile
import unicodedata

import sentencepiece
from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import AutoTokenizer, PreTrainedTokenizerFast

HERE = os.path.dirname(os.path.abspath(__file__))

CORPUS = [
    "The quick brown fox jumps over the lazy dog.",
    "She sells sea shells by the sea shore, doesn't she? They've sold 1234 of them since 1999.",
    "Question: What is the capital of France?\nAnswer: Paris is the capital and the largest city of France.",
    "def add(a, b):\n    return a + b\n\n\nclass Point:\n    def __init__(self, x, y):\n        self.x = x\n",
    "for i in range(10):\n\tprint(i, end='')\n",
    "It's the end of the world as we know it, and I'm fine; you're not, we'll see, he'd said so.",
    "Ein schöner Tag über den Flüssen. Où est la bibliothèque? ¿Dónde está el niño?",
    "中文测试 日本語のテキスト 한국어",
    "Электричество и магнетизм. Ελληνικά.",
    "A layer plan names the layers that stay, the layers that are trained and the layers that are shared.",
    "The model owner keeps the full model; the data owner keeps the data; an emulator goes between them.",
    "one two three four five six seven eight nine ten eleven twelve thirteen",
    "0 1 2 3 10 20 30 100 200 3.14159 2.71828 1e-5",
]

HAND = [
    "", " ", "  ", "   ", "\n", "\n\n", " \n ", "\t", "\t\t a", "a", " a", "a ", "Hello world", " Hello  world ",
    "Hello,   world!!!", "I'm he's we'll they've I'd don't you're", "I'M HE'S WE'LL THEY'VE I'D DON'T YOU'RE",
    "'s't're", "''s", "' s", "it'ſ", "don’t", "123", "1234567890", "3.14159", "a1b2c3", "x=12;y=3456", "½ ² ③ Ⅷ ٣٤ १२३",
    "def f(x):\n    return x+1\n\n\n\nclass A:\n\tpass\r\n", "\r\n\r\n", "a\r\nb", "a \r\n  b", "  \n  \n x",
    "\u00a0a\u00a0", "\u3000全角", "\u2003x\u2003\u2003y", "\u0085z", "\u200bzero\u200bwidth", "\ufeffbom",
    "日本語のテキスト", "中文测试，标点。", "한국어 텍스트", "العربية نص", "עברית", "हिन्दी परीक्षण", "ไทยทดสอบ", "Ελληνικά",
    "Русский текст", "naïve café résumé", "nai\u0308ve cafe\u0301", "😀", "😀😃 👨‍👩‍👧‍👦 🇩🇪 👍🏽", "a😀b", "\x00", "a\x00b",
    "\x00\x00\x01\x1f\x7f", "\ufffd", "\ufffd\ufffd x", "𝔘𝔫𝔦𝔠𝔬𝔡𝔢", "𐍈𐌰", "ﷺ", "ß ẞ ŉ ǰ", "ﬁ ﬂ ﬃ", "İı", "…—–‘’“”",
    "<s>", "</s>", "<pad>", "<unk>", "<mask>", "<s>a</s>", " <s> a </s> b", "a</s></s>b", "<|endoftext|>", "x<|endoftext|>y",
    "<|im_start|>user\nhi<|im_end|>\n", " <|im_end|> ", "<|im_start", "< s>", "<0x0A>", "<0xFF>a", "▁", "▁▁a", "a▁b", " ▁ a",
    "Ġ", "ĠĠa", "Ċ", "_", "__init__", "snake_case_name", "camelCaseName", "http://example.com/a?b=c&d=%20", "foo@bar.org",
    "$1,234.56", "100%", "C++ C# .NET", "a" * 50, "ab" * 60, " " * 70, "\n" * 40, "a b" * 30, "the the the", "!!!???...",
    "((()))[[[]]]{{{}}}", "\\n\\t", "\"quoted\" 'single'", "`code`", "# heading\n\n- item\n- item 2\n", "| a | b |\n|---|---|\n",
    "e = mc²", "H₂O", "10:30 PM", "—dash—", "\u202ertl\u202c", "a\u0300\u0301\u0302\u0303", "a" + "\u0323\u0301\u0300" * 25 + "b\u0301",
    "\u1100\u1161\u11a8 각 q\u0307\u0323 \u212b", "Question: What is it?\nAnswer:", " Answer: Paris", "word " * 40,
    "supercalifragilisticexpialidocious" * 3, "0" * 33, "x" * 300, "the [A] the[A] [A]the xx[A] [B]  [B] a[B]b [C]s s[C]  [D] x[D] ",
]

FRAGMENTS = [h for h in HAND if 0 < len(h) < 20] + list("abcdefghij ABCXYZ 0123456789 .,;:!?'\"()\n\t\r ") + [
    "the", " the", "ing", " and", "'s", "'ll", " 12", "  ", "    ", "\n\n", "é", "ü", "ñ", "中", "あ", "한", "😀", "\u00a0", "\u2028",
    "[A]", "[B]", "[C]", " [D]",
]


def mixed(count=1500):
    """Texts of 1 to 24 fragments, chosen by a generator easy to repeat."""
    state, texts = 7, []

    def below(n):
        nonlocal state
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        return (state >> 33) % n

    for _ in range(count):
        n = below(24) + 1
        texts.append("".join(FRAGMENTS[below(len(FRAGMENTS))] for _ in range(n)))
    return texts


def points(count=300):
    """Texts of random code points that this Python's Unicode 14 has."""
    rng = random.Random(11)
    texts = []
    while len(texts) < count:
        text = ""
        for _ in range(rng.randint(1, 8)):
            c = 0x378
            while 0xD800 <= c < 0xE000 or unicodedata.category(chr(c)) == "Cn":
                c = rng.randrange(0x110000) if rng.random() < 0.2 else rng.randrange(0x3000)
            text += chr(c)
        texts.append(text)
    return texts


POINTS = points()
TEXTS = HAND + mixed() + POINTS


def digest_ids(rows):
    h = hashlib.sha256()
    for row in rows:
        h.update((",".join(map(str, row)) + "\n").encode())
    return h.hexdigest()


def digest_texts(texts):
    h = hashlib.sha256()
    for t in texts:
        b = t.encode()
        h.update(f"{len(b)}:".encode() + b)
    return h.hexdigest()


def record(tok, keep):
    """tok: a transformers fast tokenizer."""
    plain = [tok(t, add_special_tokens=False)["input_ids"] for t in TEXTS]
    special = [tok(t)["input_ids"] for t in TEXTS]
    kind = dict(clean_up_tokenization_spaces=False)
    out = {
        "plain": digest_ids(plain),
        "special": digest_ids(special),
        "decoded": digest_texts([tok.decode(i, **kind) for i in plain]),
        "skipped": digest_texts([tok.decode(i, skip_special_tokens=True, **kind) for i in special]),
        "probe": [plain[i] for i in range(len(HAND)) if i % keep == 12 % keep],
        "keep": keep,
    }
    return out


def train_byte():
    tok = Tokenizer(models.BPE())
    tok.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tok.decoder = decoders.ByteLevel()
    tok.train_from_iterator(CORPUS, trainers.BpeTrainer(
        vocab_size=420, show_progress=False, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        special_tokens=["<s>", "<pad>", "</s>", "<unk>", "<|endoftext|>", "<|im_start|>", "<|im_end|>"]))
    return tok


def train_meta():
    tok = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    tok.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tok.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)])
    tok.pre_tokenizer = pre_tokenizers.Metaspace()
    tok.train_from_iterator([c.replace("\n", " ") for c in CORPUS], trainers.BpeTrainer(
        vocab_size=560, show_progress=False,
        special_tokens=["<unk>", "<s>", "</s>"] + [f"<0x{b:02X}>" for b in range(256)]))
    state = json.loads(tok.to_str())
    state["pre_tokenizer"] = None
    state["added_tokens"] = [dict(a, normalized=False) for a in state["added_tokens"] if not a["content"].startswith("<0x")]
    state["post_processor"] = template("<s>", 1, None, None)
    return Tokenizer.from_str(json.dumps(state))


def template(bos, bos_id, eos, eos_id):
    single = [{"SpecialToken": {"id": bos, "type_id": 0}}] if bos else []
    single.append({"Sequence": {"id": "A", "type_id": 0}})
    table = {bos: {"id": bos, "ids": [bos_id], "tokens": [bos]}} if bos else {}
    if eos:
        single.append({"SpecialToken": {"id": eos, "type_id": 0}})
        table[eos] = {"id": eos, "ids": [eos_id], "tokens": [eos]}
    return {"type": "TemplateProcessing", "single": single,
            "pair": single + [{"Sequence": {"id": "B", "type_id": 1}}], "special_tokens": table}


def train_sentencepiece(path):
    # From memory to memory: a model keeps the paths it was trained from.
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter([c.replace("\n", " ") for c in CORPUS]), model_writer=model, vocab_size=520, model_type="bpe",
        byte_fallback=True, normalization_rule_name="identity", add_dummy_prefix=True, remove_extra_whitespaces=False,
        character_coverage=0.995, user_defined_symbols=["[A]", "<|im_end|>"], minloglevel=2)
    with open(path, "wb") as f:
        f.write(model.getvalue())


BYTE = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
BARE = dict(BYTE, use_regex=False)
LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
          r"|\s*[\r\n]+|\s+(?!\S)|\s+")


def seq(*parts):
    return {"type": "Sequence", "pretokenizers": list(parts)}


def split(pattern, behavior, invert=False, kind="Regex"):
    return {"type": "Split", "pattern": {kind: pattern}, "behavior": behavior, "invert": invert}


def token(id, content, **flags):
    return dict({"id": id, "content": content, "single_word": False, "lstrip": False, "rstrip": False,
                 "normalized": True, "special": False}, **flags)


def flagged(first):
    return [token(first, "[A]", lstrip=True, rstrip=True, normalized=False, special=True), token(first + 1, "[B]", single_word=True),
            token(first + 2, "[C]", rstrip=True), token(first + 3, "[D] x"), token(first + 4, "the", lstrip=True, single_word=True)]


# Changes to the two tiny tokenizer.json files; members of "model" are set one by one.
PATCHES = [
    ("byte", {}),
    ("byte", {"pre_tokenizer": dict(BYTE, add_prefix_space=True), "post_processor": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": False, "use_regex": True}}),
    ("byte", {"pre_tokenizer": seq({"type": "Digits", "individual_digits": True}, BYTE), "added+": flagged(420), "post_processor": template("<s>", 0, "</s>", 2)}),
    ("byte", {"pre_tokenizer": seq({"type": "Digits", "individual_digits": False}, BYTE), "decoder": None}),
    ("byte", {"pre_tokenizer": seq(split(LLAMA3, "Isolated"), BARE), "model": {"ignore_merges": True},
              "post_processor": {"type": "Sequence", "processors": [{"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": False, "use_regex": True}, template("<s>", 0, None, None)]}}),
    ("byte", {"normalizer": {"type": "NFC"}, "pre_tokenizer": seq(split(LLAMA3.replace("{1,3}", ""), "Isolated"), BARE)}),
    ("byte", {"normalizer": {"type": "Sequence", "normalizers": [{"type": "NFKC"}, {"type": "Strip", "strip_left": True, "strip_right": False}]}, "added+": flagged(420)}),
    ("byte", {"normalizer": {"type": "NFD"}, "pre_tokenizer": seq({"type": "Punctuation", "behavior": "Contiguous"}, BYTE, {"type": "Digits", "individual_digits": False}, split("[0-9][0-9][0-9]", "Isolated"))}),
    ("byte", {"normalizer": {"type": "NFKD"}, "pre_tokenizer": seq({"type": "Punctuation", "behavior": "Isolated"}, BARE)}),
    ("byte", {"pre_tokenizer": seq({"type": "WhitespaceSplit"}, BARE), "post_processor": {"type": "RobertaProcessing", "sep": ["</s>", 2], "cls": ["<s>", 0], "trim_offsets": True, "add_prefix_space": False}}),
    ("byte", {"pre_tokenizer": BARE}),
] + [
    ("byte", {"pre_tokenizer": seq(split(r"\s+|[aeiou]", behavior, invert), BARE)})
    for behavior in ("Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous") for invert in (False, True)
] + [
    ("meta", {}),
    ("meta", {"model": {"byte_fallback": False}, "added+": flagged(560)}),
    ("meta", {"model": {"byte_fallback": False, "fuse_unk": False}}),
    ("meta", {"model": {"byte_fallback": False, "unk_token": None}}),
    ("meta", {"normalizer": {"type": "Replace", "pattern": {"Regex": r"\s{2,}"}, "content": " "}, "pre_tokenizer": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True}, "decoder": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True}}),
    ("meta", {"normalizer": None, "pre_tokenizer": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": False}}),
    ("meta", {"normalizer": None, "pre_tokenizer": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": True}, "added+": flagged(560), "decoder": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "never", "split": True}}),
    ("meta", {"normalizer": None, "pre_tokenizer": seq(split("a", "MergedWithNext", kind="String"), {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": True})}),
]

# Directories, as AutoTokenizer loads them: file → its text, or @ and a file here.
LLAMA = {"tokenizer_class": "LlamaTokenizer"}
OPT = {"tokenizer_class": "GPT2Tokenizer", "bos_token": "</s>", "eos_token": "</s>", "unk_token": "</s>", "pad_token": "<pad>", "add_bos_token": True}
DIRS = [
    {"vocab.json": "@vocab.json", "merges.txt": "@merges.txt", "tokenizer_config.json": OPT},
    {"vocab.json": "@vocab.json", "merges.txt": "@merges.txt", "tokenizer_config.json": {"tokenizer_class": "GPT2Tokenizer", "add_prefix_space": True}},
    {"vocab.json": "@vocab.json", "merges.txt": "@merges.txt", "tokenizer_config.json": {"tokenizer_class": "GPT2Tokenizer", "pad_token": "[new]"},
     "special_tokens_map.json": {"bos_token": "<s>", "eos_token": {"content": "</s>", "lstrip": True, "rstrip": False, "normalized": True, "single_word": False}, "additional_special_tokens": ["[A]"]},
     "added_tokens.json": {"[A]": 420, "[B]": 421, "[new]": 422}},
    {"tokenizer.json": "@byte.json", "tokenizer_config.json": {"tokenizer_class": "PreTrainedTokenizerFast", "add_prefix_space": True, "bos_token": "<s>"}},
    {"tokenizer.json": "@byte.json", "tokenizer_config.json": {"tokenizer_class": "PreTrainedTokenizerFast", "pad_token": "[D]", "added_tokens_decoder": {
        "420": {"content": "[A]", "lstrip": True, "rstrip": False, "normalized": False, "single_word": False, "special": True},
        "421": {"content": "[B]", "lstrip": False, "rstrip": True, "normalized": False, "single_word": False, "special": False}}}},
    {"tokenizer.json": "@meta.json", "tokenizer_config.json": dict(LLAMA, add_bos_token=False, add_eos_token=True, bos_token="<s>", eos_token="</s>", unk_token="<unk>")},
    {"tokenizer.model": "@tiny.model", "tokenizer_config.json": LLAMA},
    {"tokenizer.model": "@tiny.model", "tokenizer_config.json": dict(LLAMA, legacy=False, add_eos_token=True, pad_token="[B]")},
    {"tokenizer.model": "@tiny.model", "tokenizer_config.json": dict(LLAMA, legacy=False, add_prefix_space=False)},
    {"tokenizer.model": "@tiny.model", "tokenizer_config.json": dict(LLAMA, legacy=True, add_prefix_space=False)},
]


def patched(base, patch):
    with open(os.path.join(HERE, base + ".json")) as f:
        state = json.load(f)
    for key, value in patch.items():
        if key == "added+":
            state["added_tokens"] += value
        elif key == "model":
            state["model"].update(value)
        else:
            state[key] = value
    return Tokenizer.from_str(json.dumps(state))


def from_dir(files):
    with tempfile.TemporaryDirectory() as d:
        for name, content in files.items():
            if isinstance(content, str):
                with open(os.path.join(HERE, content[1:]), "rb") as f, open(os.path.join(d, name), "wb") as g:
                    g.write(f.read())
            else:
                with open(os.path.join(d, name), "w") as f:
                    json.dump(content, f)
        return AutoTokenizer.from_pretrained(d)


def smollm(path):
    from gguf import GGUFReader
    reader = GGUFReader(path)
    get = lambda key: reader.fields["tokenizer.ggml." + key].contents()
    tokens = get("tokens")
    tok = Tokenizer(models.BPE({t: i for i, t in enumerate(tokens)}, [tuple(m.split(" ")) for m in get("merges")]))
    tok.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Digits(True), pre_tokenizers.ByteLevel(add_prefix_space=False)])
    tok.decoder = decoders.ByteLevel()
    tok.add_special_tokens([AddedToken(t, special=True, normalized=False) for t, k in zip(tokens, get("token_type")) if k == 3])
    return PreTrainedTokenizerFast(tokenizer_object=tok)


def dump(name, value):
    with open(os.path.join(HERE, name), "w") as f:
        json.dump(value, f, ensure_ascii=False, separators=(",", ":"))
        f.write("\n")


def main():
    byte = json.loads(train_byte().to_str())
    dump("byte.json", byte)
    # vocab.json with ids out of merge order, as OPT's are: renumber backwards from 7 on.
    vocab = {t: i if i < 7 else 426 - i for t, i in byte["model"]["vocab"].items()}
    dump("vocab.json", vocab)
    with open(os.path.join(HERE, "merges.txt"), "w") as f:
        f.write("#version: 0.2\n" + "".join(" ".join(m) + "\n" for m in byte["model"]["merges"]))
    meta = json.loads(train_meta().to_str())
    meta["model"]["merges"] = [" ".join(m) for m in meta["model"]["merges"]]
    dump("meta.json", meta)
    train_sentencepiece(os.path.join(HERE, "tiny.model"))

    golden = {"hand": HAND, "fragments": FRAGMENTS, "mixed": 1500, "points": POINTS, "patches": [], "dirs": [], "real": {}}
    for base, patch in PATCHES:
        # Without the argument the class would turn a plain ByteLevel's flag off.
        prefix = bool((patch.get("pre_tokenizer") or {}).get("add_prefix_space"))
        tok = PreTrainedTokenizerFast(tokenizer_object=patched(base, patch), add_prefix_space=prefix)
        golden["patches"].append({"base": base, "patch": patch, "want": record(tok, 9 if patch == {} else 1000)})
    for files in DIRS:
        golden["dirs"].append({"files": files, "want": record(from_dir(files), 1000)})
    data, models_dir = os.environ["LAMINA_DATA"], os.environ["LAMINA_MODELS"]
    real = {"opt": ("tokenizers/opt", {"vocab.json": 0, "merges.txt": 0}, OPT),
            "llama-legacy": ("tokenizers/llama", {"tokenizer.model": 0}, LLAMA),
            "llama": ("tokenizers/llama", {"tokenizer.model": 0}, dict(LLAMA, legacy=False))}
    for name, (sub, files, config) in real.items():
        with tempfile.TemporaryDirectory() as d:
            for f in files:
                os.symlink(os.path.join(data, sub, f), os.path.join(d, f))
            with open(os.path.join(d, "tokenizer_config.json"), "w") as f:
                json.dump(config, f)
            golden["real"][name] = {"sub": sub, "files": list(files), "config": config, "want": record(AutoTokenizer.from_pretrained(d), 9)}
    path = os.path.join(models_dir, "SmolLM2-135M-Instruct.Q4_1.gguf")
    golden["real"]["smollm2"] = {"sub": "", "files": [], "config": None, "want": record(smollm(path), 9)}
    dump("golden.json", golden)


if __name__ == "__main__":
    main()

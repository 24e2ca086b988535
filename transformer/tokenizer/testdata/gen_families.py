"""Makes wide_byte.json, wide_meta.json and families.json: what the reference
(transformers 4.51.3, tokenizers 0.21.4) makes of more than 2,000 texts in the
exact configuration of each family of models, ids and offsets. Run it here,
after gen_golden.py, whose texts it takes:

    LAMINA_DATA=… LAMINA_MODELS=… python gen_families.py

The vocabularies are tiny and ours. They are trained without a pre-tokenizer,
so that merges reach across every place where a pre-tokenizer may cut: a cut
too many or too few changes the ids. Kept are digests of ids and offsets for
every block of 100 texts.
"""
import hashlib
import json
import os
import tempfile

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

import gen_golden
from gen_golden import BARE, BYTE, DIRS, FRAGMENTS, HAND, LLAMA3, PATCHES, POINTS, dump, flagged, from_dir, patched, seq, split, template, token

# What the patterns of the families treat differently.
MORE = [
    "…", "。", "，", "、", "।", "۔", "،", "(", ")", "|", "[", "]", "a(b", "a|b", "x[y]", " (", " |", "?!", "नमस्ते।", "مرحبا،", "你好。", "é", "e\u0301", "A\u030a",
    "\u1100\u1161", "가\u11a8", "\u0344", "\u212b", "'S", "'Ll", "'ſ", "x'd", "12345", "٣٤٥٦", "½", "\r\n", "\r", "\n ", " \n", "!\n\n", "?\r\n", "\t\t", "   ", "\u00a0\u00a0", "\u3000",
    "[INST]", "[/INST]", "<s>", "</s>", "<unk>", "<pad>", "▁", "<|eot_id|>", "<|im_end|>", "<|endoftext|>", "<0x41>", "▁<PRE>", "▁<MID>", "ĠĊ", "_", "\u200d", "\ufeff", "\x00", "ﷺ", "🇩🇪", "👍🏽",
]


def mixed(count=1700):
    """As gen_golden.mixed, from more fragments and another seed."""
    state, texts, all_fragments = 99, [], FRAGMENTS + MORE

    def below(n):
        nonlocal state
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        return (state >> 33) % n

    for _ in range(count):
        n = below(16) + 1
        texts.append("".join(all_fragments[below(len(all_fragments))] for _ in range(n)))
    return texts


TEXTS = HAND + mixed() + POINTS
BLOCK = 100


def train(kind):
    byte = kind == "wide_byte"
    tok = Tokenizer(models.BPE() if byte else models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    corpus = gen_golden.CORPUS + mixed(400)
    if byte:
        tok.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
        specials = ["<unk>", "<s>", "</s>", "<pad>", "<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|begin_of_text|>", "<|eot_id|>"]
        alphabet = pre_tokenizers.ByteLevel.alphabet()
    else:
        tok.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
        specials = ["<unk>", "<s>", "</s>"] + [f"<0x{b:02X}>" for b in range(256)]
        alphabet = []
        corpus = [c for c in corpus if "<" not in c]
    tok.train_from_iterator(corpus, trainers.BpeTrainer(
        vocab_size=1500, show_progress=False, initial_alphabet=alphabet, limit_alphabet=300, max_token_length=8, min_frequency=2, special_tokens=specials))
    state = json.loads(tok.to_str())
    state.update(added_tokens=[], normalizer=None, pre_tokenizer=None, post_processor=None, decoder=None)
    dump(kind + ".json", state)


def special(vocab, *names, **flags):
    return [token(vocab[n], n, **dict(dict(special=True, normalized=False), **flags)) for n in names]


BLOOM = r" ?[^(\s|[.,!?…。，、।۔،])]+"
QWEN2 = LLAMA3.replace("{1,3}", "")
PREPEND = {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "▁"}, {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}]}
STRIP = {"type": "Sequence", "decoders": [{"type": "Replace", "pattern": {"String": "▁"}, "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"},
                                          {"type": "Strip", "content": " ", "start": 1, "stop": 0}]}
META = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": False}


def post(prefix, trim, regex=True):
    return {"type": "ByteLevel", "add_prefix_space": prefix, "trim_offsets": trim, "use_regex": regex}


def numbered(vocab, tokens):
    """Tokens under the ids they have, else under the next free ones."""
    free = len(vocab)
    for t in tokens:
        t["id"] = vocab.get(t["content"], free)
        free += t["id"] == free
    return tokens


def families():
    """name → base and changes to it, in the words of the family's tokenizer.json."""
    vocab = {}
    for kind in ("wide_byte", "wide_meta"):
        with open(os.path.join(gen_golden.HERE, kind + ".json")) as f:
            vocab[kind] = json.load(f)["model"]["vocab"]
    b, m, byte = vocab["wide_byte"], vocab["wide_meta"], {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True}
    end = len(b)
    llama = special(m, "<unk>", "<s>", "</s>")
    return {
        "gpt2": ("wide_byte", {"added_tokens": special(b, "<|endoftext|>", normalized=True), "pre_tokenizer": BYTE, "post_processor": post(True, False), "decoder": byte}),
        "opt": ("wide_byte", {"added_tokens": special(b, "<pad>", "</s>", normalized=True), "pre_tokenizer": BYTE, "post_processor": template("</s>", b["</s>"], None, None), "decoder": byte}),
        "bloom": ("wide_byte", {"added_tokens": special(b, "<unk>", "<s>", "</s>", "<pad>"), "pre_tokenizer": seq(split(BLOOM, "Isolated"), BARE), "post_processor": post(True, False, False), "decoder": byte}),
        "llama1": ("wide_meta", {"added_tokens": special(m, "<unk>", "<s>", "</s>", normalized=True), "normalizer": PREPEND, "post_processor": template("<s>", 1, None, None), "decoder": STRIP}),
        "llama2": ("wide_meta", {"added_tokens": llama, "normalizer": PREPEND, "post_processor": template("<s>", 1, None, None), "decoder": STRIP}),
        "llama3": ("wide_byte", {"added_tokens": special(b, "<|begin_of_text|>", "<|eot_id|>") + [token(end + i, f"<|reserved_special_token_{i}|>", special=True, normalized=False) for i in range(20)],
                                 "pre_tokenizer": seq(split(LLAMA3, "Isolated"), BARE), "model": {"ignore_merges": True}, "decoder": byte,
                                 "post_processor": {"type": "Sequence", "processors": [post(True, False), template("<|begin_of_text|>", b["<|begin_of_text|>"], None, None)]}}),
        "smollm2": ("wide_byte", {"added_tokens": special(b, "<|endoftext|>", "<|im_start|>", "<|im_end|>"), "pre_tokenizer": seq({"type": "Digits", "individual_digits": True}, BYTE), "decoder": byte}),
        "qwen2": ("wide_byte", {"added_tokens": special(b, "<|endoftext|>", "<|im_start|>", "<|im_end|>"), "normalizer": {"type": "NFC"}, "decoder": byte,
                                "pre_tokenizer": seq(split(QWEN2, "Isolated"), dict(BARE, trim_offsets=False)), "post_processor": post(False, False, False)}),
        "mistral-0.1": ("wide_meta", {"added_tokens": llama, "normalizer": PREPEND, "post_processor": template("<s>", 1, None, None), "decoder": STRIP}),
        "mistral-0.3": ("wide_meta", {"added_tokens": llama + numbered(m, [token(0, n, special=True, normalized=False) for n in ("[INST]", "[/INST]", "[TOOL_CALLS]")]),
                                      "pre_tokenizer": META, "post_processor": template("<s>", 1, None, None), "decoder": STRIP}),
        # No family's: offsets that are trimmed, and added tokens with every flag.
        "trim": ("wide_byte", {"added_tokens": numbered(b, flagged(end)), "pre_tokenizer": dict(BYTE, add_prefix_space=True), "post_processor": post(True, True), "decoder": byte}),
        "trim-bare": ("wide_byte", {"added_tokens": numbered(b, flagged(end)), "normalizer": {"type": "NFKC"}, "pre_tokenizer": BARE, "post_processor": post(False, True), "decoder": byte}),
        "roberta": ("wide_byte", {"added_tokens": special(b, "<s>", "</s>"), "pre_tokenizer": BYTE, "decoder": byte,
                                  "post_processor": {"type": "RobertaProcessing", "sep": ["</s>", b["</s>"]], "cls": ["<s>", b["<s>"]], "trim_offsets": True, "add_prefix_space": False}}),
        "flags-meta": ("wide_meta", {"added_tokens": llama + numbered(m, flagged(len(m))), "normalizer": PREPEND, "model": {"byte_fallback": False}, "post_processor": template("<s>", 1, "</s>", 2), "decoder": STRIP}),
    }


# Patterns as other families and nobody have them: for RE2, and for a
# backtracking engine.
PATTERNS = [
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+",
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+"
    r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    r"\p{N}{1,3}(?=(?:\p{N}{3})*(?!\p{N}))", "[一-龥ࠀ-一가-퟿]+",
    r"[!-/:-~]+[A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    r"\s+|[aeiou]", r"\p{N}{1,3}", r"[^\s\p{L}]+", r"(?:ab|c)+\.", r"(a|b)c?|\d\d", r"a(?!b)", r"(?>a+)b|a", r"a++|\S+?", r"[\-\]\\^a]+", r"\p{Han}+|\p{Hiragana}|\P{L}{2,3}?",
    r"(?i:the|ask)\b".replace("\\b", ""), r"[^\d\s]{2,}", r"\D", r"(?:a|ab)(?!c)", r"(?!a)\p{L}+", r".(?=\n)|\r", r"a{2,}|x{3}|[.]{1,2}|\}|\{|[&a-]", r"(?:(?=\p{Lu})\S|\p{Ll}+(?!\p{Ll}))+",
]

VOCAB = {"vocab.json": "@vocab.json", "merges.txt": "@merges.txt"}


def klass(name, base="byte.json", files=None, **config):
    return dict(files or {("tokenizer.model" if base.endswith(".model") else "tokenizer.json"): "@" + base}, **{"tokenizer_config.json": dict({"tokenizer_class": name}, **config)})


# Directories for the classes of tokenizer_config.json, and for none.
CLASSES = [
    klass("GPT2Tokenizer"), klass("GPT2TokenizerFast", add_bos_token=True, bos_token="<s>"), klass("GPT2Tokenizer", add_prefix_space=True, unk_token=None),
    klass("GPT2Tokenizer", base="meta.json"), klass("GPT2Tokenizer", files=VOCAB), klass("GPT2Tokenizer", files=VOCAB, add_bos_token=True),
    klass("BloomTokenizerFast"), klass("BloomTokenizer", base="bloom", add_prefix_space=True), klass("BloomTokenizerFast", base="bloom", pad_token="[P]"),
    klass("Qwen2Tokenizer"), klass("Qwen2Tokenizer", files=VOCAB), klass("Qwen2TokenizerFast", files=VOCAB, bos_token="<s>", pad_token="</s>", unk_token=None),
    klass("LlamaTokenizer", base="meta.json"), klass("LlamaTokenizerFast", base="meta.json", add_eos_token=True, bos_token="<s>", eos_token={
        "__type": "AddedToken", "content": "</s>", "lstrip": False, "rstrip": True, "normalized": False, "single_word": False}),
    klass("LlamaTokenizer", base="byte.json", add_bos_token=False), klass("LlamaTokenizer", base="tiny.model", bos_token=None, add_bos_token=False),
    klass("CodeLlamaTokenizer", base="meta.json"), klass("CodeLlamaTokenizer", base="tiny.model", legacy=False),
    klass("PreTrainedTokenizerFast"), klass("PreTrainedTokenizerFast", eos_token="</s>", additional_special_tokens=["[Q]", "the"]),
    klass("PreTrainedTokenizerFast", base="meta.json", add_bos_token=False, bos_token="<s>"),
    dict(klass(None, base="meta.json"), **{"config.json": {"model_type": "llama"}}), dict(klass(None, base="meta.json"), **{"config.json": {"model_type": "mistral"}}),
    dict(klass(None), **{"config.json": {"model_type": "gpt2"}}), dict(klass(None), **{"config.json": {"model_type": "qwen2"}}),
    dict(klass(None, files=VOCAB), **{"config.json": {"model_type": "qwen2"}}), dict(klass(None, base="tiny.model"), **{"config.json": {"model_type": "llama"}}),
    {"tokenizer.json": "@meta.json", "config.json": {"model_type": "llama", "tokenizer_class": "LlamaTokenizerFast"}},
]


def made(files):
    """The files of a case: "bloom" stands for the family's tokenizer.json, and a class of None for none."""
    files = json.loads(json.dumps(files))
    if files.get("tokenizer.json") == "@bloom":
        base, patch = families()["bloom"]
        files["tokenizer.json"] = json.loads(patched(base, patch).to_str())
    config = files.get("tokenizer_config.json", {})
    if config.get("tokenizer_class", 0) is None:
        del config["tokenizer_class"]
    return files


def roles(tok):
    return [getattr(tok, r) or "" for r in ("bos_token", "eos_token", "pad_token", "unk_token")]


def digests(encode, block=BLOCK):
    """encode: text → ids and offsets. A digest for every block of texts."""
    out = []
    for at in range(0, len(TEXTS), block):
        h = hashlib.sha256()
        for t in TEXTS[at:at + block]:
            ids, offsets = encode(t)
            h.update((",".join(f"{i}:{a}-{b}" for i, (a, b) in zip(ids, offsets)) + "\n").encode())
        out.append(h.hexdigest()[:16])
    return out


def pieces(pattern):
    cut, h = pre_tokenizers.Split(Regex(pattern), "isolated"), hashlib.sha256()
    for t in TEXTS:
        for p, _ in cut.pre_tokenize_str(t):
            h.update(f"{len(p.encode())}:{p}".encode())
        h.update(b"\n")
    return h.hexdigest()[:16]


def direct(tok, add):
    def encode(text):
        e = tok.encode(text, add_special_tokens=add)
        return e.ids, e.offsets
    return encode


def called(tok):
    def encode(text):
        e = tok(text, return_offsets_mapping=True)
        return e["input_ids"], e["offset_mapping"]
    return encode


def published():
    """Digests for the vocabularies of gen_golden.py's "real"."""
    with open(os.path.join(gen_golden.HERE, "golden.json")) as f:
        real = json.load(f)["real"]
    data, out = os.environ["LAMINA_DATA"], {}
    for name, r in real.items():
        if name == "smollm2":
            tok = gen_golden.smollm(os.path.join(os.environ["LAMINA_MODELS"], "SmolLM2-135M-Instruct.Q4_1.gguf"))
        else:
            with tempfile.TemporaryDirectory() as d:
                for f in r["files"]:
                    os.symlink(os.path.join(data, r["sub"], f), os.path.join(d, f))
                with open(os.path.join(d, "tokenizer_config.json"), "w") as f:
                    json.dump(r["config"], f)
                tok = gen_golden.AutoTokenizer.from_pretrained(d)
        out[name] = digests(called(tok))
    return out


def main():
    train("wide_byte")
    train("wide_meta")
    golden = {"more": MORE, "mixed": 1700, "block": BLOCK, "families": {}, "patches": [], "dirs": []}
    for name, (base, patch) in families().items():
        tok = patched(base, patch)
        golden["families"][name] = {"base": base, "patch": patch, "plain": digests(direct(tok, False)), "special": digests(direct(tok, True))}
    # The offsets of gen_golden.py's cases, in its order.
    golden["patches"] = [digests(direct(patched(base, patch), True), len(TEXTS))[0] for base, patch in PATCHES]
    golden["dirs"] = [digests(called(from_dir(files)), len(TEXTS))[0] for files in DIRS]
    golden["patterns"] = {p: pieces(p) for p in PATTERNS}
    golden["classes"] = []
    for files in CLASSES:
        tok = from_dir(made(files))
        if files.get("tokenizer.json") != "@bloom":
            files = made(files)
        golden["classes"].append({"files": files, "roles": roles(tok), "want": digests(called(tok), len(TEXTS))[0]})
    golden["real"] = published()
    dump("families.json", golden)


if __name__ == "__main__":
    main()

"""Makes golden.json and the two tokenizers beside it (bos/, plain/): what transformers
4.51.3 and datasets 3.6.0 make of rows that are trained on. Run it here:

    python gen_corpus.py

pack: group_texts of examples/pytorch/language-modeling/run_clm.py, over datasets' map.
alpaca: preprocess of train.py of tatsu-lab/stanford_alpaca.
chat: apply_chat_template(return_assistant_tokens_mask=True).
"""
import hashlib
import json
import os
import tempfile
from itertools import chain

import datasets
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast

HERE = os.path.dirname(os.path.abspath(__file__))
datasets.disable_caching()
datasets.disable_progress_bars()

TEMPLATE = ("{% for m in messages %}{{ '<|im_start|>' + m.role + '\\n' }}{% if m.role == 'assistant' %}{% generation %}{{ m.content + '<|im_end|>' }}{% endgeneration %}{{ '\\n' }}"
            "{% else %}{{ m.content + '<|im_end|>\\n' }}{% endif %}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}")
WORDS = ["Below is an instruction that describes a task. Write a response that appropriately completes the request.",
         "### Instruction: ### Input: ### Response: the words of a row, and of another row", "user assistant system answer question text of many"]


def make(name, bos):
    t = Tokenizer(models.BPE())
    t.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    t.decoder = decoders.ByteLevel()
    t.train_from_iterator(WORDS, trainers.BpeTrainer(
        vocab_size=330, special_tokens=["<s>", "</s>", "<|im_start|>", "<|im_end|>"], initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False))
    t.post_processor = processors.ByteLevel(trim_offsets=False)
    if bos:
        t.post_processor = processors.Sequence([processors.ByteLevel(trim_offsets=False), processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", t.token_to_id("<s>"))])])
    fast = PreTrainedTokenizerFast(tokenizer_object=t, bos_token="<s>" if bos else None, eos_token="</s>", clean_up_tokenization_spaces=False, model_max_length=1 << 20)
    fast.chat_template = TEMPLATE
    fast.save_pretrained(os.path.join(HERE, name))
    os.remove(os.path.join(HERE, name, "special_tokens_map.json"))
    return fast


def text(i):
    return " ".join(f"row {i * 7919 % 1009} of many" for _ in range(i % 5)) + ("\n" if i % 3 else "")


def digest(blocks):
    return hashlib.sha256(b"".join(int(t).to_bytes(4, "little") for b in blocks for t in b)).hexdigest()


def pack(tokenizer, rows, block_size):
    tokenized = rows.map(lambda examples: tokenizer(examples["text"]), batched=True, remove_columns=rows.column_names)

    def group_texts(examples):
        concatenated = {k: list(chain(*examples[k])) for k in examples.keys()}
        total_length = len(concatenated[list(examples.keys())[0]])
        total_length = (total_length // block_size) * block_size
        return {k: [t[i : i + block_size] for i in range(0, total_length, block_size)] for k, t in concatenated.items()}

    blocks = tokenized.map(group_texts, batched=True)["input_ids"]
    return {"block": block_size, "blocks": len(blocks), "first": blocks[0], "last": blocks[-1], "sha256": digest(blocks),
            "tokens": sum(len(x) for x in tokenized["input_ids"])}


PROMPT = {
    True: ("Below is an instruction that describes a task, paired with an input that provides further context. "
           "Write a response that appropriately completes the request.\n\n### Instruction:\n{instruction}\n\n### Input:\n{input}\n\n### Response:"),
    False: ("Below is an instruction that describes a task. "
            "Write a response that appropriately completes the request.\n\n### Instruction:\n{instruction}\n\n### Response:"),
}


def alpaca(tokenizer, row):
    source = PROMPT[row.get("input", "") != ""].format_map(row)
    target = f"{row['output']}{tokenizer.eos_token}"
    ids = tokenizer(source + target)["input_ids"]
    asked = len(tokenizer(source)["input_ids"])
    return {"ids": ids, "learn": [i >= asked for i in range(len(ids))]}


def chat(tokenizer, messages):
    out = tokenizer.apply_chat_template(messages, return_dict=True, return_assistant_tokens_mask=True)
    return {"ids": out["input_ids"], "learn": [m == 1 for m in out["assistant_masks"]]}


LINES = "one line\r\n\n  two lines of many\nthe last has no end"
ALPACA = [json.loads(line) for line in open(os.path.join(HERE, "alpaca.jsonl"), encoding="utf-8")]
CHATS = [json.loads(line) for line in open(os.path.join(HERE, "chat.jsonl"), encoding="utf-8")]

golden = {}
for name, bos in (("bos", True), ("plain", False)):
    tokenizer = make(name, bos)
    rows = datasets.Dataset.from_list([{"text": text(i)} for i in range(2300)])
    with tempfile.TemporaryDirectory() as tmp:
        path = os.path.join(tmp, "lines.txt")
        with open(path, "w", newline="") as f:
            f.write(LINES)
        lines = datasets.load_dataset("text", data_files=path, keep_linebreaks=True, cache_dir=tmp)["train"]
        golden[name] = {"pack": pack(tokenizer, rows, 48), "lines": pack(tokenizer, lines, 4)}
    golden[name]["alpaca"] = [alpaca(tokenizer, row) for row in ALPACA]
    golden[name]["chat"] = [chat(tokenizer, row["messages"]) for row in CHATS]
golden["text"] = LINES

with open(os.path.join(HERE, "golden.json"), "w") as f:
    json.dump(golden, f)
    f.write("\n")

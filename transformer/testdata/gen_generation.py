"""Makes generation.json: what transformers 4.51.3's logits processors and warpers make of
recorded logits under many a generation_config.json. Run it here:

    python gen_generation.py

For each configuration: the greedy ids that follow a prompt over a table of logits (one
row a step), and, for those that draw, the ids that the cuts leave at each step, where
the likeliest is taken to go on.
"""
import json
import random
import types

import torch
from transformers import GenerationConfig, GenerationMixin
from transformers.generation import LogitsProcessorList

V, STEPS = 24, 16
EOS = [2, 5]

RULES = [
    {},
    {"repetition_penalty": 1.3},
    {"repetition_penalty": 0.7},
    {"repetition_penalty": 5.0},
    {"no_repeat_ngram_size": 1},
    {"no_repeat_ngram_size": 2},
    {"no_repeat_ngram_size": 3},
    {"encoder_repetition_penalty": 1.5},
    {"encoder_repetition_penalty": 0.5},
    {"encoder_no_repeat_ngram_size": 1},
    {"encoder_no_repeat_ngram_size": 2},
    {"bad_words_ids": [[7], [8, 9], [2], [10, 11, 12]]},
    {"bad_words_ids": [[i] for i in range(6, 20)]},
    {"bad_words_ids": [[6, 7], [7, 8], [8, 6], [6, 6]]},
    {"sequence_bias": [[[7], 3.5], [[8, 9], -4.0], [[9], 1.25], [[11, 12, 13], 9.0]]},
    {"min_length": 9},
    {"min_new_tokens": 7},
    {"min_new_tokens": 3, "min_length": 12},
    {"forced_bos_token_id": 13},
    {"forced_eos_token_id": 2},
    {"forced_eos_token_id": [5, 2]},
    {"exponential_decay_length_penalty": [3, 1.4]},
    {"exponential_decay_length_penalty": [0, 1.05]},
    {"suppress_tokens": [0, 1, 2, 3, 4, 5, 6, 7]},
    {"suppress_tokens": [5, 99, 6]},
    {"begin_suppress_tokens": [1, 2, 3, 4, 9, 10, 11]},
    {"forced_bos_token_id": 13, "begin_suppress_tokens": [1, 2, 3, 4, 9, 10, 11]},
    {"renormalize_logits": True, "repetition_penalty": 1.1},
    {"remove_invalid_values": True},
    {"repetition_penalty": 1.2, "no_repeat_ngram_size": 3, "suppress_tokens": [7], "min_new_tokens": 5, "bad_words_ids": [[9, 10]], "begin_suppress_tokens": [3, 4]},
    {"repetition_penalty": 1.05, "encoder_repetition_penalty": 1.2, "forced_eos_token_id": 2, "exponential_decay_length_penalty": [4, 1.2], "sequence_bias": [[[12], -1.5]]},
]
CUTS = [
    {},
    {"temperature": 0.6, "top_k": 0, "top_p": 0.9},
    {"temperature": 1.7, "top_k": 5},
    {"top_k": 0, "top_p": 0.5},
    {"top_k": 0, "min_p": 0.1},
    {"top_k": 0, "typical_p": 0.2},
    {"top_k": 0, "typical_p": 0.6, "temperature": 0.8},
    {"top_k": 0, "epsilon_cutoff": 0.05},
    {"top_k": 0, "eta_cutoff": 0.2},
    {"top_k": 0, "eta_cutoff": 0.02, "temperature": 2.0},
    {"top_k": 9, "top_p": 0.8, "min_p": 0.05, "typical_p": 0.9, "epsilon_cutoff": 0.01, "eta_cutoff": 0.05, "temperature": 1.3},
    {"top_k": 6, "repetition_penalty": 1.4, "suppress_tokens": [7, 8]},
]
TIED = CUTS[2]
PROMPTS = [[6], [6, 7, 8, 9, 6, 7], [14, 9, 10, 11, 12, 14]]


def table(rng, kind):
    rows = [[round(rng.gauss(0, 2.5), 3) for _ in range(V)] for _ in range(STEPS)]
    if kind < 2:  # a long answer
        for row in rows:
            row[2], row[5] = row[2] - 5, row[5] - 5
    if kind == 1:  # the same few tokens again and again
        for i, row in enumerate(rows):
            for j in (6, 7, 8):
                row[j] += 6
            row[6 + i % 3] += 1
    if kind == 2:  # equal logits, and ends that are likely
        rows = [[round(x) / 2 for x in row] for row in rows]
        for row in rows[2:]:
            row[2] += 3
    return rows


def run(said, prompt, logits):
    config = GenerationConfig(**said, eos_token_id=EOS, max_new_tokens=STEPS)
    model = types.SimpleNamespace(config=types.SimpleNamespace(vocab_size=V))
    config._eos_token_tensor = torch.tensor(EOS)
    GenerationMixin._prepare_generated_length(model, config, True, "min_length" not in said, "input_ids", len(prompt), torch.tensor([prompt]))
    model._merge_criteria_processor_list = lambda a, b: GenerationMixin._merge_criteria_processor_list(model, a, b)
    processors = GenerationMixin._get_logits_processor(
        model, generation_config=config, input_ids_seq_length=len(prompt), encoder_input_ids=torch.tensor([prompt]),
        prefix_allowed_tokens_fn=None, logits_processor=LogitsProcessorList(), device="cpu", model_kwargs={})
    ids, kept = list(prompt), []
    for row in logits:
        scores = processors(torch.tensor([ids]), torch.tensor([row], dtype=torch.float32))[0]
        kept.append([i for i, v in enumerate(scores.tolist()) if v != -float("inf")])
        ids.append(int(scores.argmax()))
        if ids[-1] in EOS:
            break
    return ids[len(prompt):], kept


def main():
    rng = random.Random(11)
    tables = [table(rng, kind) for kind in range(3)]
    invalid = json.loads(json.dumps(tables[0]))
    for i, row in enumerate(invalid):
        row[i] = [float("nan"), float("inf"), -float("inf")][i % 3]
    cases = []
    for said in RULES + CUTS:
        draws = said in CUTS
        for p, prompt in enumerate(PROMPTS):
            for k, logits in enumerate(tables):
                if draws and k == 2 and said != TIED:
                    continue  # of equal logits the reference's sort keeps any
                if "remove_invalid_values" in said:
                    logits = invalid
                full = {**said, "do_sample": draws}
                ids, kept = run(full, prompt, logits)
                case = {"said": full, "prompt": prompt, "table": 3 if logits is invalid else k, "ids": ids}
                if draws:
                    case["kept"] = kept
                cases.append(case)
    spelled = [[[str(v) if v != v or v in (float("inf"), -float("inf")) else v for v in row] for row in t] for t in tables + [invalid]]
    with open("generation.json", "w") as f:
        json.dump({"eos": EOS, "tables": spelled, "cases": cases}, f, separators=(",", ":"))
        f.write("\n")
    print(len(cases), "cases,", len({json.dumps(c["ids"]) for c in cases}), "answers")


main()

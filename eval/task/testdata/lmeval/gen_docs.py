#!/usr/bin/env python3
"""Writes docs/<task>.jsonl and docs/<task>.train.jsonl: documents in the columns of the fifteen data sets.

Made with Python 3.11; standard library only, deterministic.

    python gen_docs.py [--out DIR]

<task>.jsonl is the split that is scored, <task>.train.jsonl (storycloze: .validation.jsonl) the one few-shot
examples are drawn from. lambada_openai has the first only, and RACE's second is read by lm-eval 0.3 only. All
text is our own: a small world of animals drawn by a seeded generator, then documents made to be nasty by hand.
triviaqa lacks the columns entity_pages and search_results, which are empty in rc.nocontext.

Left out because lm-eval itself stops on it:
  a question of white space only (0.4 moves it to the continuation and is left with no context token), an
  empty choice in the first document (0.4 looks at its first character), an empty COPA choice, an openbookqa
  answerKey with a space behind (0.4), digits as answerKey where the labels are letters (0.4), a LAMBADA text
  without a space (0.3), no answer or alias at all, a winogrande sentence without "_", a choice with more
  tokens than the model has positions.
"""

import argparse
import json
import pathlib
import random

import nasty

ANIMALS = ("fox owl toad hare newt crow seal wasp mole stork otter perch snail goose lynx bat crab ibis "
           "yak heron marten carp vole finch").split()
COLOURS = "red grey green brown black white blue yellow silver striped".split()
HOMES = ["the wood", "a hollow oak", "the pond", "the field", "a wet cave", "the reeds", "the old mill", "a burrow"]
FOODS = ["beetles", "mice", "moss", "clover", "flies", "small fish", "acorns", "bread crumbs", "leaves", "worms"]
NAMES = "Ada Bela Carl Dora Emil Fay Gus Hedi Ivo Jule Kaj Lena".split()
TOOLS = "rope hammer bucket lantern ladder saw kettle broom".split()
USES = {"rope": "tie up the boat", "hammer": "drive in the nail", "bucket": "carry the water", "lantern": "see at night",
        "ladder": "reach the roof", "saw": "cut the board", "kettle": "boil the tea", "broom": "sweep the floor"}


class World:
    """Draws facts; the same animal always has the same colour, home and food."""

    def __init__(self, seed):
        self.rng = random.Random(seed)
        fixed = random.Random(1)
        self.colour = {a: fixed.choice(COLOURS) for a in ANIMALS}
        self.home = {a: fixed.choice(HOMES) for a in ANIMALS}
        self.food = {a: fixed.choice(FOODS) for a in ANIMALS}

    def fact(self):
        """A question, its answer and the list the answer is from."""
        a = self.rng.choice(ANIMALS)
        return self.rng.choice([(f"What colour is the {a}?", self.colour[a], COLOURS),
                                (f"Where does the {a} live?", self.home[a], HOMES),
                                (f"What does the {a} eat?", self.food[a], FOODS)])

    def options(self, count):
        """A fact's question, count options and the index of the true one."""
        question, answer, all_ = self.fact()
        options = self.rng.sample([o for o in all_ if o != answer], count - 1)
        gold = self.rng.randrange(count)
        return question, options[:gold] + [answer] + options[gold:], gold

    def line(self):
        a = self.rng.choice(ANIMALS)
        return self.rng.choice([f"The {a} is {self.colour[a]}.", f"The {a} lives in {self.home[a]}.",
                                f"The {a} eats {self.food[a]}.", f"{self.rng.choice(NAMES)} saw the {a}."])

    def text(self, lines):
        return " ".join(self.line() for _ in range(lines))


def openbookqa(w, i):
    question, options, gold = w.options(4)
    return {"id": f"ob-{i}", "question_stem": question[:-1], "choices": {"text": options, "label": list("ABCD")},
            "answerKey": "ABCD"[gold]}


def arc(w, i):
    count = w.rng.choice([3, 4, 4, 4, 5])
    question, options, gold = w.options(count)
    labels = "12345" if w.rng.random() < 0.25 else "ABCDE"
    return {"id": f"arc-{i}", "question": question, "choices": {"text": options, "label": list(labels[:count])},
            "answerKey": labels[gold]}


def webqs(w, i):
    question, answer, _ = w.fact()
    return {"url": f"local/{i}", "question": question.lower(), "answers": [answer, "the " + answer, "a " + answer]}


def piqa(w, i):
    tool, other = w.rng.sample(TOOLS, 2)
    label = w.rng.randrange(2)
    a, b = f"Take the {tool}.", f"Take the {other}."
    return {"goal": f"To {USES[tool]}", "sol1": b if label else a, "sol2": a if label else b, "label": label}


def sciq(w, i):
    question, options, gold = w.options(4)
    answer = options.pop(gold)
    return {"question": question, "distractor3": options[2], "distractor1": options[0], "distractor2": options[1],
            "correct_answer": answer, "support": w.text(w.rng.randrange(4))}


def race(w, i):
    article, rows = w.text(3), []
    for j in range(w.rng.choice([1, 2, 3])):
        question, options, gold = w.options(4)
        if w.rng.random() < 0.4:
            question = question[:-1] + "  _  ."
        rows.append({"example_id": f"high{i}.txt", "article": article, "answer": "ABCD"[gold], "question": question,
                     "options": options})
    return rows


def hellaswag(w, i):
    name, tool = w.rng.choice(NAMES), w.rng.choice(TOOLS)
    label = w.rng.randrange(4)
    endings = [f"wants to {USES[t]}." for t in w.rng.sample([t for t in TOOLS if t != tool], 3)]
    endings.insert(label, f"wants to {USES[tool]}.")
    ctx_a, ctx_b = f"{name} looks for the {tool}.", "she"
    return {"ind": i, "activity_label": "House work", "ctx_a": ctx_a, "ctx_b": ctx_b, "ctx": ctx_a + " " + ctx_b,
            "endings": endings, "source_id": f"local~{i}", "split": "val", "split_type": "indomain", "label": str(label)}


def wikitext(w, i):
    title = w.rng.choice(ANIMALS).capitalize()
    return {"page": f" = {title} = \n \n {w.text(2)} \n \n = = Home = = \n \n {w.text(w.rng.randrange(1, 4))} \n "
            .replace(".", " .").replace(" eats", " , as a rule , eats")}


def copa(w, i):
    name, tool = w.rng.choice(NAMES), w.rng.choice(TOOLS)
    other = w.rng.choice([t for t in TOOLS if t != tool])
    label, question = w.rng.randrange(2), w.rng.choice(["cause", "effect"])
    if question == "cause":
        premise, good, bad = f"{name} took the {tool}.", f"She wanted to {USES[tool]}.", f"She wanted to {USES[other]}."
    else:
        premise, good, bad = f"{name} wanted to {USES[tool]}.", f"She took the {tool}.", f"She took the {other}."
    return {"premise": premise, "choice1": bad if label else good, "choice2": good if label else bad,
            "question": question, "idx": i, "label": label}


def boolq(w, i):
    a, label = w.rng.choice(ANIMALS), w.rng.randrange(2)
    said = w.colour[a] if label else w.rng.choice([c for c in COLOURS if c != w.colour[a]])
    return {"question": f"is the {a} {said}", "passage": f"{a.capitalize()} -- The {a} is {w.colour[a]}. " + w.line(),
            "idx": i, "label": label}


def triviaqa(w, i):
    question, answer, _ = w.fact()
    aliases = [answer, answer.title(), answer + " " + w.rng.choice(NAMES)]
    return {"question": question[:-1], "question_id": f"local_{i}", "question_source": "local",
            "answer": {"aliases": aliases, "normalized_aliases": sorted({a.lower() for a in aliases}),
                       "normalized_value": answer, "type": "FreeForm", "value": answer}}


def storycloze(w, i):
    tool, right = w.rng.choice(TOOLS), w.rng.randrange(1, 3)
    name, a = w.rng.choice(NAMES), w.rng.choice(ANIMALS)
    quiz = [f"{name} went to {USES[tool]}.", f"The {a} ate {w.food[a]}."]
    if right == 2:
        quiz.reverse()
    return {"story_id": f"s{i}", "input_sentence_1": w.line(), "input_sentence_2": w.line(),
            "input_sentence_3": f"{name} was tired.", "input_sentence_4": f"{name} found the {tool}.",
            "sentence_quiz1": quiz[0], "sentence_quiz2": quiz[1], "answer_right_ending": right}


def lambada_openai(w, i):
    a = w.rng.choice(ANIMALS)
    end = w.rng.choice([w.colour[a], w.home[a].split()[-1], w.food[a].split()[-1]])
    return {"text": f"{w.text(1)} {w.rng.choice(NAMES)} talked about the {a} and said : the {a} , of course , has to do with {end}"}


def winogrande(w, i):
    first, second = w.rng.sample(NAMES, 2)
    tool, answer = w.rng.choice(TOOLS), w.rng.randrange(2)
    verb = "lent" if answer else "took from"
    return {"sentence": f"{first} {verb} {second} the {tool} because _ had to {USES[tool]}.", "option1": first,
            "option2": second, "answer": str(answer + 1)}


# task: (maker, ordinary scored documents, few-shot documents, name of the few-shot split)
TASKS = {
    "openbookqa": (openbookqa, 16, 12, "train"),
    "arc_easy": (arc, 14, 24, "train"),
    "arc_challenge": (arc, 14, 12, "train"),
    "webqs": (webqs, 16, 12, "train"),
    "piqa": (piqa, 15, 12, "train"),
    "sciq": (sciq, 15, 12, "train"),
    "race": (race, 17, 12, "train"),
    "hellaswag": (hellaswag, 14, 12, "train"),
    "wikitext": (wikitext, 15, 12, "train"),
    "copa": (copa, 16, 12, "train"),
    "boolq": (boolq, 18, 12, "train"),
    "triviaqa": (triviaqa, 16, 12, "train"),
    "storycloze": (storycloze, 17, 12, "validation"),
    "lambada_openai": (lambada_openai, 15, 0, "train"),
    "winogrande": (winogrande, 15, 12, "train"),
}


def make(task, split, seed):
    """Ordinary and nasty documents, mixed; the first is ordinary, because lm-eval 0.4 tries its rules on it."""
    maker, scored, shots, _ = TASKS[task]
    w = World(seed)
    plain = [maker(w, i) for i in range(scored if split == "scored" else shots)]
    bad = [dict(d) if isinstance(d, dict) else d for d in getattr(nasty, task)(split == "scored")]
    docs = plain[1:] + bad
    w.rng.shuffle(docs)
    docs = plain[:1] + docs
    return [row for d in docs for row in (d if isinstance(d, list) else [d])]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path(__file__).parent / "docs")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    for number, (task, (_, _, shots, split)) in enumerate(TASKS.items()):
        files = {f"{task}.jsonl": make(task, "scored", 100 + number)}
        if shots:
            files[f"{task}.{split}.jsonl"] = make(task, "train", 200 + number)
        for name, docs in files.items():
            # ensure_ascii keeps control characters and line separators visible, and one document a line
            (args.out / name).write_text("".join(json.dumps(d, separators=(",", ":")) + "\n" for d in docs))


if __name__ == "__main__":
    main()

"""The documents made to be nasty, one function per task; gen_docs.py mixes them with ordinary ones.

scored tells the split that is scored from the one few-shot examples are drawn from, which gets a few only.
"""

LONG = ("The old stork counted the boats on the river and wrote every number into a small book, first the red ones, "
        "then the grey ones, and when the moon came up it began again from one, because a toad had laughed. ")
ACCENTS = "Où est l'hôtel de la Forêt-Noire, ça va?"
MARKS = "cafe\u0301 nai\u0308ve a\u0323\u0301\u0300b"  # combining marks, not composed
EMOJI = "🦊🐢 👩‍👩‍👧 👍🏽 🇩🇪"
CRLF = "first line\r\nsecond line\r\n\r\nlast"
TABS = "\tone\t\ttwo \t"
WIDE = "日本語のテキスト、中文。 한국어"
RTL = "שלום عالم"
SPACES = "nbsp\u00a0 thin\u2009 ideographic\u3000 end\u00a0"  # Python's white space, at the end too
UNITS = "unit\u001fsep\u001e file\u001c end\u001f"  # white space for Python's str and re, not for Unicode's property
MARKUP = "a </s> b<s> <pad></s>"  # special tokens written in a text
BRACES = "{{question}} {% if x %} 'single' \"double\" \\n back\\slash {0}"
LINES = "nel\u0085ls\u2028ps\u2029vt\u000bff\u000cend"
ODD = "\u0000\ufeff\u200b\ufffd"
TEXTS = [ACCENTS, MARKS, EMOJI, CRLF, TABS, WIDE, RTL, SPACES, UNITS, MARKUP, BRACES, LINES, ODD]
MANY = "a very long answer that goes on, and on, and says again what it said before: 1234567890"  # many tokens


def openbookqa(scored):
    def doc(i, stem, texts, key, labels="ABCD"):
        return {"id": f"x{i}", "question_stem": stem, "choices": {"text": texts, "label": list(labels)}, "answerKey": key}
    docs = [
        doc(0, "", ["red", "red fox", "re", "r"], " A"),  # nothing asked; choices that begin alike
        doc(1, "Which two are the same  ", ["the pond", "moss", "the pond", "flies"], "C"),
        doc(2, CRLF + " \n", [" leading", "trailing ", "  both  ", ACCENTS], "  B"),
        doc(3, LONG * 2 + "What did it do", ["x", MANY, "count", ""], "C"),
        doc(4, EMOJI + MARKS, [EMOJI, MARKS, WIDE, RTL], "D"),
        doc(5, SPACES, [UNITS, SPACES, "\u00a0", "\t"], "A"),
        doc(6, "42", ["7", "42", "0", "1"], "B"),
        doc(7, MARKUP, ["</s>", " </s>", "<s>", "x</s>y"], "A"),
        doc(8, BRACES, ["'", '"', "\\", "it's \"so\""], "D"),
        doc(9, ODD + LINES, ["same", "same", "same", "same"], "B"),
    ]
    return docs if scored else [docs[2], docs[5], docs[8]]


def _arc(scored, shift):
    def doc(i, question, texts, key, labels="ABCD"):
        return {"id": f"x{i}", "question": question, "choices": {"text": texts, "label": list(labels[:len(texts)])},
                "answerKey": key}
    docs = [
        doc(0, "", ["red", "green", "blue"], "C"),
        doc(1, "  ", ["one", "one two", "one two three", "on", "o"], "5", "12345"),
        doc(2, TEXTS[shift], ["a", "a", "b"], "B"),
        doc(3, LONG + "Who laughed?", ["a toad", "a toad", "A toad", "toad", MANY], "A", "ABCDE"),
        doc(4, TEXTS[shift + 1], [TEXTS[shift + 2], " x", "x ", "\n"], "2", "1234"),
        doc(5, TEXTS[shift + 3] + " ", [TEXTS[shift + 4], TEXTS[shift + 5], ""], "A"),
        doc(6, "labels out of order", ["first", "second", "third", "fourth"], "A", "BACD"),  # 0.4 looks the key up, 0.3 counts letters
        doc(7, "Question: and Answer:\nAnswer:", ["yes\n", "\nyes", "\r\nyes", "yes"], "D"),
        doc(8, MARKUP, ["</s>", "<s>x", "x<pad>", " <unk> "], "1", "1234"),
        doc(9, LONG * 3, ["up", "down", "down"], "3", "123"),
        doc(10, BRACES, ["{{x}}", "'a'", "[\"b\"]"], "B"),
        doc(11, "One choice?", ["only"], "A"),
    ]
    return docs if scored else [docs[3], docs[4], docs[6], docs[10]]


def arc_easy(scored):
    return _arc(scored, 0)


def arc_challenge(scored):
    return _arc(scored, 6)


def webqs(scored):
    def doc(i, question, *answers):
        return {"url": f"x/{i}", "question": question, "answers": list(answers)}
    docs = [
        doc(0, "", "New York City", "New York", "York", "New Yorkers"),  # prefixes, unsorted
        doc(1, "which letter is it ", "b", "a", "ab", "B", "A", "a"),
        doc(2, ACCENTS, "é", "e", "z", "ée", "e\u0301"),
        doc(3, EMOJI, "\U0001f98a", "\uff5e", "\ufb01"),  # order by code point is not UTF-16's
        doc(4, LONG * 2, MANY, "x", "a toad laughed"),
        doc(5, TABS, " x", "x", "x ", "  x"),
        doc(6, "\n", "10", "9", "1"),
        doc(7, SPACES, UNITS, LINES),
        doc(8, MARKUP, "</s>", "<"),
        doc(9, BRACES, "'", '"', "\\"),
    ]
    return docs if scored else [docs[1], docs[4], docs[9]]


def piqa(scored):
    def doc(goal, sol1, sol2, label):
        return {"goal": goal, "sol1": sol1, "sol2": sol2, "label": label}
    docs = [
        doc("", "Do it.", "Do it", 1), doc("Same twice", "boil the tea", "boil the tea", 1),
        doc(" \t", "short", LONG[:150], 0), doc(LONG * 2, "count", "Count", 0), doc(ACCENTS, MARKS, EMOJI, 1),
        doc(CRLF, CRLF, LINES, 0), doc(SPACES, UNITS, " ", 1), doc(MARKUP, "</s>", "", 0),
        doc(BRACES, "['x']", "it's \"so\"", 1), doc(WIDE, RTL, "1", 0), doc("How to say \"no\"?\nAnswer:", "no", " no", 1),
    ]
    return docs if scored else [docs[2], docs[5], docs[8]]


def sciq(scored):
    def doc(support, question, d1, d2, d3, answer):
        return {"question": question, "distractor3": d3, "distractor1": d1, "distractor2": d2, "correct_answer": answer,
                "support": support}
    docs = [
        doc("", "", "x", "y", "z", "w"), doc("", "What is wet?", "water", "rain", "water", "water"),
        doc("  \n\t Leading white space counts.", "Does it? ", "a", "b", "c", "d"), doc(LONG * 2, "Who?", "stork", "a", MANY, "sto"),
        doc("Trailing. \r\n", " Which?\n", " a", "a ", " a ", "a"), doc(UNITS, SPACES, "\u00a0", "\u001f", "x", "y"),
        doc("\u001f\u00a0\u3000Unit separator first.", ACCENTS, MARKS, EMOJI, WIDE, RTL), doc(" ", "Blank support?", "1", "2", "3", "4"),
        doc(MARKUP, "</s>", "<s>", "</s>", "<pad>", "<unk>"), doc(BRACES, BRACES, "'", '"', "\\", "{{a}}"),
        doc("\u200b" + ODD, LINES, "p", "p", "q", "p"),
    ]
    return docs if scored else [docs[2], docs[4], docs[9]]


def race(scored):
    def group(i, article, *problems):
        return [{"example_id": f"x{i}.txt", "article": article, "answer": key, "question": question, "options": options}
                for question, options, key in problems]
    abcd = ["red", "green", "red fox", "re"]
    docs = [
        group(0, LONG, ("The stork  _  .", abcd, "A"), ("Who laughed?", ["a toad", "a toad", "stork", "moon"], "B")),
        group(1, "", ("", abcd, "D")),
        group(2, CRLF + TABS, ("Which?", [" a", "a ", "\n", "a"], "C"), ("It is  _  .", [MARKS, EMOJI, WIDE, RTL], "A")),
        group(3, LONG * 3, ("Two blanks  _  and  _  .", abcd, "B"), ("One _ .", abcd, "C"), ("Long?", [MANY, "x", "y", "z"], "A")),
        group(4, "Same article", ("first  _  . ", abcd, "A")),
        group(5, UNITS + SPACES, ("  _  .", abcd, "A"), (SPACES, [UNITS, "", " ", "x"], "D")),
        group(6, "'single' and \"double\" \\ back", (BRACES, ["'", '"', "\\", "\\'"], "B"), ("é  _  .", abcd, "D")),
        group(7, MARKUP, ("</s>?", ["</s>", "<s>", "a", "</s>"], "A")),
        group(8, ODD + LINES, (ACCENTS, abcd, "C"), ("q", ["t", "t", "t", "t"], "D")),
    ]
    # Rows of one article that stand apart: both versions make one document of them.
    return docs + [group(9, "Same article", ("later", abcd, "B"))] if scored else [docs[2], docs[4]]


def hellaswag(scored):
    def doc(i, label, activity, ctx_a, ctx_b, *endings):
        return {"ind": 900 + i, "activity_label": activity, "ctx_a": ctx_a, "ctx_b": ctx_b, "ctx": ctx_a + " " + ctx_b,
                "endings": list(endings), "source_id": f"x~{i}", "split": "val", "split_type": "zeroshot", "label": str(label)}
    docs = [
        doc(0, 0, "Brackets", "[header] How to row [title] Sit. [step] Take [an] oar.", "[substeps] rOW NOW", "[title] a", "a [b] c", "a  b   c", "x"),
        doc(1, 1, "Unclosed", "open [ only", "close ] only", "a ] b [", "[a\nb] c", "[[a] b]", "[] []"),
        doc(2, 2, "É", "Accents.", "éTÉ À PARIS", "ça", "ç", "É", "e"),
        doc(3, 3, "Sharp", "Letters", "ßTRASSE", "ﬁ", "ß", "SS", "ss"),  # capitalize makes Ss and Fi of the first letter
        doc(4, 0, "Ligature", "Letters.", "ﬁSH ŉ", "a", "a", "a", "a"),
        doc(5, 1, "Title", "Case of its own.", "ǆUNGLA ǅ", "ok", "ok ", " ok", "OK"),
        doc(6, 2, "Sigma", "Greek.", "οΔΥΣΣΕΥΣ ΣΑΣ", "Σ", "σ", "ς", "Σς"),  # a final sigma
        doc(7, 3, "Turkish", "Dots.", "iİI ıX", "i", "ı", "İ", "I"),
        doc(8, 0, "", "", "", "x", "y", "z", ""),
        doc(9, 1, "Long", LONG * 2, LONG, MANY, "x", LONG[:120], "y"),
        doc(10, 2, EMOJI, MARKS, "\u0301x " + WIDE, EMOJI, RTL, "1", "2"),
        doc(11, 3, UNITS, SPACES, " leading", UNITS + "[a]", SPACES, "\u00a0[x]\u00a0", "w"),
        doc(12, 0, MARKUP, CRLF, LINES, "</s>", "<s>", BRACES, "\t"),
        doc(13, 1, "Digits", "7", "8", "7", "8", "9", "10"),
    ]
    return docs if scored else [docs[0], docs[6], docs[9]]


def wikitext(scored):
    marks = (" = Marks = \n \n A 1 @,@ 234 @.@ 5 @-@ m line : one ; two . three ! four ? five , six \" seven \" ' eight ' ( nine ) [ ten ] "
             "{ eleven } the foxs ' tail 's 20 ° C N 5 \n = = Sub = = \n \n = = = Deep = = = \n = = = = Deeper = = = = \n")
    pages = [
        marks, "", " ", "\n", LONG, LONG * 2 + marks, CRLF, TABS + UNITS + LINES, EMOJI + MARKS + WIDE, MARKUP + BRACES, RTL + ODD + SPACES,
        " = One = ", "' a ' b ' c ( d ( e ) f ) [ [ g ] ] { h", " \n \n  = = x = = \n ° ° s ' s ' 's 's N N N ",
    ]
    return [{"page": p} for p in (pages if scored else pages[:1] + pages[4:5])]


def copa(scored):
    def doc(i, premise, choice1, choice2, question, label):
        return {"premise": premise, "choice1": choice1, "choice2": choice2, "question": question, "idx": 900 + i, "label": label}
    docs = [
        doc(0, "The toad fell asleep. ", "It was late.", "It was late.", "cause", 1), doc(1, "", "X", "Y", "effect", 0),
        doc(2, ".", "École closed.", "École", "cause", 0), doc(3, "No stop at the end", "İt rained.", "ǅ came.", "effect", 1),
        doc(4, " \n Lines.\r\n", " Space first.", "  ", "cause", 0), doc(5, LONG + LONG, "It laughed. ", "It", "effect", 1),
        doc(6, EMOJI + ".", EMOJI, MARKS, "cause", 0), doc(7, "Units.\u001f\u00a0", UNITS, SPACES, "effect", 1),
        doc(8, MARKUP + "</s>", "</s>", "<s>", "cause", 0), doc(9, BRACES + "e\u0301", WIDE, MANY, "effect", 1),
    ]
    return docs if scored else [docs[3], docs[4], docs[7]]


def boolq(scored):
    def doc(i, question, passage, label):
        return {"question": question, "passage": passage, "idx": 900 + i, "label": label}
    docs = [
        doc(0, "", "", 0), doc(1, "is it so?", " Leading space.", 1), doc(2, "is it long", LONG * 2, 0), doc(3, ACCENTS, MARKS + EMOJI, 1),
        doc(4, "a\r\nb ", CRLF, 0), doc(5, SPACES, UNITS + LINES, 1), doc(6, MARKUP, BRACES, 0), doc(7, WIDE, RTL + ODD, 1),
    ]
    return docs if scored else [docs[1], docs[4], docs[6]]


def triviaqa(scored):
    def doc(i, question, value, *aliases):
        return {"question": question, "question_id": f"x_{i}", "question_source": "local",
                "answer": {"aliases": list(aliases), "normalized_aliases": sorted({a.lower() for a in aliases}),
                           "normalized_value": value.lower(), "type": "FreeForm", "value": value}}
    docs = [
        doc(0, "", "x", "x"), doc(1, "Which? ", "New York", "New York City", "New York", "NY", "N"), doc(2, LONG * 2, MANY, MANY, "the moon"),
        doc(3, ACCENTS, "É", "É", "é", "E\u0301"), doc(4, EMOJI, EMOJI, EMOJI, MARKS), doc(5, CRLF, "a\nb", "a\nb", "a", "a, b.", "a."),
        doc(6, TABS + UNITS, " x ", " x ", "x", "X!"), doc(7, MARKUP, "</s>", "</s>", "'"), doc(8, BRACES, "it's \"so\"", "it's \"so\"", "\\", "['a']"),
        doc(9, WIDE + RTL, "İ", "İ", "ß", "ΑΣ", ""),
    ]
    return docs if scored else [docs[1], docs[5], docs[8]]


def storycloze(scored):
    def doc(i, right, quiz1, quiz2, *sentences):
        sentences = (list(sentences) + [""] * 4)[:4]
        return {"story_id": f"x{i}", **{f"input_sentence_{j + 1}": s for j, s in enumerate(sentences)},
                "sentence_quiz1": quiz1, "sentence_quiz2": quiz2, "answer_right_ending": right}
    docs = [
        doc(0, 1, "End.", "End", "Only one."), doc(1, 2, "same", "same", "A. ", " B. ", "  C.", "D.  "), doc(2, 1, MANY, "x", LONG, LONG, "Then", ""),
        doc(3, 2, EMOJI, MARKS, ACCENTS, WIDE, RTL, "."), doc(4, 1, CRLF, LINES, CRLF, TABS, "\n", "x\u00a0"),
        doc(5, 2, UNITS, SPACES, UNITS, SPACES, ODD, "y\u001f"), doc(6, 1, "</s>", " ", MARKUP, "</s>", "<s>", "a"),
        doc(7, 2, "{{a}}", "'", BRACES, "\"", "\\", "1"), doc(8, 1, "2", "12", "1", "2", "3", "4"),
    ]
    return docs if scored else [docs[1], docs[4], docs[7]]


def lambada_openai(scored):
    texts = [
        " first is empty", "two  spaces before  last", "a newline ends it\n", "space ends it ", "two spaces end it  ", LONG * 2 + "laughed", "x " + MANY.replace(" ", "_"),
        f"{ACCENTS} {MARKS}", f"{CRLF} é\r\n", f"tabs\tare\tno word\tborder here\tso", f"{EMOJI} 🦊", f"{UNITS} {LINES}", "a </s>", "quotes “ said ” he ”",
    ]
    return [{"text": t} for t in texts]


def winogrande(scored):
    def doc(sentence, option1, option2, answer):
        return {"sentence": sentence, "option1": option1, "option2": option2, "answer": answer}
    docs = [
        doc("Two gaps: _ saw that _ ran.", "the fox", "the owl", "1"), doc("At the end stands _", "fox", "owl", "2"), doc("_ came first.", "Fox", "", "1"),
        doc("Paragraph one.\n\nThen _ left the house.", "Ada", "Bela", "2"), doc("Same _ twice.", "one", "one", "2"), doc("Space _ both  .", "fox ", " owl", "1"),
        doc(LONG * 2 + "So _ slept.", "the stork", "the toad", "1"), doc("É _" + ACCENTS, MARKS, EMOJI, "2"), doc("Ends in a gap _ ", "x\u00a0", "y\u001f", "1"),
        doc(CRLF + " _\r\n" + TABS, WIDE, RTL, "2"), doc("A _ then </s>.", "</s>", "<s>", "1"), doc("Braces _ " + BRACES, "{{x}}", "'", "2"),
    ]
    return docs if scored else [docs[1], docs[3], docs[5]]

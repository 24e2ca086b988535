package task

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"lamina/record"
)

// columns reads the fields of a row and keeps the first error, so that a document
// is one expression.
type columns struct {
	row record.Record
	err error
}

func (c *columns) keep(err error) {
	if c.err == nil {
		c.err = err
	}
}

func (c *columns) text(path string) string {
	s, err := c.row.Text(path)
	c.keep(err)
	return s
}

func (c *columns) texts(path string) []string {
	s, err := c.row.Texts(path)
	c.keep(err)
	return s
}

func (c *columns) integer(path string) int {
	i, err := c.row.Int(path)
	c.keep(err)
	return i
}

func (c *columns) ids(path string) []int32 {
	values, err := c.row.Ints(path)
	c.keep(err)
	ids := make([]int32, len(values))
	for i, v := range values {
		if v < 0 || v > 1<<31-1 {
			c.keep(fmt.Errorf("field %q: token %d at %d is no id", path, v, i))
		}
		ids[i] = int32(v)
	}
	return ids
}

// index returns the place of a label among labels.
func (c *columns) index(path, label string, labels []string) int {
	at := slices.Index(labels, label)
	if at < 0 && c.err == nil {
		c.err = fmt.Errorf("field %q: label %.64q is none of %.256q", path, label, labels)
	}
	return at
}

// number returns a label that counts from a first one: a whole number, written as
// one or as a text, or false and true.
func (c *columns) number(path string, first, count int) int {
	v, err := c.row.Get(path)
	c.keep(err)
	n := 0
	switch v := v.(type) {
	case bool:
		if v {
			n = 1
		}
	case string:
		n = first + c.index(path, v, digits(first, count))
	default:
		n = c.integer(path)
	}
	if n -= first; c.err == nil && (n < 0 || n >= count) {
		c.err = fmt.Errorf("field %q: label %d out of range (%d to %d)", path, n+first, first, first+count-1)
	}
	return n
}

func digits(first, count int) []string {
	out := make([]string, count)
	for i := range out {
		out[i] = fmt.Sprint(first + i)
	}
	return out
}

// add puts a field behind the row's: the harness keeps what it makes of a row
// beside what it was made of.
func (c *columns) add(name string, value any) {
	switch v := value.(type) {
	case int:
		value = int64(v)
	case []string:
		list := make(record.List, len(v))
		for i := range v {
			list[i] = v[i]
		}
		value = list
	}
	c.row.Fields = append(slices.Clip(c.row.Fields), record.Field{Name: name, Value: value})
}

// form is one way a data set is published: the fields that tell it, and how a row
// becomes a document. Paths are those of [record.Record.Get].
type form struct {
	needs []string
	build func(*columns) Document
}

// read returns the document of a row in the first of the forms that it has.
func read(forms []form, r record.Record) (d Document, found bool, err error) {
	for _, f := range forms {
		if !slices.ContainsFunc(f.needs, func(path string) bool { _, err := r.Get(path); return err != nil }) {
			c := columns{row: r}
			d = f.build(&c)
			d.Source = c.row
			if c.err == nil {
				c.err = d.check()
			}
			return d, true, c.err
		}
	}
	return d, false, nil
}

// letters are the labels of choices that have none of their own.
var letters = []string{"A", "B", "C", "D", "E"}

// labelled reads choices with labels and the label of the right one. ARC has
// digits for labels in places, and OpenBookQA white space around the key.
func labelled(query, choices string) func(*columns) Document {
	return func(c *columns) Document {
		d := Document{Shape: Choice, Query: c.text(query), Options: c.texts(choices + ".text")}
		labels := c.texts(choices + ".label")
		if len(labels) != len(d.Options) {
			c.keep(fmt.Errorf("field %q: %d labels of %d texts: want as many", choices, len(labels), len(d.Options)))
		}
		key := trimSpace(c.text("answerKey"))
		d.Gold = c.index("answerKey", key, labels)
		d.letter = key
		return d
	}
}

// The forms of each data set: as the hub has it, then as its authors published it.
var (
	arcForms = []form{
		{[]string{"question", "choices.label", "answerKey"}, labelled("question", "choices")},
		{[]string{"question.stem", "question.choices", "answerKey"}, labelled("question.stem", "question.choices")},
	}
	openbookForms = []form{
		{[]string{"question_stem", "choices.label", "answerKey"}, labelled("question_stem", "choices")},
		{[]string{"question.stem", "question.choices", "answerKey"}, labelled("question.stem", "question.choices")},
	}
	piqaForms = []form{{[]string{"goal", "sol1", "sol2", "label"}, func(c *columns) Document {
		return Document{Shape: Choice, Query: c.text("goal"), Options: []string{c.text("sol1"), c.text("sol2")}, Gold: c.number("label", 0, 2)}
	}}}
	sciqForms = []form{{[]string{"question", "correct_answer", "distractor1", "distractor2", "distractor3", "support"}, func(c *columns) Document {
		return Document{Shape: Choice, Query: c.text("question"), Passage: c.text("support"), Gold: 3,
			Options: []string{c.text("distractor1"), c.text("distractor2"), c.text("distractor3"), c.text("correct_answer")}}
	}}}
	hellaswagForms = []form{{[]string{"activity_label", "ctx_a", "ctx_b", "endings", "label"}, func(c *columns) Document {
		d := Document{Shape: Choice, Options: c.texts("endings")}
		d.Query = wikihow(c.text("activity_label") + ": " + c.text("ctx_a") + " " + capitalize(c.text("ctx_b")))
		if len(d.Options) == 0 {
			c.keep(fmt.Errorf("field %q: empty: want at least one text", "endings"))
		}
		for i, o := range d.Options {
			d.Options[i] = wikihow(o)
		}
		d.Gold = c.number("label", 0, len(d.Options))
		c.add("query", d.Query)
		c.add("choices", d.Options)
		c.add("gold", d.Gold)
		return d
	}}}
	webqsForms = []form{
		{[]string{"question", "answers"}, func(c *columns) Document {
			return Document{Shape: Answers, Query: c.text("question"), Options: c.texts("answers")}
		}},
		{[]string{"qText", "answers"}, func(c *columns) Document {
			return Document{Shape: Answers, Query: c.text("qText"), Options: c.texts("answers")}
		}},
		{[]string{"utterance", "targetValue"}, func(c *columns) Document {
			return Document{Shape: Answers, Query: c.text("utterance"), Options: c.descriptions("targetValue")}
		}},
	}
	boolqForms = []form{
		{[]string{"passage", "question", "label"}, boolqForm("label")},
		{[]string{"passage", "question", "answer"}, boolqForm("answer")},
	}
	copaForms = []form{{[]string{"premise", "choice1", "choice2", "question", "label"}, func(c *columns) Document {
		d := Document{Shape: Choice, Options: []string{c.text("choice1"), c.text("choice2")}, Gold: c.number("label", 0, 2)}
		joint := [...]string{" because", " therefore"}[max(0, c.index("question", c.text("question"), []string{"cause", "effect"}))]
		premise := trimSpace(c.text("premise"))
		_, stop := utf8.DecodeLastRuneInString(premise)
		d.Query = premise[:len(premise)-stop] + joint
		return d
	}}}
	triviaForms = []form{
		{[]string{"question", "answer.aliases", "answer.value"}, triviaForm("question", "answer.aliases", "answer.value")},
		{[]string{"Question", "Answer.Aliases", "Answer.Value"}, triviaForm("Question", "Answer.Aliases", "Answer.Value")},
	}
	storyForms = []form{
		storyForm("input_sentence_%d", "sentence_quiz%d", "answer_right_ending"),
		storyForm("InputSentence%d", "RandomFifthSentenceQuiz%d", "AnswerRightEnding"),
	}
	lambadaForms = []form{{[]string{"text"}, func(c *columns) Document {
		text := c.text("text")
		if c.err == nil {
			c.keep(checkText("text", text))
		}
		at := strings.LastIndexByte(text, ' ')
		return Document{Shape: Continuation, Query: text[:max(at, 0)], Continuation: " " + text[at+1:]}
	}}}
	winograndeForms = []form{{[]string{"sentence", "option1", "option2", "answer"}, func(c *columns) Document {
		before, after, ok := strings.Cut(c.text("sentence"), "_")
		if !ok {
			c.keep(fmt.Errorf("field %q: no _ where an option goes", "sentence"))
		}
		return Document{Shape: ContextChoice, Options: []string{before + c.text("option1"), before + c.text("option2")},
			Continuation: " " + trimSpace(after), Gold: c.number("answer", 1, 2)}
	}}}
)

func boolqForm(label string) func(*columns) Document {
	return func(c *columns) Document {
		return Document{Shape: Choice, Query: c.text("question"), Passage: c.text("passage"), Options: []string{"no", "yes"}, Gold: c.number(label, 0, 2)}
	}
}

func triviaForm(question, aliases, value string) func(*columns) Document {
	return func(c *columns) Document {
		return Document{Shape: Answers, Query: c.text(question), Options: c.texts(aliases), Canonical: c.text(value)}
	}
}

func storyForm(sentence, quiz, right string) form {
	var needs []string
	for i := range 4 {
		needs = append(needs, fmt.Sprintf(sentence, i+1))
	}
	ends := []string{fmt.Sprintf(quiz, 1), fmt.Sprintf(quiz, 2)}
	return form{slices.Concat(needs, ends, []string{right}), func(c *columns) Document {
		var story []string
		for _, path := range needs {
			story = append(story, c.text(path))
		}
		return Document{Shape: Choice, Query: strings.Join(story, " "), Options: []string{c.text(ends[0]), c.text(ends[1])}, Gold: c.number(right, 1, 2)}
	}}
}

// descriptions reads the answers of the original WebQuestions release:
// (list (description "a b") (description c)).
func (c *columns) descriptions(path string) []string {
	text := c.text(path)
	var out []string
	rest, ok := strings.CutPrefix(text, "(list")
	for ok && rest != ")" {
		if rest, ok = strings.CutPrefix(strings.TrimLeft(rest, " "), "(description "); !ok {
			break
		}
		var answer string
		if quoted, is := strings.CutPrefix(rest, `"`); is {
			answer, rest, ok = strings.Cut(quoted, `")`)
		} else {
			answer, rest, ok = strings.Cut(rest, ")")
		}
		out = append(out, strings.ReplaceAll(answer, `\"`, `"`))
	}
	if !ok && c.err == nil {
		c.err = fmt.Errorf("field %q: %.64q: want (list (description …) …)", path, text)
	}
	return out
}

package task

import (
	"errors"
	"fmt"
	"strings"
	"unicode"

	"lamina/record"
)

// Task is a benchmark: how rows become documents, and documents text for the
// model. The zero Task reads the six shapes and uses them verbatim.
type Task struct {
	name  string
	takes Shape
	forms []form // of the published data sets; rows of a shape are read too
	// context is the text before the choices; nil: the query.
	context func(d *Document, rules Rules) string
	option  func(text string) string // a choice in the prompt; nil: as it is
	// bare says that a query of a shape is the question alone, so that context can
	// be applied to it. Files in which the prompt was partly applied are known:
	// [plain] takes that off.
	bare bool
	// spacedTarget says that the paper's training text has a space before the target,
	// which other tasks' has not (task_utils.py of the authors).
	spacedTarget bool
	wide         bool // two spaces before a choice under rules 0.4
	generates    bool // under rules 0.4 an answer is generated, not scored
	page         bool // a Text document is a page of WikiText
	articles     bool // rows are grouped as RACE's are
	own          *Definition
	// beside is what stands between a prompt and its continuation, of the verbatim task;
	// nil: one space.
	beside *string

	noTrain bool // the harness has no training split for examples
	noTest  bool // the harness scores the validation split, for there is no other
	accOnly bool // the harness reports acc and no acc_norm
	source  Source
}

// Source is where the harness finds a task's data, and how it numbers the task.
type Source struct {
	Path, Config string // on the hub, as the harness names it
	Repo         string // the repository today; "": Path
	Version      map[Rules]string
}

// tasks are those of lm-evaluation-harness, held against its versions 0.3.0 and
// 0.4.8; openbook_qa is what the files of llm-foundry call openbookqa.
var tasks = [...]Task{
	{name: "arc_easy", takes: Choice, forms: arcForms, context: question, bare: true, source: Source{"allenai/ai2_arc", "ARC-Easy", "", numbered("1.0", "0")}},
	{name: "arc_challenge", takes: Choice, forms: arcForms, context: question, bare: true, source: Source{"allenai/ai2_arc", "ARC-Challenge", "", numbered("1.0", "0")}},
	{name: "openbookqa", takes: Choice, forms: openbookForms, bare: true, source: Source{"openbookqa", "main", "allenai/openbookqa", numbered("1.0", "0")}},
	{name: "openbook_qa", takes: Choice, forms: openbookForms, bare: true, source: Source{"openbookqa", "main", "allenai/openbookqa", numbered("1.0", "0")}},
	{name: "piqa", takes: Choice, forms: piqaForms, context: question, bare: true, noTest: true, source: Source{"piqa", "", "ybisk/piqa", numbered("1.0", "0")}},
	{name: "sciq", takes: Choice, forms: sciqForms, context: supported, source: Source{"sciq", "", "allenai/sciq", numbered("1.0", "0")}},
	{name: "race", takes: Choice, articles: true, accOnly: true, noTrain: true, source: Source{"EleutherAI/race", "high", "", numbered("2.0", "1")}},
	{name: "hellaswag", takes: Choice, forms: hellaswagForms, noTest: true, source: Source{"hellaswag", "", "Rowan/hellaswag", numbered("1.0", "0")}},
	{name: "boolq", takes: Choice, forms: boolqForms, context: passage, bare: true, spacedTarget: true, noTest: true, accOnly: true, source: Source{"super_glue", "boolq", "aps/super_glue", numbered("2.0", "1")}},
	{name: "copa", takes: Choice, forms: copaForms, option: lowerFirst, bare: true, spacedTarget: true, wide: true, noTest: true, accOnly: true, source: Source{"super_glue", "copa", "aps/super_glue", numbered("1.0", "0")}},
	{name: "storycloze_2016", takes: Choice, forms: storyForms, spacedTarget: true, noTrain: true, accOnly: true, source: Source{"story_cloze", "2016", "", numbered("1.0", "0")}},
	{name: "storycloze_2018", takes: Choice, forms: storyForms, spacedTarget: true, noTrain: true, accOnly: true, source: Source{"story_cloze", "2018", "", numbered("1.0", "0")}},
	{name: "storycloze", takes: Choice, forms: storyForms, spacedTarget: true, noTrain: true, accOnly: true, source: Source{"story_cloze", "2016", "", numbered("1.0", "0")}},
	{name: "winogrande", takes: ContextChoice, forms: winograndeForms, noTest: true, accOnly: true, source: Source{"winogrande", "winogrande_xl", "allenai/winogrande", numbered("1.0", "0")}},
	{name: "webqs", takes: Answers, forms: webqsForms, context: question, bare: true, spacedTarget: true, source: Source{"web_questions", "", "stanfordnlp/web_questions", numbered("2.0", "0")}},
	{name: "triviaqa", takes: Answers, forms: triviaForms, context: trivia, bare: true, spacedTarget: true, generates: true, noTest: true, source: Source{"trivia_qa", "rc.nocontext", "mandarjoshi/trivia_qa", numbered("3.0", "0")}},
	{name: "lambada_openai", takes: Continuation, forms: lambadaForms, noTrain: true, source: Source{"EleutherAI/lambada_openai", "default", "", numbered("1.0", "0")}},
	{name: "wikitext", takes: Text, page: true, forms: pageForms, source: Source{"EleutherAI/wikitext_document_level", "wikitext-2-raw-v1", "", numbered("2.0", "1")}},
}

func numbered(four, three string) map[Rules]string {
	return map[Rules]string{Rules04: four, Rules03: three}
}

// Names returns the names [Named] knows.
func Names() []string {
	names := make([]string, len(tasks))
	for i, t := range tasks {
		names[i] = t.name
	}
	return names
}

// NameIn returns the longest name of [Names] that a text holds, "" for none.
func NameIn(text string) string {
	found := ""
	for _, name := range Names() {
		if strings.Contains(text, name) && len(name) > len(found) {
			found = name
		}
	}
	return found
}

// Named returns the task of a name; "" is the verbatim one.
func Named(name string) (Task, error) {
	if name == "" {
		return Task{}, nil
	}
	for _, t := range tasks {
		if t.name == name {
			return t, nil
		}
	}
	return Task{}, fmt.Errorf("task %.128q is unknown: want one of %s", name, strings.Join(Names(), ", "))
}

// WithDelimiter returns the verbatim task with another text between a prompt and its
// continuation than one space: "" where the file's own texts have what belongs there
// (target_delimiter of the harness). A row with a field "target_delimiter" has its own. It
// is an error of any other task, whose prompts say what stands there.
func (t Task) WithDelimiter(text string) (Task, error) {
	if t.name != "" || t.own != nil {
		return t, fmt.Errorf("task %s: says itself what stands before a target", t.name)
	}
	t.beside = &text
	return t, nil
}

// Name returns the task's name, "" of the verbatim one.
func (t Task) Name() string { return t.name }

// Verbatim reports whether a document is a question with choices or answers that has no
// prompt but its own: that of no task, of which nobody said what stands before a choice.
func (t Task) Verbatim(d Document) bool {
	return t.name == "" && (d.Shape == Choice || d.Shape == Answers) && t.said(&d) == nil
}

// Source returns where the harness finds the task's data.
func (t Task) Source() Source { return t.source }

// Split names the part of a data set that the harness scores.
func (t Task) Split() string {
	switch {
	case t.own != nil && t.own.Split != "":
		return t.own.Split
	case t.own == nil && t.noTest:
		return "validation"
	}
	return "test"
}

// ShotsSplit names the part of a data set that the harness draws examples from.
func (t Task) ShotsSplit(rules Rules) string {
	switch {
	case t.own != nil && t.own.ShotsSplit != "":
		return t.own.ShotsSplit
	case !t.noTrain:
		return "train"
	case t.name == "race" && rules == Rules03:
		return "train" // 0.3 has its own training articles, 0.4 has none
	case strings.HasPrefix(t.name, "storycloze"):
		return "validation"
	}
	return "test"
}

// Shots returns the number of examples that the task itself asks for.
func (t Task) Shots() int {
	if t.own == nil {
		return 0
	}
	return t.own.Shots
}

var errNone = errors.New("no documents")

func (t Task) document(r record.Record) (Document, error) {
	if t.own != nil {
		d, err := t.own.Document(r)
		d.Source = r
		if err == nil {
			err = d.check()
		}
		return d, err
	}
	forms := t.forms
	if t.name == "" {
		forms = plainForms
	}
	d, found, err := read(forms, r)
	if !found {
		d, err = shaped(r)
		d.Source = r
		if err != nil && len(t.forms) > 0 && d.Shape == 0 {
			err = fmt.Errorf("%w; or the columns of %s: %s", err, t.name, strings.Join(t.forms[0].needs, ", "))
		}
		if t.bare {
			d.Query = plain(d.Query)
		}
	}
	return d, err
}

// plain takes off what the file's own prompt put around a query: the words
// "Question: " in front and white space behind.
func plain(query string) string {
	return strings.TrimRightFunc(strings.TrimPrefix(query, "Question: "), unicode.IsSpace)
}

// plainForms are data sets that read verbatim as the shape they mean.
var plainForms = []form{webqsForms[1], copaForms[0]}

func question(d *Document, _ Rules) string { return "Question: " + d.Query + "\nAnswer:" }

// supported is SciQ's prompt: 0.3 takes white space off all of it, 0.4 off the
// front of the support alone.
func supported(d *Document, rules Rules) string {
	text := "\nQuestion: " + d.Query + "\nAnswer:"
	if rules == Rules03 {
		return trimSpace(d.Passage + text)
	}
	return strings.TrimLeftFunc(d.Passage, isSpace) + text
}

// passage is BoolQ's prompt. The query of a shape holds passage and question, the
// question on a line of its own and perhaps with its mark.
func passage(d *Document, _ Rules) string {
	if !d.shaped {
		return d.Passage + "\nQuestion: " + d.Query + "?\nAnswer:"
	}
	text := plain(strings.TrimPrefix(d.Query, "Passage: "))
	if !strings.HasSuffix(text, "?") {
		text += "?"
	}
	return text + "\nAnswer:"
}

// trivia is TriviaQA's prompt: 0.4 puts a question mark after the question's own.
func trivia(d *Document, rules Rules) string {
	if rules == Rules04 {
		return "Question: " + d.Query + "?\nAnswer:"
	}
	return question(d, rules)
}

package task

import (
	"fmt"
	"strings"

	"lamina/record"
)

// RACE asks several questions about an article. The hub's race has a row a
// question, the authors' release a file an article, and EleutherAI/race, which the
// harness reads since 0.4, a row an article with the questions as Python's text of
// a list. All become one document an article, in the order the articles first
// come.

// raceDocuments groups rows by their article.
func raceDocuments(rows []record.Record) ([]Document, error) {
	var docs []Document
	place := map[string]int{}
	for _, r := range rows {
		article, err := r.Text("article")
		var problems []Problem
		if err == nil {
			problems, err = raceProblems(r)
		}
		if err != nil {
			return nil, r.At.Errorf("%w", err)
		}
		at, known := place[article]
		if !known {
			at = len(docs)
			place[article] = at
			docs = append(docs, Document{Shape: Choice, Passage: article, Source: r})
		}
		docs[at].Problems = append(docs[at].Problems, problems...)
	}
	for i := range docs {
		d := &docs[i]
		last := d.Problems[len(d.Problems)-1]
		d.Options, d.Gold = last.Options, last.Gold
		d.Query = racePrompt(d.Passage, d.Problems)
		if !d.Source.Has("problems") {
			d.Source.Fields = record.Object{{Name: "article", Value: d.Passage}, {Name: "problems", Value: problemsText(d.Problems)}}
		}
		if err := d.check(); err != nil {
			return nil, d.errorf("%w", err)
		}
	}
	return docs, nil
}

func raceProblems(r record.Record) ([]Problem, error) {
	c := columns{row: r}
	switch {
	case r.Has("problems"):
		if text, err := r.Text("problems"); err == nil {
			list, err := record.ParseLiteral(text)
			if err != nil {
				return nil, fmt.Errorf("field %q: %w", "problems", err)
			}
			r.Fields = record.Object{{Name: "problems", Value: list}}
		}
		c.row = r
		return zipProblems(&c, "problems.question", "problems.options", "problems.answer")
	case r.Has("questions"):
		return zipProblems(&c, "questions", "options", "answers")
	}
	p := Problem{Question: c.text("question"), Options: c.texts("options")}
	p.Gold = c.index("answer", c.text("answer"), letters[:min(len(p.Options), 4)])
	return []Problem{p}, c.err
}

// zipProblems reads lists of questions, options and answers.
func zipProblems(c *columns, questions, options, answers string) ([]Problem, error) {
	q, a := c.texts(questions), c.texts(answers)
	v, err := c.row.Get(options)
	c.keep(err)
	o, _ := v.(record.List)
	if c.err == nil && (len(q) == 0 || len(q) != len(o) || len(q) != len(a)) {
		c.err = fmt.Errorf("%d questions, %d lists of options and %d answers: want as many of each, one or more", len(q), len(o), len(a))
	}
	if c.err != nil {
		return nil, c.err
	}
	out := make([]Problem, len(q))
	for i := range q {
		one := columns{row: record.Record{Fields: record.Object{{Name: "options", Value: o[i]}}}}
		out[i] = Problem{Question: q[i], Options: one.texts("options")}
		out[i].Gold = one.index("answer", a[i], letters[:min(len(out[i].Options), 4)])
		if one.err != nil {
			return nil, fmt.Errorf("question %d: %w", i, one.err)
		}
	}
	return out, nil
}

// racePrompt is the text before the choices of the last question
// (preprocess_race.py of the harness): the article, the other questions with their
// answers, and the last question bare. One that ends in a blank is completed.
func racePrompt(article string, problems []Problem) string {
	var b strings.Builder
	b.WriteString("Article: " + article + "\n\n")
	for _, p := range problems[:len(problems)-1] {
		if strings.HasSuffix(p.Question, "  _  .") {
			b.WriteString(" _  ." + p.Options[p.Gold] + "\n")
		} else {
			b.WriteString("Question: " + p.Question + "\nAnswer: " + p.Options[p.Gold] + "\n")
		}
	}
	b.WriteString(problems[len(problems)-1].Question)
	return b.String()
}

// problemsText writes the questions as EleutherAI/race has them.
func problemsText(problems []Problem) string {
	var b strings.Builder
	b.WriteByte('[')
	for i, p := range problems {
		if i > 0 {
			b.WriteString(", ")
		}
		options := make([]string, len(p.Options))
		for j, o := range p.Options {
			options[j] = record.PythonText(o)
		}
		fmt.Fprintf(&b, "{'question': %s, 'answer': '%s', 'options': [%s]}", record.PythonText(p.Question), letters[p.Gold], strings.Join(options, ", "))
	}
	b.WriteByte(']')
	return b.String()
}

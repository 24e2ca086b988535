package study

import (
	"slices"

	"lamina/crash/corpus"
	"lamina/eval"
)

// Rows say what the rows of a training are and what of them is learned. The zero value is
// documents or what the columns say, of which answers are learned.
type Rows struct {
	Kind     string // of [corpus.Kinds]; "": by the columns
	Learn    corpus.Learn
	Pack     corpus.Pack
	Template string // of conversations; "": the model's own
}

// rowsConfig is what config.json says of rows that are no documents of which the answer is
// learned.
type rowsConfig struct {
	Rows     string `json:"rows,omitempty"`
	Learn    string `json:"learn,omitempty"`
	Pack     string `json:"pack,omitempty"`
	Dropped  int    `json:"dropped_tokens,omitempty"`
	Template string `json:"chat_template,omitempty"` // its SHA-256
}

// rows reads the first rows of some data and notes what they were.
func (f *Finetuning) rows(from eval.Data, limit int) (*corpus.Rows, error) {
	d := f.Data
	rows, err := corpus.Read(&f.Model.Model, from, limit, corpus.Options{
		Kind: f.Rows.Kind, Learn: f.Rows.Learn, Pack: f.Rows.Pack, Template: f.Rows.Template,
		Task: d.Task, Format: d.Format, Overlong: d.Overlong, MaxLength: d.MaxLength,
	})
	if err != nil {
		return nil, err
	}
	f.Truncated += rows.Cut
	f.Skipped += rows.Skipped
	f.Dropped += rows.Dropped
	f.found.add(f.Rows, rows)
	f.texts = f.texts || rows.Kind == corpus.Texts && from.Path == f.Data.Train.Path
	for _, w := range rows.Warnings {
		if w = from.Path + ": " + w; !slices.Contains(f.doubts, w) {
			f.doubts = append(f.doubts, w)
		}
	}
	return rows, nil
}

// add notes what rows were, those that are trained on first.
func (c *rowsConfig) add(o Rows, rows *corpus.Rows) {
	c.Dropped += rows.Dropped
	if kind := rows.Kind; c.Rows == "" && (kind == corpus.Alpaca.Name || kind == corpus.Chat.Name) {
		c.Rows, c.Template = kind, rows.Template
	}
	if o.Learn != corpus.Answer {
		c.Learn = o.Learn.String()
	}
	if o.Pack != corpus.PackNone {
		c.Pack = o.Pack.String()
	}
}

package main

import (
	"cmp"

	"lamina/crash/corpus"
	"lamina/crash/study"
	"lamina/internal/files"
)

// rowsFlags say what the rows of a training are, and what of them is learned.
type rowsFlags struct {
	Rows         string `default:"auto" enum:"auto,${row_kinds}" placeholder:"KIND" help:"What the rows of --data and --valid are: ${row_kinds_help}. Default: what their columns say."`
	Learn        string `default:"answer" enum:"answer,all,last" placeholder:"WHAT" help:"Loss on the answer (default; of a conversation, on every turn of the assistant), on all tokens of a row, or on the last turn of the assistant."`
	Pack         string `default:"none" enum:"none,clm,eos" placeholder:"HOW" help:"Texts (rows of text alone, or a .txt file) laid end to end and cut into blocks of --max-length tokens, the rest dropped: clm (as run_clm.py of transformers: a thousand texts at a time, of a .txt file its lines, nothing between them) or eos (all of them, an EOS token between two). Default: none; each is windows of its own."`
	ChatTemplate string `placeholder:"FILE" help:"Jinja template in which conversations are written. Default: the model's own."`
}

// maxTemplate is the most bytes of a template, as of one in a tokenizer's file.
const maxTemplate = 64 << 10

// rows returns what they say.
func (f rowsFlags) rows() (r study.Rows, err error) {
	if f.Rows != "auto" {
		r.Kind = f.Rows
	}
	r.Learn, err = corpus.ParseLearn(f.Learn)
	pack, wrong := corpus.ParsePack(f.Pack)
	if err = cmp.Or(err, wrong); err != nil {
		return r, usageError{err}
	}
	r.Pack = pack
	if f.ChatTemplate == "" {
		return r, nil
	}
	text, err := files.Read(f.ChatTemplate, maxTemplate)
	if err == nil && len(text) == 0 {
		return r, usagef("--chat-template %s: the file is empty", f.ChatTemplate)
	}
	r.Template = string(text)
	return r, err
}

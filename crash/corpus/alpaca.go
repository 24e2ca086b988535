package corpus

import (
	"fmt"

	"lamina/crash/train"
	"lamina/eval"
	"lamina/record"
)

// Alpaca are rows of an instruction, perhaps an input, and the answer, in the two prompts of
// Stanford Alpaca (train.py of tatsu-lab/stanford_alpaca): prompt and answer are encoded as
// one text, with the special tokens that the tokenizer puts around one, an EOS token behind
// the answer; learned is what follows as many tokens as the prompt alone has.
var Alpaca = Kind{Name: "alpaca", Help: `{"instruction","input","output"}, in Stanford Alpaca's prompts`,
	has:     func(r record.Record) bool { return r.Has("instruction") && r.Has("output") },
	encoder: alpacaRows,
}

// The prompts; %s are instruction and input.
const (
	alpacaWithInput = "Below is an instruction that describes a task, paired with an input that provides further context. " +
		"Write a response that appropriately completes the request.\n\n### Instruction:\n%s\n\n### Input:\n%s\n\n### Response:"
	alpacaAlone = "Below is an instruction that describes a task. " +
		"Write a response that appropriately completes the request.\n\n### Instruction:\n%s\n\n### Response:"
)

func alpacaRows(m *eval.Model, o Options, _ *Rows) (func(record.Record) (train.Sequence, error), error) {
	if o.Learn == Last {
		return nil, fmt.Errorf("rows of one answer each: --learn last is for conversations")
	}
	t, err := m.Tokenizer()
	if err != nil {
		return nil, err
	}
	end := t.Roles().EOS
	return func(r record.Record) (s train.Sequence, err error) {
		prompt, answer, err := alpacaTexts(r)
		if err != nil {
			return s, err
		}
		asked, err := t.EncodeChecked(prompt, true)
		if err != nil {
			return s, err
		}
		if s.Tokens, err = t.EncodeChecked(prompt+answer+end, true); err != nil {
			return s, err
		}
		if len(asked) == 0 || len(asked) >= len(s.Tokens) {
			return s, fmt.Errorf("field %q: no tokens: nothing to learn", "output")
		}
		s.Learn = make([]bool, len(s.Tokens))
		for i := len(asked); i < len(s.Learn); i++ {
			s.Learn[i] = true
		}
		return s, nil
	}, nil
}

// alpacaTexts returns prompt and answer of a row.
func alpacaTexts(r record.Record) (prompt, answer string, err error) {
	instruction, err := r.Text("instruction")
	if err != nil {
		return "", "", err
	}
	if instruction == "" {
		return "", "", fmt.Errorf("field %q: empty", "instruction")
	}
	if answer, err = r.Text("output"); err != nil {
		return "", "", err
	}
	input := ""
	if r.Has("input") {
		if input, err = r.Text("input"); err != nil {
			return "", "", err
		}
	}
	if input == "" {
		return fmt.Sprintf(alpacaAlone, instruction), answer, nil
	}
	return fmt.Sprintf(alpacaWithInput, instruction, input), answer, nil
}

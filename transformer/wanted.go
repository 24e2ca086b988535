package transformer

import "fmt"

// Wanted is what a user asks of a text over what the model's files say of it; nil leaves
// it to them.
//
//	how, err := want.Sampling(said)
//	most := want.Most(said, len(prompt))
type Wanted struct {
	MaxTokens   *int
	Temperature *float64 // 0: always the likeliest token
	TopK        *int
	TopP        *float64
	Sample      bool // draw as transformers does with do_sample
	Seed        uint64
}

// defaultMaxTokens bounds a text where neither user nor file does.
const defaultMaxTokens = 128

// Validate returns an error, in the words of the flags, for what cannot be asked for.
func (w Wanted) Validate() error {
	switch {
	case w.MaxTokens != nil && *w.MaxTokens < 1:
		return fmt.Errorf("--max-tokens %d: want 1 or more", *w.MaxTokens)
	case w.Sample && w.Temperature != nil && *w.Temperature == 0:
		return fmt.Errorf("--sample draws, and --temperature 0 does not: give one of them")
	}
	if err := w.over(Sampling{}).Validate(); err != nil {
		return fmt.Errorf("--%w", err) // temperature, top-k and top-p are called as their flags
	}
	return nil
}

// over puts what is asked for over how.
func (w Wanted) over(how Sampling) Sampling {
	if w.Temperature != nil {
		how.Temperature = *w.Temperature
	}
	if w.TopK != nil {
		how.TopK = *w.TopK
	}
	if w.TopP != nil {
		how.TopP = *w.TopP
	}
	how.Seed = w.Seed
	return how
}

// Draws reports whether tokens are drawn: only where that is asked for, whatever the files
// say.
func (w Wanted) Draws() bool { return w.Sample || w.Temperature != nil && *w.Temperature > 0 }

// Sampling returns how tokens are chosen: by the rules of the model's files in any case;
// greedily unless [Wanted.Draws], and then with the files' cuts where nothing is asked
// for.
func (w Wanted) Sampling(said Generation) (how Sampling, err error) {
	switch {
	case w.Sample:
		how, err = said.Drawing()
	case w.Draws():
		how, err = said.Cuts()
	default:
		how = w.over(said.Greedy())
		how.Temperature = 0
		return how, nil
	}
	return w.over(how), err
}

// Most is how many tokens may be added to a prompt of so many.
func (w Wanted) Most(said Generation, prompt int) int {
	const libraryDefault = 20 // transformers' max_length where nothing is said
	switch {
	case w.MaxTokens != nil:
		return *w.MaxTokens
	case said.MaxNewTokens > 0:
		return said.MaxNewTokens
	case said.MaxLength > prompt && said.MaxLength != libraryDefault:
		return said.MaxLength - prompt
	}
	return defaultMaxTokens
}

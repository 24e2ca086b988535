package transformer_test

import (
	"testing"

	"lamina/transformer"
)

// TestWantedOverSaid: what a user asks for goes over the files' settings, which count only
// where tokens are drawn.
func TestWantedOverSaid(t *testing.T) {
	var said transformer.Generation
	said.Temperature, said.TopK, said.TopP, said.DoSample = 0.5, 7, 0.9, true
	zero, warm, three, eight := 0.0, 1.5, 3, 8
	for name, c := range map[string]struct {
		want        transformer.Wanted
		temperature float64
		topK        int
		topP        float64
	}{
		"nothing":        {transformer.Wanted{}, 0, 0, 0},
		"temperature 0":  {transformer.Wanted{Temperature: &zero}, 0, 0, 0},
		"a cut alone":    {transformer.Wanted{TopK: &three}, 0, 3, 0},
		"a temperature":  {transformer.Wanted{Temperature: &warm, TopK: &three}, 1.5, 3, 0.9},
		"as in the file": {transformer.Wanted{Sample: true}, 0.5, 7, 0.9},
	} {
		c.want.Seed = 9
		how, err := c.want.Sampling(said)
		if err != nil || how.Temperature != c.temperature || how.TopK != c.topK || how.TopP != c.topP || how.Seed != 9 {
			t.Errorf("%s: %+v (%v)", name, how, err)
		}
		if c.want.Draws() != (c.temperature > 0) {
			t.Errorf("%s: draws: %v", name, c.want.Draws())
		}
	}
	for _, c := range []struct {
		want transformer.Wanted
		said transformer.Generation
		most int
	}{
		{transformer.Wanted{}, transformer.Generation{}, 128},
		{transformer.Wanted{}, transformer.Generation{MaxLength: 20}, 128}, // the library's default
		{transformer.Wanted{}, transformer.Generation{MaxLength: 50}, 40},
		{transformer.Wanted{}, transformer.Generation{MaxLength: 50, MaxNewTokens: 5}, 5},
		{transformer.Wanted{MaxTokens: &eight}, transformer.Generation{MaxNewTokens: 5}, 8},
	} {
		if most := c.want.Most(c.said, 10); most != c.most {
			t.Errorf("%+v of %+v: %d tokens, want %d", c.want, c.said, most, c.most)
		}
	}
	for _, bad := range []transformer.Wanted{{MaxTokens: new(int)}, {Sample: true, Temperature: &zero}, {TopP: &warm}} {
		if bad.Validate() == nil {
			t.Errorf("%+v is taken", bad)
		}
	}
}

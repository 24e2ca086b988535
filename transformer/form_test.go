package transformer_test

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"lamina/kernels/ref"
	"lamina/nn"
	"lamina/transformer"
)

// formedModels are models with what a form of every kind needs of each family.
var formedModels = []struct {
	name, q, down string
	heads         transformer.Form // some heads less
}{
	{"opt-prenorm", "self_attn.q_proj", "fc2", transformer.Form{Heads: 2}},
	{"opt-350m-like", "self_attn.q_proj", "fc2", transformer.Form{Heads: 1}},
	{"llama-gqa-tied", "self_attn.q_proj", "mlp.down_proj", transformer.Form{Heads: 3, KVHeads: 1}},
	{"llama-mha", "self_attn.q_proj", "mlp.down_proj", transformer.Form{Heads: 1}},
	{"gpt2-tied", "attn.c_attn", "mlp.c_proj", transformer.Form{Heads: 3}},
	{"bloom-six", "self_attention.query_key_value", "mlp.dense_4h_to_h", transformer.Form{Heads: 3, HeadNumbers: []int{0, 2, 5}}},
}

// formedConfig returns the configuration of a model with a place of each form: the layer as
// it is, a linear map, a layer scaled, a diagonal map, fewer channels, fewer heads, pairs,
// and all of that at once.
func formedConfig(t *testing.T, name, q, down string, heads transformer.Form) transformer.Config {
	t.Helper()
	c := checkpoint(t, filepath.Join("testdata", name)).Config
	c.Raw = c.RawWithLayers(c.Layers)
	all := heads
	all.Scale, all.FeedForward, all.Ranks = -0.75, 9, map[string]int{q: 2, down: 5}
	c.Forms = []transformer.Form{
		{}, {Map: "linear"}, {Scale: 0.5}, {Map: "diagonal"}, {FeedForward: 11}, heads, {Ranks: map[string]int{q: 3}},
		{Map: "linear", Ranks: map[string]int{"gap": 2}}, all, {Map: "harmonizer", Rank: 7},
	}
	c.Layers = len(c.Forms)
	if err := c.Validate(); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return c
}

// TestFormsComeBack: a decoder with a place of every form tells the forms it was made of,
// is written, and opened again is the same to the bit; its cache says what a whole pass
// does; it is counted and described without its weights.
func TestFormsComeBack(t *testing.T) {
	be := ref.New()
	for _, m := range formedModels {
		c := formedConfig(t, m.name, m.q, m.down, m.heads)
		d := transformer.New(c, nn.Init{Device: be, Seed: 5})
		forms, err := d.Forms()
		if err != nil || !slices.EqualFunc(forms, c.Forms, transformer.Form.Equal) {
			t.Errorf("%s: forms %v of %v: %v", m.name, forms, c.Forms, err)
		}
		if n := nn.Count(d.Params()); n != c.Params() {
			t.Errorf("%s: %d weights, counted without them %d", m.name, n, c.Params())
		}
		opened := save(t, d)
		again := decoder(t, opened)
		want := logits(d, savedRows)
		sameLogits(t, m.name+": saved", logits(again, savedRows), want)
		sameLogits(t, m.name+": cloned", logits(again.Clone(), savedRows), want)
		if !slices.EqualFunc(opened.Config.Forms, c.Forms, transformer.Form.Equal) || opened.Config.Raw["model_type"] != c.Raw["model_type"] {
			t.Errorf("%s: opened as %v with the forms %v", m.name, opened.Config.Raw["model_type"], opened.Config.Forms)
		}
		converted := filepath.Join(t.TempDir(), "converted")
		if err := opened.WriteDir(converted, opened.Whole()); err != nil {
			t.Fatal(err)
		}
		for _, dir := range []string{opened.Dir, converted} {
			wantOwnType(t, dir, c.Raw)
			sameLogits(t, m.name+": "+filepath.Base(dir), logits(decoder(t, checkpoint(t, dir)), savedRows), want)
		}
		described, err := transformer.OpenDescription(filepath.Join(opened.Dir, "config.json"))
		if err != nil || !slices.Equal(described.Names(), opened.Names()) {
			t.Errorf("%s: described by config.json alone: %v", m.name, err)
		}
		if got, want := again.InferenceMemory(nil), opened.Outline().InferenceMemory(nil); got != want || got.Cache >= 2*4*got.Positions*c.KVHeads*c.HeadDim*c.Layers {
			t.Errorf("%s: memory %+v, without weights %+v", m.name, got, want)
		}
		decodesAsPrefill(t, be, again, []int32{3, 1, 4, 1, 5, 9, 2, 6, 5, 3})
	}
}

// TestClonesShareWhatIsScaled: a block that stands at two places, at one of them scaled, has
// one copy.
func TestClonesShareWhatIsScaled(t *testing.T) {
	c := checkpoint(t, filepath.Join("testdata", "llama-gqa-tied"))
	d := decoder(t, c)
	d.Blocks = append(d.Blocks, &transformer.Scaled{Block: d.Blocks[1], By: 0.5})
	clone := d.Clone()
	if s, ok := clone.Blocks[len(clone.Blocks)-1].(*transformer.Scaled); !ok || s.By != 0.5 || s.Block != clone.Blocks[1] || s.Block == d.Blocks[1] {
		t.Errorf("the clone's last block is %v", clone.Blocks[len(clone.Blocks)-1])
	}
	if a, b := nn.Count(clone.Params()), nn.Count(d.Params()); a != b {
		t.Errorf("%d weights in the clone, %d in the decoder", a, b)
	}
	sameLogits(t, "a clone", logits(clone, savedRows), logits(d, savedRows))
}

// wantOwnType checks that no other program takes a directory for a model of raw's type.
func wantOwnType(t *testing.T, dir string, raw map[string]any) {
	t.Helper()
	var config map[string]any
	if err := json.Unmarshal(must(os.ReadFile(filepath.Join(dir, "config.json"))), &config); err != nil {
		t.Fatal(err)
	}
	own, _ := config["lamina"].(map[string]any)
	if config["model_type"] != "lamina" || fmt.Sprint(config["architectures"]) != "[LaminaForCausalLM]" || own["model_type"] != raw["model_type"] ||
		!reflect.DeepEqual(own["architectures"], raw["architectures"]) {
		t.Errorf("%s: a %v of %v, within it %v of %v", dir, config["model_type"], config["architectures"], own["model_type"], own["architectures"])
	}
}

// TestPlainFormsAreNone: a decoder whose forms are all plain is written as a standard
// model.
func TestPlainFormsAreNone(t *testing.T) {
	c := checkpoint(t, filepath.Join("testdata", "llama-gqa-tied")).Config
	c.Forms = make([]transformer.Form, c.Layers)
	opened := save(t, transformer.New(c, nn.Init{Device: ref.New(), Seed: 5}))
	if opened.Config.Forms != nil {
		t.Errorf("forms %v", opened.Config.Forms)
	}
	if text := string(must(os.ReadFile(filepath.Join(opened.Dir, "config.json")))); strings.Contains(text, "amina") {
		t.Errorf("config.json of plain layers is not a standard one: %s", text)
	}
}

// TestBadForms: what config.json says of places is checked before anything is allocated or
// read, and told in a line.
func TestBadForms(t *testing.T) {
	for _, m := range []int{0, 2, 5} { // opt, llama, bloom
		m := formedModels[m]
		good := save(t, transformer.New(formedConfig(t, m.name, m.q, m.down, m.heads), nn.Init{Device: ref.New(), Seed: 5}))
		place := func(i int, key string, value any, want ...string) func(map[string]any) []string {
			return func(own map[string]any) []string {
				own["forms"].([]any)[i].(map[string]any)[key] = value
				return want
			}
		}
		for what, spoil := range map[string]func(own map[string]any) []string{
			"too few places": func(own map[string]any) []string {
				own["forms"] = own["forms"].([]any)[1:]
				return []string{"forms has 9 places, want 10"}
			},
			"places without end": func(own map[string]any) []string {
				own["forms"] = make([]struct{}, 100000)
				return []string{"forms: more than 1024 places"}
			},
			"no forms":  func(own map[string]any) []string { delete(own, "forms"); return []string{"forms"} },
			"no family": func(own map[string]any) []string { own["model_type"] = ""; return []string{"model_type is missing"} },
			"itself": func(own map[string]any) []string {
				own["model_type"] = "lamina"
				return []string{`model_type "lamina"`}
			},
			"a key of the future":     func(own map[string]any) []string { own["router"] = 1; return []string{`"router"`, "newer version"} },
			"a form of the future":    place(0, "experts", 3, `"experts"`, "newer version"),
			"another case":            place(0, "Scale", 3, `spelled "scale"`),
			"an unknown map":          place(1, "map", "quadratic", "place 1", `"quadratic"`, "linear, diagonal, harmonizer"),
			"a map that is scaled":    place(1, "scale", 0.5, "place 1", "a map has no layer"),
			"a map with heads":        place(3, "heads", 2, "place 3", "a map has no layer"),
			"a diagonal of rank 1":    place(3, "ranks", map[string]int{"gap": 1}, "place 3", `"gap"`),
			"no rank":                 place(9, "rank", 0, "place 9", "rank is 0, want 1 to "),
			"a rank of a linear map":  place(1, "rank", 3, "place 1", "rank is 3, and a linear map has none"),
			"a rank of a layer":       place(0, "rank", 3, "place 0", "rank is 3, and only some maps have one"),
			"a huge scale":            place(2, "scale", 1e300, "place 2", "scale is 1e+300"),
			"a scale that is a text":  place(2, "scale", "half", "scale"),
			"channels below none":     place(4, "feed_forward", -1, "place 4", "feed_forward is -1"),
			"channels without end":    place(4, "feed_forward", 1<<40, "place 4", "feed_forward is 1099511627776"),
			"channels more than any":  place(4, "feed_forward", 1<<24, "has shape", "16777216"),
			"heads that do not share": place(5, "kv_heads", 7, "place 5", "kv_heads"),
			"heads without end":       place(5, "heads", 1<<24, "place 5"),
			"a rank of nothing":       place(6, "ranks", map[string]int{"x": 1}, "place 6", `"x"`, m.q),
			"rank 0":                  place(6, "ranks", map[string]int{m.q: 0}, "place 6", m.q+" is 0, want 1 to "),
			"a rank without end":      place(6, "ranks", map[string]int{m.q: math.MaxInt32}, "place 6", m.q+" is 2147483647, want 1 to "),
			"another rank":            place(6, "ranks", map[string]int{m.q: 2}, m.q+".down.weight", "has shape"),
			"a pair that is none":     place(6, "ranks", map[string]int{}, m.q+".weight", "is missing"),
			"a layer that is a map": func(own map[string]any) []string {
				own["forms"].([]any)[0] = map[string]any{"map": "linear"}
				return []string{"layers.0.gap.weight", "h.0.gap.weight", "missing"}
			},
			"not scaled": place(5, "head_numbers", []int{0, 1, 2, 3}, "place 5", "head_numbers"),
		} {
			dir := filepath.Join(t.TempDir(), "model")
			if err := os.CopyFS(dir, os.DirFS(good.Dir)); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(dir, "config.json")
			var raw map[string]any
			if err := json.Unmarshal(must(os.ReadFile(path)), &raw); err != nil {
				t.Fatal(err)
			}
			want := spoil(raw["lamina"].(map[string]any))
			if what == "a layer that is a map" { // how a family's names begin
				want = slices.DeleteFunc(want, func(w string) bool {
					return strings.HasPrefix(w, "h.") != (m.name == "bloom-six") && strings.Contains(w, ".0.gap")
				})
			}
			write(t, path, string(must(json.Marshal(raw))))
			if c, err := transformer.Open(dir); err == nil {
				c.Close()
				t.Errorf("%s, %s: opened", m.name, what)
			} else {
				oneLine(t, err, append(want, dir)...)
			}
		}
	}
}

// TestFormsOfAFamily: BLOOM's heads fall off at rates of their own, so that a place with
// fewer must say which; a scale that is no number never reaches a block.
func TestFormsOfAFamily(t *testing.T) {
	bloom := formedConfig(t, "bloom-six", "self_attention.query_key_value", "mlp.dense_4h_to_h", transformer.Form{})
	llama := formedConfig(t, "llama-gqa-tied", "self_attn.q_proj", "mlp.down_proj", transformer.Form{})
	for _, c := range []struct {
		config transformer.Config
		form   transformer.Form
		want   string
	}{
		{bloom, transformer.Form{Heads: 3}, "head_numbers has 0 of 3 heads"},
		{bloom, transformer.Form{Heads: 2, HeadNumbers: []int{1, 1}}, "head_numbers: 1 behind 1"},
		{bloom, transformer.Form{Heads: 2, HeadNumbers: []int{1, 6}}, "head_numbers: 6 behind 1: want ascending numbers below 6"},
		{llama, transformer.Form{Heads: 3, KVHeads: 1, HeadNumbers: []int{1, 2, 3}}, "leave it out"},
		{llama, transformer.Form{Heads: 5}, "heads is 5, no multiple of kv_heads 2"},
		{llama, transformer.Form{Scale: math.NaN()}, "scale is NaN"},
		{llama, transformer.Form{Scale: math.Inf(-1)}, "scale is -Inf"},
		{llama, transformer.Form{Map: "linear", Ranks: map[string]int{"gap": 25}}, "gap is 25, want 1 to 24"},
	} {
		config := c.config
		config.Forms = slices.Clone(config.Forms)
		config.Forms[5] = c.form
		err := config.Validate()
		if err == nil {
			t.Errorf("%v: accepted", c.form)
			continue
		}
		oneLine(t, err, "lamina.forms: place 5: ", c.want)
	}
	wide := llama
	wide.Width, wide.Forms = 1<<24, slices.Repeat([]transformer.Form{{Map: "linear"}}, 1024)
	wide.Layers = 1024
	if err := wide.Validate(); err == nil {
		t.Error("a thousand maps of 16 million channels: accepted")
	}
}

func TestFormSaysWhatItIs(t *testing.T) {
	for want, f := range map[string]transformer.Form{
		"":                                      {},
		"a linear map":                          {Map: "linear"},
		"scaled by 0.7, 3 heads":                {Scale: 0.7, Heads: 3},
		"feed-forward 9, 4 heads (2 key/value)": {FeedForward: 9, Heads: 4, KVHeads: 2},
		"1 key/value heads, 2 layers of rank 3 to 8": {KVHeads: 1, Ranks: map[string]int{"a": 8, "b": 3}},
	} {
		if f.String() != want || f.Plain() != (want == "") {
			t.Errorf("%q, plain %t, want %q", f.String(), f.Plain(), want)
		}
	}
}

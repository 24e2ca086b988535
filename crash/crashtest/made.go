package crashtest

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"lamina/crash/emulate"
	"lamina/crash/plan"
	"lamina/internal/cases"
	"lamina/kernels"
	"lamina/nn"
	"lamina/transformer"
)

// configs are those of [Made], by family: a layer has four heads, LLaMA's two by two.
var configs = map[string]string{
	"opt": `{"model_type":"opt","architectures":["OPTForCausalLM"],"vocab_size":61,"hidden_size":%d,"word_embed_proj_dim":%[1]d,"num_hidden_layers":6,` +
		`"num_attention_heads":4,"ffn_dim":%[1]d,"max_position_embeddings":64,"dropout":0.0}`,
	"llama": `{"model_type":"llama","architectures":["LlamaForCausalLM"],"vocab_size":61,"hidden_size":%d,"num_hidden_layers":6,"num_attention_heads":4,` +
		`"num_key_value_heads":2,"intermediate_size":%[1]d,"max_position_embeddings":64,"tie_word_embeddings":true}`,
	"gpt2": `{"model_type":"gpt2","architectures":["GPT2LMHeadModel"],"vocab_size":61,"n_embd":%d,"n_layer":6,"n_head":4,"n_inner":%[1]d,"n_positions":64,` +
		`"attn_pdrop":0.0,"embd_pdrop":0.0,"resid_pdrop":0.0}`,
	"bloom": `{"model_type":"bloom","architectures":["BloomForCausalLM"],"vocab_size":61,"hidden_size":%d,"n_layer":6,"n_head":4}`,
}

// Made writes a checkpoint of a family with six layers of random weights, the same at each
// call, and opens it. width is a multiple of 8, so that it is what quantised blocks need.
func Made(t testing.TB, be kernels.Backend, family string, width int) (*transformer.Checkpoint, *transformer.Decoder) {
	t.Helper()
	c, err := transformer.ParseConfig(fmt.Appendf(nil, configs[family], width))
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), family)
	if err := transformer.New(c, nn.Init{Device: be, Seed: 3}).Save(dir); err != nil {
		t.Fatal(err)
	}
	ckpt, err := transformer.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ckpt.Close() })
	d, err := ckpt.Decoder(be)
	if err != nil {
		t.Fatal(err)
	}
	return ckpt, d
}

// Built is an emulator of a plan of [EveryPlan], and the model that it is of.
type Built struct {
	Plan       string
	Checkpoint *transformer.Checkpoint
	Full       *transformer.Decoder
	Emulator   *emulate.Emulator
}

// Plans returns plans with each map and each transform that plans may name, in gaps,
// repeated and scaled, by the width of a model of [Made] that has the sizes for it. New ones
// come by themselves.
func Plans() map[string]int {
	widths := map[string]int{"0* 1 1 5*": 32, "0* 1x0.5 1 1x-2 0 5*": 32}
	for _, m := range plan.Maps() {
		widths[fmt.Sprintf("0* %s 3 %s 5*", m, m)] = 32
	}
	for _, k := range plan.Transforms {
		word := plan.Transform{Name: k.Name, Amount: map[plan.Amount]float64{plan.OfWeights: 0.5, plan.OfBits: 4}[k.Amount]}
		width := 32
		if strings.HasSuffix(k.Name, "_k") { // blocks of 256
			width = 256
		}
		if widths[fmt.Sprintf("0* 1:%s 3:%[1]s 5*", word)] = width; !(plan.Slot{Transform: word}).Fills() {
			widths[fmt.Sprintf("0* 0:%s 2:%[1]s 2x0.5:%[1]s ~ 5*", word)] = width
		}
	}
	return widths
}

// EveryPlan builds the emulators of [Plans] for a family; where a few cases do, those of LLaMA
// alone.
func EveryPlan(t testing.TB, be kernels.Backend, family string) (all []Built) {
	t.Helper()
	if cases.Few() && family != "llama" {
		return nil
	}
	widths, models := Plans(), map[int]Built{}
	for _, text := range slices.Sorted(maps.Keys(widths)) {
		width := widths[text]
		if width > 32 && family != "llama" {
			continue
		}
		b, ok := models[width]
		if !ok {
			b.Checkpoint, b.Full = Made(t, be, family, width)
			models[width] = b
		}
		b.Plan, b.Emulator = text, fit(t, be, b.Full, text)
		all = append(all, b)
	}
	return all
}

// fit builds an emulator.
func fit(t testing.TB, be kernels.Backend, full *transformer.Decoder, text string) *emulate.Emulator {
	t.Helper()
	p, err := plan.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	e, _, err := emulate.Fit(context.Background(), be, full, p, Texts(40), emulate.FitOptions{})
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	t.Cleanup(e.Close)
	return e
}

// Texts are rows of the vocabulary of [Small] and [Made].
func Texts(n int) (rows [][]int32) {
	for _, p := range Pairs(n) {
		rows = append(rows, append(p.Context, p.Target...))
	}
	return rows
}

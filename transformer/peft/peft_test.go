package peft_test

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"lamina/autograd"
	"lamina/formats"
	"lamina/formats/safetensors"
	"lamina/kernels/ref"
	"lamina/nn"
	"lamina/tensor"
	"lamina/transformer/peft"
)

func readTensors(t *testing.T, path string) map[string]string {
	t.Helper()
	f, err := safetensors.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	all := map[string]string{}
	for _, name := range f.Names() {
		e, _ := f.Entry(name)
		data, err := f.Bytes(name)
		if err != nil {
			t.Fatal(err)
		}
		all[name] = fmt.Sprintf("%v %v %x", e.DType, e.Shape, data)
	}
	return all
}

// TestWhatIsTrained: the layers of each kind in each family, where nobody names targets and
// where somebody does. gate_proj is one of them, and no bias comes to a layer that has none.
func TestWhatIsTrained(t *testing.T) {
	be := ref.New()
	for _, c := range []struct {
		model  string
		config peft.Config
		want   string // of a block, or of all that is listed
		count  int    // weights
	}{
		{"llama-gqa-tied", peft.Config{Kind: "lora", Rank: 2, Alpha: 4}, "self_attn.q_proj self_attn.k_proj self_attn.v_proj self_attn.o_proj mlp.gate_proj mlp.up_proj mlp.down_proj", 3 * 2 * (4*24 + 2*8 + 2*24 + 3*64)},
		{"llama-gqa-tied", peft.Config{Kind: "lora", Rank: 2, Alpha: 4, Targets: []string{"gate_proj", "self_attn.o_proj"}}, "self_attn.o_proj mlp.gate_proj", 3 * 2 * (48 + 64)},
		{"llama-gqa-tied", peft.Config{Kind: "ia3"}, "self_attn.k_proj self_attn.v_proj mlp.down_proj", 3 * (8 + 8 + 40)},
		{"llama-gqa-tied", peft.Config{Kind: "adapter", Width: 4}, "self_attn.o_proj mlp.down_proj", 3 * 2 * (2*4*24 + 4 + 24)},
		{"llama-gqa-tied", peft.Config{Kind: "bitfit"}, "", 3 * 2 * 24},
		{"llama-gqa-tied", peft.Config{Kind: "bitfit", Layers: []int{1}}, "", 2 * 24},
		{"opt-prenorm", peft.Config{Kind: "bitfit"}, "", 3 * (4*24 + 4*24 + 48 + 24)},
		{"opt-prenorm", peft.Config{Kind: "lora", Rank: 1, Alpha: 1, Targets: []string{"all-linear"}, Layers: []int{0, 2}}, "self_attn.q_proj self_attn.k_proj self_attn.v_proj self_attn.out_proj fc1 fc2", 2 * (4*48 + 2*72)},
		{"gpt2-tied", peft.Config{Kind: "ia3"}, "attn.c_attn mlp.c_proj", 3 * (72 + 96)},
		{"gpt2-tied", peft.Config{Kind: "lora", Rank: 1, Alpha: 1}, "attn.c_attn attn.c_proj mlp.c_fc mlp.c_proj", 3 * (96 + 48 + 2*120)},
		{"bloom-tied", peft.Config{Kind: "ia3"}, "self_attention.query_key_value mlp.dense_4h_to_h", 3 * (72 + 96)},
	} {
		d := decoder(t, be, c.model)
		blocks := d.Clone().Blocks
		before := slices.Collect(nn.ParamsOf(d))
		a, err := peft.Attach(nn.Init{Device: be, Seed: 1}, d, blocks, c.config)
		if err != nil {
			t.Errorf("%s, %+v: %v", c.model, c.config, err)
			continue
		}
		var own []string
		for _, name := range a.Layers() {
			if _, inside, _ := d.Config.SplitLayerName(name); !slices.Contains(own, inside) {
				own = append(own, inside)
			}
		}
		if got := strings.Join(own, " "); got != c.want || nn.Count(a.Params()) != c.count {
			t.Errorf("%s, %+v: %d weights of %s, want %d of %s", c.model, c.config, nn.Count(a.Params()), got, c.count, c.want)
		}
		if !slices.Equal(slices.Collect(nn.ParamsOf(d)), before) {
			t.Errorf("%s: the decoder whose blocks were cloned changed", c.model)
		}
		for name, field := range nn.ProjectionsOf(blocks[0]) {
			if l, ok := (*field).(nn.Addition); ok && l.Base().Bias != nil && strings.Contains(c.model, "llama") {
				t.Errorf("%s got a bias", name)
			}
		}
		a.Close()
		for name, field := range nn.ProjectionsOf(blocks[0]) {
			if _, ok := (*field).(*nn.Linear); !ok {
				t.Errorf("%s is a %T after Close", name, *field)
			}
		}
	}
}

// TestNewOnesBeginAsTheModel: before a step the logits are the model's, but for the order of
// sums where a residual is no longer added within a product.
func TestNewOnesBeginAsTheModel(t *testing.T) {
	be, g := ref.New(), readGolden(t)
	for _, k := range peft.Kinds {
		for _, model := range []string{"opt-prenorm", "llama-gqa-tied", "gpt2-tied", "bloom-tied"} {
			d := decoder(t, be, model).Clone()
			want := lastLogits(be, d, g.Rows)
			c := k.Defaults
			if c.Rank > 0 {
				c.Rank = 4
			}
			if _, err := peft.Attach(nn.Init{Device: be, Seed: 1}, d, d.Blocks, c); err != nil {
				t.Fatal(err)
			}
			if by := apart(lastLogits(be, d, g.Rows), want); !(by <= logitBar) {
				t.Errorf("%s in %s changes the model before it is trained", k.Name, model)
			}
		}
	}
}

// TestWrongConfigurations: each is an error of one line that names what is wrong, and
// nothing is put anywhere.
func TestWrongConfigurations(t *testing.T) {
	be := ref.New()
	lora := func(change func(*peft.Config)) peft.Config {
		c := peft.Config{Kind: "lora", Rank: 2, Alpha: 4}
		change(&c)
		return c
	}
	for want, c := range map[string]peft.Config{
		`"dora": want one of lora, adapter, bitfit, ia3`: {Kind: "dora"},
		"rank 0: want 1":  lora(func(c *peft.Config) { c.Rank = 0 }),
		"rank -1: want 1": lora(func(c *peft.Config) { c.Rank = -1 }),
		"rank 9 is more than layer model.layers.0.self_attn.k_proj [8 24] has: want 1 to 8": lora(func(c *peft.Config) { c.Rank = 9 }),
		"alpha NaN: want a number": lora(func(c *peft.Config) { c.Alpha = math.NaN() }),
		"alpha +Inf: want":         lora(func(c *peft.Config) { c.Alpha = math.Inf(1) }),
		"alpha 0: want":            lora(func(c *peft.Config) { c.Alpha = 0 }),
		"dropout 1: want":          lora(func(c *peft.Config) { c.Dropout = 1 }),
		"dropout NaN: want":        lora(func(c *peft.Config) { c.Dropout = math.NaN() }),
		`target "fc1" is no linear layer of these blocks: want some of self_attn.q_proj, self_attn.k_proj, self_attn.v_proj, self_attn.o_proj, mlp.gate_proj, mlp.up_proj, mlp.down_proj, or all-linear`: lora(func(c *peft.Config) { c.Targets = []string{"q_proj", "fc1"} }),
		`target "proj" is no linear`:                            lora(func(c *peft.Config) { c.Targets = []string{"proj"} }),
		"targets: an empty name":                                lora(func(c *peft.Config) { c.Targets = []string{} }),
		"layer 3 is none that is trained: want some of 0, 1, 2": lora(func(c *peft.Config) { c.Layers = []int{0, 3} }),
		"lora has no width":                                     lora(func(c *peft.Config) { c.Width = 3 }),
		"adapter has no rank":                                   {Kind: "adapter", Rank: 2, Width: 3},
		"width 0: want 1":                                       {Kind: "adapter"},
		"bitfit has no targets":                                 {Kind: "bitfit", Targets: []string{"q_proj"}},
		"ia3 has no alpha":                                      {Kind: "ia3", Alpha: 2},
	} {
		d := decoder(t, be, "llama-gqa-tied").Clone()
		_, err := peft.Attach(nn.Init{Device: be, Seed: 1}, d, d.Blocks, c)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%+v: %v, want %s", c, err, want)
		}
		for name, field := range d.Linears() {
			if _, ok := (*field).(*nn.Linear); !ok {
				t.Errorf("%+v: %s is a %T", c, name, *field)
			}
		}
	}
}

// TestWrongConfigFiles: a key that would change a number is refused by its name.
func TestWrongConfigFiles(t *testing.T) {
	for want, change := range map[string]map[string]any{
		`"use_dora" is true`:                       {"use_dora": true},
		`"lora_bias" is true`:                      {"lora_bias": true},
		`bias is "all": want one of "none"`:        {"bias": "all"},
		`"modules_to_save" is ["lm_head"]`:         {"modules_to_save": []string{"lm_head"}},
		`"trainable_token_indices" is [1]`:         {"trainable_token_indices": []int{1}},
		`"layer_replication" is [[0,2]]`:           {"layer_replication": [][]int{{0, 2}}},
		`"a_key_of_tomorrow" is 2.5`:               {"a_key_of_tomorrow": 2.5},
		`init_lora_weights is "pissa"`:             {"init_lora_weights": "pissa"},
		`peft_type is "VERA": want LORA or IA3`:    {"peft_type": "VERA"},
		`peft_type is "ADALORA"`:                   {"peft_type": "ADALORA"},
		`peft_type is ""`:                          {"peft_type": nil},
		`target_modules is ".*_proj": want a list`: {"target_modules": ".*_proj"},
		`r is 2.5: want a whole number`:            {"r": 2.5},
		"rank 0: want":                             {"r": 0},
		"rank -3: want":                            {"r": -3},
		"alpha 0: want":                            {"lora_alpha": 0},
		"lora_alpha is \"1\": want a number":       {"lora_alpha": "1"},
		"rank_pattern is":                          {"rank_pattern": map[string]any{"q_proj": 1.5}},
		"alpha_pattern is":                         {"alpha_pattern": map[string]any{"q_proj": -1}},
		"dropout 1.5: want":                        {"lora_dropout": 1.5},
	} {
		dir := changed(t, "testdata/lora-opt", change, nil)
		s, err := peft.Open(dir)
		if err == nil {
			s.Close()
		}
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "adapter_config.json") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%v: %v, want %s", change, err, want)
		}
	}
	for want, text := range map[string]string{"not a configuration": "null", "adapter_config.json: ": `{"r":1,"r":2}`, "want an object": "[]"} {
		dir := changed(t, "testdata/lora-opt", nil, nil)
		os.WriteFile(filepath.Join(dir, peft.ConfigFile), []byte(text), 0o644)
		if _, err := peft.Open(dir); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
	old := changed(t, "testdata/lora-opt", nil, nil)
	if err := os.Rename(filepath.Join(old, peft.WeightsFile), filepath.Join(old, "adapter_model.bin")); err != nil {
		t.Fatal(err)
	}
	if _, err := peft.Open(old); err == nil || !strings.Contains(err.Error(), "adapter_model.bin is a pickle") {
		t.Errorf("a pickle: %v", err)
	}
	if _, err := peft.Open(t.TempDir()); err == nil || !strings.Contains(err.Error(), "neither adapter_config.json nor peft.json") {
		t.Errorf("an empty directory: %v", err)
	}
}

// changed copies a directory with other keys and other tensors.
func changed(t *testing.T, from string, keys map[string]any, change func(map[string]*held)) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	if keys != nil {
		path := filepath.Join(dir, peft.ConfigFile)
		all := map[string]any{}
		data, err := os.ReadFile(path)
		if err == nil {
			err = json.Unmarshal(data, &all)
		}
		maps.Copy(all, keys)
		if data, _ = json.Marshal(all); err == nil {
			err = os.WriteFile(path, data, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if change == nil {
		return dir
	}
	paths, _ := filepath.Glob(dir + "/*.safetensors")
	f, err := safetensors.Open(paths[0])
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]*held{}
	for _, name := range f.Names() {
		e, _ := f.Entry(name)
		data, _ := f.Bytes(name)
		all[name] = &held{e.Shape, e.DType, slices.Clone(data)}
	}
	f.Close()
	change(all)
	var entries []formats.Entry
	for name, h := range all {
		entries = append(entries, formats.Entry{Name: name, DType: h.dtype, Shape: h.shape})
	}
	if err := safetensors.Write(paths[0], entries, nil, func(name string, w io.Writer) error {
		_, err := w.Write(all[name].data)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return dir
}

// held is a tensor of a file.
type held struct {
	shape []int
	dtype tensor.DType
	data  []byte
}

// TestWrongTensors: a file with a tensor missing, added, renamed, of another shape or type,
// or not of numbers, and one for another model, are refused; the model stays as it was.
func TestWrongTensors(t *testing.T) {
	const a = "base_model.model.model.decoder.layers.0.fc1.lora_A.weight"
	be := ref.New()
	nan := math.Float32bits(float32(math.NaN()))
	for want, change := range map[string]func(map[string]*held){
		"tensor " + fmt.Sprintf("%q", a) + " is missing": func(m map[string]*held) { delete(m, a) },
		"more.lora_A.weight\" is of no layer":            func(m map[string]*held) { m["base_model.model.more.lora_A.weight"] = m[a] },
		"tensor " + fmt.Sprintf("%q", a) + " is missing; tensor \"model.decoder.layers.0.fc1.lora_A.weight\" is of no layer": func(m map[string]*held) {
			m[strings.TrimPrefix(a, "base_model.model.")] = m[a]
			delete(m, a)
		},
		"is F32[24 4], want F32[4 24]": func(m map[string]*held) { m[a].shape = []int{24, 4} },
		"is I32[4 24], want F32":       func(m map[string]*held) { m[a].dtype = tensor.I32 },
		"has NaN at element 1": func(m map[string]*held) {
			for i := range 4 {
				m[a].data[4+i] = byte(nan >> (8 * i))
			}
		},
	} {
		dir := changed(t, "testdata/lora-opt", nil, change)
		d := decoder(t, be, "opt-prenorm").Clone()
		s, err := peft.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		_, err = s.Attach(be, d, d.Blocks)
		s.Close()
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "nothing was applied") {
			t.Errorf("%v, want %s", err, want)
		}
		for name, field := range d.Linears() {
			if _, ok := (*field).(*nn.Linear); !ok {
				t.Errorf("%s: %s is a %T", want, name, *field)
			}
		}
	}
	for _, dir := range []string{"lora-opt", "lora-gpt2", "adapter-opt", "bitfit-opt", "ia3-opt"} {
		d := decoder(t, be, "llama-gqa-tied").Clone()
		s, err := peft.Open("testdata/" + dir)
		if err != nil {
			t.Fatal(err)
		}
		before := slices.Collect(d.Params())
		values := append([]autograd.Parameter(nil), *before[3])
		if _, err := s.Attach(be, d, d.Blocks); err == nil {
			t.Errorf("%s fits another model", dir)
		}
		if !slices.Equal(slices.Collect(d.Params()), before) || !before[3].Value.Overlaps(values[0].Value) {
			t.Errorf("%s: the model it does not fit changed", dir)
		}
		s.Close()
	}
}

// TestReach of a bottleneck by hand: 2 channels, width 1, and nothing of kinds that merge.
func TestReach(t *testing.T) {
	be := ref.New()
	d := decoder(t, be, "opt-prenorm")
	blocks := d.Clone().Blocks
	a, err := peft.Attach(nn.Init{Device: be, Seed: 1}, d, blocks[:1], peft.Config{Kind: "adapter", Width: 1})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range a.Reach() {
		if r.Change != 0 || r.Start != math.Sqrt(24) {
			t.Errorf("a new one: %+v", r)
		}
	}
	const put = 3
	for w := range a.Params() { // U = D = b = c = 3 everywhere: U·D has 24² elements 9, U·b + c 24 of 12
		v := w.Value.Float32s()
		for i := range v {
			v[i] = put
		}
		w.Value = tensor.Must(tensor.FromFloat32s(be, tensor.F32, v, w.Value.Shape()...))
	}
	want := math.Sqrt(24*24*81 + 24*144)
	reach := a.Reach()
	if len(reach) != 2 || math.Abs(reach[0].Change-want) > 1e-9*want || !strings.HasSuffix(reach[1].Layer, "fc2") {
		t.Errorf("%+v, want %v", reach, want)
	}
	lora, err := peft.Attach(nn.Init{Device: be, Seed: 1}, d, d.Clone().Blocks, peft.Config{Kind: "lora", Rank: 1, Alpha: 1})
	if err != nil || lora.Reach() != nil {
		t.Errorf("%v, %v", lora.Reach(), err)
	}
}

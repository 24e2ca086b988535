package transformer_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"lamina/autograd"
	"lamina/kernels"
	"lamina/kernels/kerneltest"
	"lamina/kernels/ref"
	"lamina/nn"
	"lamina/tensor"
	"lamina/transformer"
)

func Example() {
	be := ref.New()
	ckpt, err := transformer.Open("testdata/opt-prenorm")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer ckpt.Close()
	d, err := ckpt.Decoder(be)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(ckpt.Config)
	p := autograd.NewPass(be)
	x := d.Forward(p, transformer.NewBatch([]int32{5, 31, 23}, []int32{7}), nil)
	fmt.Println(x.T, d.Logits(p, x).T)
	d.Blocks = append(d.Blocks[:1], d.Blocks[2:]...) // without the middle one
	fmt.Println(len(d.Blocks))
	// Output:
	// opt, 3 layers, width 24, 4 heads of 6, feed-forward 48, vocabulary 67, 40 positions
	// F32[4 24] F32[4 67]
	// 2
}

func ExampleDecoder_Score() {
	be := ref.New()
	ckpt, _ := transformer.Open("testdata/llama-gqa-tied")
	defer ckpt.Close()
	d, _ := ckpt.Decoder(be)
	scores, err := d.Score(context.Background(), be, []transformer.Continuation{
		{Context: []int32{12, 40, 3}, Target: []int32{8, 9}},
		{Context: []int32{12, 40, 3}, Target: []int32{51}},
	}, transformer.ScoreOptions{})
	for _, s := range scores {
		fmt.Printf("%.3f %t\n", s.LogProb, s.Greedy)
	}
	fmt.Println(err)
	// Output:
	// -16.131 false
	// -8.211 false
	// <nil>
}

func TestCloneIsIndependent(t *testing.T) {
	for _, name := range []string{"opt-350m-like", "opt-odd", "llama-gqa-tied", "llama-bf16", "gpt2-by-layer", "bloom-six"} {
		be := ref.New()
		d, g := open(t, be, name)
		d.Blocks = append(d.Blocks, d.Blocks[0]) // a block at two places
		rows := g.Tokens[:2]
		want := logits(d, rows)
		c := d.Clone()
		sameLogits(t, name+": clone", logits(c, rows), want)
		if c.Blocks[len(c.Blocks)-1] != c.Blocks[0] || c.Blocks[0] == d.Blocks[0] {
			t.Errorf("%s: a block at two places is not so in the clone, or not a copy", name)
		}
		if tied := c.Head == c.Embed.TokenWeights(); tied != d.Config.Tied {
			t.Errorf("%s: tied %t in the clone", name, tied)
		}
		n := 0
		for range d.Params() {
			n++
		}
		trained := tensor.Must(nn.Trainable(be, c.Params()))
		if len(trained.Params) != n {
			t.Errorf("%s: %d parameters in the clone, %d in the original", name, len(trained.Params), n)
		}
		kernels.Fill(be, trained.Values, 0.01)
		sameLogits(t, name+": after its clone was trained", logits(d, rows), want)
		for w := range d.Params() {
			if w.Trainable {
				t.Errorf("%s: %s became trainable with the clone", name, w.Name)
			}
		}
	}
}

func TestBatchValidate(t *testing.T) {
	opt, _ := open(t, ref.New(), "opt-odd") // 37 positions, 53 tokens
	llama, _ := open(t, ref.New(), "llama-dynamic")
	long := make([]int32, 38)
	for _, c := range []struct {
		name   string
		batch  *transformer.Batch
		config transformer.Config
		want   string
	}{
		{"empty", &transformer.Batch{}, opt.Config, "no tokens"},
		{"token too large", transformer.NewBatch([]int32{1}, []int32{2, 53}), opt.Config, "row 1, token 1: id 53"},
		{"negative token", transformer.NewBatch([]int32{-1}), opt.Config, "row 0, token 0: id -1"},
		{"too long", transformer.NewBatch(long), opt.Config, "row 0: 38 tokens exceed the model's 37 positions"},
		{"all positions", transformer.NewBatch(long[:37]), opt.Config, ""},
		{"no end of positions", transformer.NewBatch(long), llama.Config, ""},
		{"too long for GPT-2", transformer.NewBatch(long[:33]), transformer.Config{Family: "gpt2", Vocab: 9, MaxPositions: 32}, "row 0: 33 tokens exceed the model's 32 positions"},
		{"no end of slopes", transformer.NewBatch(long), transformer.Config{Family: "bloom", Vocab: 9, MaxPositions: 32}, ""},
	} {
		err := c.batch.Validate(c.config)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
	store := tensor.Must(opt.NewKVStore(ref.New(), 37))
	cache := store.Sequence(37)
	cache.Len = 36
	b := &transformer.Batch{}
	b.Add([]int32{1, 2}, cache)
	if err := b.Validate(opt.Config); err == nil || !strings.Contains(err.Error(), "38 tokens") {
		t.Errorf("two tokens after 36: %v", err)
	}
	for want, misuse := range map[string]func(){
		"transformer: Batch.Add":         func() { transformer.NewBatch(nil) },
		"transformer: KVStore.Sequence:": func() { store.Sequence(1) },
	} {
		func() {
			defer func() {
				if got := fmt.Sprint(recover()); !strings.HasPrefix(got, want) {
					t.Errorf("panic %q, want %q…", got, want)
				}
			}()
			misuse()
		}()
	}
}

func TestScoreErrors(t *testing.T) {
	be := ref.New()
	d, _ := open(t, be, "opt-odd")
	good := transformer.Continuation{Context: []int32{3}, Target: []int32{4}}
	score := func(ctx context.Context, it transformer.Continuation) error {
		_, err := d.Score(ctx, be, []transformer.Continuation{good, it}, transformer.ScoreOptions{})
		return err
	}
	for want, it := range map[string]transformer.Continuation{
		"item 1: context of 0":                    {Target: []int32{4}},
		"item 1: context of 1 and":                {Context: []int32{4}},
		"item 1: target, token 1: id 99":          {Context: []int32{4}, Target: []int32{5, 99}},
		"item 1: target, token 0: id 53":          {Context: []int32{4}, Target: []int32{53}},
		"item 1: context, token 0: id -7":         {Context: []int32{-7}, Target: []int32{5}},
		"item 1: 38 tokens exceed the model's 37": {Context: make([]int32, 37), Target: []int32{1, 2}},
	} {
		if err := score(context.Background(), it); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%v, want %q…", err, want)
		}
	}
	// The last target token takes no position.
	if err := score(context.Background(), transformer.Continuation{Context: make([]int32, 37), Target: []int32{1}}); err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := score(ctx, good); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if scores, err := d.Score(context.Background(), be, nil, transformer.ScoreOptions{}); err != nil || len(scores) != 0 {
		t.Errorf("no items: %v, %v", scores, err)
	}
}

// TestScoreRunsASharedContextOnce counts the rows of products: five choices of
// one token cost one context.
func TestScoreRunsASharedContextOnce(t *testing.T) {
	be := kerneltest.NewCounting(ref.New())
	d, _ := open(t, be, "opt-odd")
	ctx := []int32{3, 4, 5, 6, 7, 8, 9, 10}
	rows := func(items ...transformer.Continuation) int {
		be.Reset()
		if _, err := d.Score(context.Background(), be, items, transformer.ScoreOptions{}); err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, m := range be.Products() {
			if m.N == 41 { // fc1 of both layers
				n += m.M
			}
		}
		return n
	}
	one := transformer.Continuation{Context: ctx, Target: []int32{11}}
	two := transformer.Continuation{Context: ctx, Target: []int32{12, 13, 14}}
	if got, want := rows(one, one, one, one, one), 2*len(ctx); got != want {
		t.Errorf("five choices of one token: %d rows, want %d", got, want)
	}
	if got, want := rows(one, two, two), 2*(len(ctx)+2+2); got != want {
		t.Errorf("choices of 1, 3 and 3 tokens: %d rows, want %d", got, want)
	}
}

// TestScoreWithDynamicRoPE: beyond the trained length frequencies depend on the
// length of the whole row, so that no context's keys can be shared.
func TestScoreWithDynamicRoPE(t *testing.T) {
	be := ref.New()
	d, g := open(t, be, "llama-dynamic") // 16 positions
	row := slices.MaxFunc(g.Tokens, func(a, b []int32) int { return len(a) - len(b) })
	for _, length := range []int{10, 14, 20} {
		items := []transformer.Continuation{
			{Context: row[:length], Target: row[length : length+5]},
			{Context: row[:length], Target: row[length+1 : length+3]},
			{Context: row[:length], Target: []int32{9}},
		}
		got, err := d.Score(context.Background(), be, items, transformer.ScoreOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for i, it := range items {
			want := direct(autograd.NewPass(be), d, it)
			if math.Abs(got[i].LogProb-want.LogProb) > 1e-4 || got[i].Greedy != want.Greedy {
				t.Errorf("context of %d: item %d: %+v, want %+v", length, i, got[i], want)
			}
		}
	}
}

func TestGenerateErrors(t *testing.T) {
	be := ref.New()
	d, _ := open(t, be, "opt-odd")
	nan := math.NaN()
	for _, c := range []struct {
		prompt []int32
		max    int
		how    transformer.Sampling
		want   string
	}{
		{nil, 3, transformer.Sampling{}, "prompt"},
		{[]int32{1}, -1, transformer.Sampling{}, "-1"},
		{[]int32{53}, 1, transformer.Sampling{}, "id 53"},
		{[]int32{1, 2}, 36, transformer.Sampling{}, "37 positions"},
		{[]int32{1}, 1, transformer.Sampling{Temperature: -1}, "temperature"},
		{[]int32{1}, 1, transformer.Sampling{Temperature: nan}, "temperature"},
		{[]int32{1}, 1, transformer.Sampling{Temperature: math.Inf(1)}, "temperature"},
		{[]int32{1}, 1, transformer.Sampling{TopK: -1}, "top-k"},
		{[]int32{1}, 1, transformer.Sampling{TopP: 1.1}, "top-p"},
		{[]int32{1}, 1, transformer.Sampling{TopP: nan}, "top-p"},
	} {
		err := d.Generate(context.Background(), be, c.prompt, c.max, c.how, func(int32) bool { t.Error("a token"); return false })
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("prompt %v, %d tokens, %+v: %v, want %q", c.prompt, c.max, c.how, err, c.want)
		}
	}
}

// TestGenerateStops when emit says so, at the limit, and when its context ends;
// and a seed gives the same text again.
func TestGenerateStops(t *testing.T) {
	be := ref.New()
	d, _ := open(t, be, "llama-gqa-tied")
	how := transformer.Sampling{Temperature: 2, Seed: 4}
	run := func(ctx context.Context, limit int, how transformer.Sampling, stop func(n int) bool) (ids []int32) {
		err := d.Generate(ctx, be, []int32{5, 6, 7}, limit, how, func(id int32) bool {
			ids = append(ids, id)
			return !stop(len(ids))
		})
		if err != nil {
			t.Fatal(err)
		}
		return ids
	}
	never := func(int) bool { return false }
	all := run(context.Background(), 9, how, never)
	if len(all) != 9 || len(run(context.Background(), 0, how, never)) != 0 {
		t.Errorf("%d ids, want 9", len(all))
	}
	if got := run(context.Background(), 9, how, func(n int) bool { return n == 4 }); !slices.Equal(got, all[:4]) {
		t.Errorf("stopped after four: %v, want the start of %v", got, all)
	}
	ctx, cancel := context.WithCancel(context.Background())
	if got := run(ctx, 9, how, func(n int) bool { cancel(); return false }); !slices.Equal(got, all[:1]) {
		t.Errorf("context ended at the first: %v", got)
	}
	how.Seed = 5
	if got := run(context.Background(), 9, how, never); slices.Equal(got, all) {
		t.Error("another seed gives the same ids")
	}
}

package eval_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"lamina/eval"
	"lamina/eval/results"
	"lamina/eval/task"
	"lamina/kernels/cpu"
	"lamina/transformer"
)

// tinyModel opens the tiny OPT that lm-eval scored too.
func tinyModel(t *testing.T) *eval.Model {
	t.Helper()
	c, err := transformer.Open(filepath.Join(harnessDir, "opt"))
	if err != nil {
		t.Fatal(err)
	}
	be := cpu.New(cpu.Options{})
	t.Cleanup(func() {
		be.Close()
		c.Close()
	})
	d, err := c.Decoder(be)
	if err != nil {
		t.Fatal(err)
	}
	return &eval.Model{Checkpoint: c, Backend: be, Decoder: d}
}

func named(t *testing.T, name string) task.Task {
	t.Helper()
	of, err := task.Named(name)
	if err != nil {
		t.Fatal(err)
	}
	return of
}

func docs(name string) eval.Data {
	return eval.Data{Path: filepath.Join(harnessDir, "docs", name+".jsonl")}
}

// scored runs arc_easy and lambada_openai of a few documents in dir.
func scored(t *testing.T, ctx context.Context, dir string, change func(s *eval.Session)) ([]eval.Outcome, error) {
	t.Helper()
	s := &eval.Session{Model: tinyModel(t), Name: "tiny", Dir: dir, Options: eval.Options{Limit: 3}}
	if change != nil {
		change(s)
	}
	for _, name := range []string{"arc_easy", "lambada_openai"} {
		if err := s.Add(named(t, name), docs(name), nil); err != nil {
			t.Fatal(err)
		}
	}
	e, all, err := s.Run(ctx)
	if err == nil && (len(e.Tasks) != 2 || e.Tasks[0].Documents != 26 || len(e.Tasks[0].Items) != 3 || e.Model.Name != "tiny" || e.Seed != 1234) {
		t.Errorf("%+v", e)
	}
	return all, err
}

// A session gives the scores of its tasks, each as Run gives it, and a second one
// in its directory takes them from there.
func TestSession(t *testing.T) {
	dir := t.TempDir()
	fresh, err := scored(t, t.Context(), filepath.Join(dir, "out"), nil)
	if err != nil {
		t.Fatal(err)
	}
	m := tinyModel(t)
	job, err := m.Prepare(named(t, "arc_easy"), docs("arc_easy"), nil, eval.Options{Limit: 3})
	if err != nil {
		t.Fatal(err)
	}
	alone, err := eval.Run(t.Context(), m.Backend, m.Decoder, job.Requests, nil)
	if err != nil || !slices.EqualFunc(alone.Rows, fresh[0].Rows, slices.Equal) {
		t.Errorf("%v, %v: the session has %v", alone.Rows, err, fresh[0].Rows)
	}
	ran := 0
	again, err := scored(t, t.Context(), filepath.Join(dir, "out"), func(s *eval.Session) { s.Progress = func(*eval.Job, int) { ran++ } })
	if err != nil || ran != 0 {
		t.Fatalf("%v, and %d requests ran again", err, ran)
	}
	for i := range again {
		a, _ := json.Marshal(fresh[i])
		b, _ := json.Marshal(again[i])
		if string(a) != string(b) {
			t.Errorf("%s then, %s now", a, b)
		}
	}
	for want, change := range map[string]func(s *eval.Session){
		"rules is \"0.4\" there, \"0.3\" now": func(s *eval.Session) { s.Rules = task.Rules03 },
		"limit is 3 there, 2 now":             func(s *eval.Session) { s.Limit = 2 },
		"model is \"tiny\" there":             func(s *eval.Session) { s.Name = "other" },
	} {
		if _, err := scored(t, t.Context(), filepath.Join(dir, "out"), change); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
	if _, err := scored(t, t.Context(), filepath.Join(dir, "out"), func(s *eval.Session) {
		s.Overwrite, s.Progress = true, func(*eval.Job, int) { ran++ }
	}); err != nil || ran == 0 {
		t.Errorf("overwriting: %v, %d requests ran", err, ran)
	}
}

// An interrupted session has kept the task that was finished.
func TestInterruptedSession(t *testing.T) {
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	_, err := scored(t, ctx, dir, func(s *eval.Session) {
		s.Progress = func(j *eval.Job, _ int) {
			if j.Task.Name() == "lambada_openai" {
				cancel()
			}
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want that of the context", err)
	}
	kept, err := os.ReadDir(filepath.Join(dir, "tasks"))
	if err != nil || len(kept) != 1 || kept[0].Name() != "arc_easy.json" {
		t.Errorf("%v, %v", kept, err)
	}
	ran := map[string]bool{}
	all, err := scored(t, t.Context(), dir, func(s *eval.Session) {
		s.Progress = func(j *eval.Job, _ int) { ran[j.Task.Name()] = true }
	})
	if err != nil || len(all) != 2 || len(ran) != 1 || !ran["lambada_openai"] {
		t.Errorf("%d outcomes, %v; ran %v", len(all), err, ran)
	}
}

// A finished task that was changed since is no result: whichever bit it was. What stands
// there as it was written is taken, answers in words too.
func TestChangedTaskIsRefused(t *testing.T) {
	dir := t.TempDir()
	m := tinyModel(t)
	answers := func() (eval.Outcome, error) {
		s := &eval.Session{Model: m, Name: "tiny", Dir: dir, Options: eval.Options{Limit: 2, MaxTokens: 4}}
		if err := s.Add(named(t, "triviaqa"), docs("triviaqa"), nil); err != nil {
			t.Fatal(err)
		}
		_, all, err := s.Run(t.Context())
		if err != nil {
			return eval.Outcome{}, err
		}
		return all[0], nil
	}
	fresh, err := answers()
	if err != nil || len(fresh.Texts) != 2 {
		t.Fatal(fresh.Texts, err)
	}
	if again, err := answers(); err != nil || !slices.Equal(again.Texts, fresh.Texts) {
		t.Fatalf("%q, %v: was %q", again.Texts, err, fresh.Texts)
	}
	path := filepath.Join(dir, "tasks", "triviaqa.json")
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for at := 0; at < len(whole); at += 3 {
		changed := slices.Clone(whole)
		changed[at] ^= 1 << (at % 8)
		if err := os.WriteFile(path, changed, 0o666); err != nil {
			t.Fatal(err)
		}
		if _, err := answers(); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("bit %d of byte %d: %v", at%8, at, err)
		}
	}
}

func TestSessionRefuses(t *testing.T) {
	s := &eval.Session{Model: tinyModel(t), Dir: t.TempDir()}
	arc := named(t, "arc_easy")
	if err := s.Add(arc, docs("arc_easy"), nil); err != nil {
		t.Fatal(err)
	}
	if err := s.Add(arc, docs("arc_easy"), nil); err == nil || !strings.Contains(err.Error(), "twice") {
		t.Errorf("the same task again: %v", err)
	}
	if err := s.Add(task.New(task.Definition{Name: "a/b"}), docs("arc_easy"), nil); err == nil || !strings.Contains(err.Error(), "no name for files") {
		t.Errorf("a task that no file can be called after: %v", err)
	}
	less := -1
	for want, o := range map[string]eval.Options{
		"a limit of -1":    {Limit: -1},
		"-1 examples":      {Shots: &less},
		"97 tokens: want":  {MaxLength: 97},
		"answers of -1 to": {MaxTokens: -1},
	} {
		if _, err := s.Model.Prepare(arc, docs("arc_easy"), nil, o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
	two := 2
	s.Shots = &two
	if err := s.Add(named(t, "piqa"), docs("piqa"), nil); err == nil || !strings.Contains(err.Error(), `come from the split "train"`) {
		t.Errorf("one file and no examples: %v", err)
	}
}

// Data is found in a directory by split, with the task's configuration or, where the
// directory has none, without; or by a name that Locate knows.
func TestData(t *testing.T) {
	dir := t.TempDir()
	for name, file := range map[string]string{"test.jsonl": "arc_easy.jsonl", "train.jsonl": "arc_easy.train.jsonl"} {
		text, err := os.ReadFile(filepath.Join(harnessDir, "docs", file))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	arc := named(t, "arc_easy")
	want, from, err := docs("arc_easy").Documents(arc, 0)
	if err != nil || len(want) != 26 || len(from) != 1 {
		t.Fatalf("%d documents of %v, %v", len(want), from, err)
	}
	data := eval.Data{Path: "somebody/arc", Split: "test", Locate: func(path string) (string, error) {
		if path != "somebody/arc" {
			return "", errors.New(path)
		}
		return dir, nil
	}}
	got, files, err := data.Documents(arc, 5)
	if err != nil || len(got) != 5 || got[4].Query != want[4].Query || files[0].Name != "test.jsonl" || files[0].SHA256 != from[0].SHA256 {
		t.Errorf("%d documents of %v, %v", len(got), files, err)
	}
	id, err := data.Identify(arc)
	if err != nil || id != (eval.Identity{Name: "test.jsonl", SHA256: from[0].SHA256}) {
		t.Errorf("%+v, %v", id, err)
	}
	two := []results.DataFile{{Name: "a", SHA256: "1"}, {Name: "b", SHA256: "2"}}
	if id := data.Identity(two); id.Name != "arc" || len(id.SHA256) != 64 || id == data.Identity(two[:1]) {
		t.Errorf("of two files: %+v", id)
	}
	data.Path = "nobody/arc"
	if _, _, err := data.Documents(arc, 0); err == nil || err.Error() != "nobody/arc" {
		t.Errorf("an unknown name: %v", err)
	}
	if _, _, err := (eval.Data{Path: filepath.Join(dir, "none")}).Documents(arc, 0); err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("no file: %v", err)
	}
}

// A perplexity beyond float64 is left out of the JSON, which is written all the
// same, and a result has a rate only where time passed: JSON has no infinity.
func TestOutcomeJSON(t *testing.T) {
	for _, seconds := range []float64{0, 1} {
		o := eval.Outcome{Tokens: 7, Seconds: seconds, Result: task.Result{N: 1, Metrics: []task.Metric{
			{Name: "acc", Value: 0, Stderr: math.NaN()}, {Name: "ppl", Value: math.Inf(1), Stderr: math.NaN()},
		}}}
		text, err := json.Marshal(o)
		var got map[string]any
		if err != nil || json.Unmarshal(text, &got) != nil {
			t.Fatalf("%s, %v", text, err)
		}
		_, ppl := got["ppl"]
		if ppl || got["acc"] != 0.0 || got["truncated"] != 0.0 || got["tokens_per_second"] != 7*seconds {
			t.Errorf("%s", text)
		}
	}
}

// TestAnswersFollowTheModelsSettings: what generation_config.json says holds for the
// answers of a task, as in lm-evaluation-harness's backend; another file is another
// question, and what is not applied is said once.
func TestAnswersFollowTheModelsSettings(t *testing.T) {
	m := tinyModel(t)
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(m.Dir)); err != nil {
		t.Fatal(err)
	}
	m.Dir = dir
	say := func(text string) {
		if err := os.WriteFile(filepath.Join(dir, "generation_config.json"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	ask := func() (*eval.Job, []string) {
		job, err := m.Prepare(named(t, "triviaqa"), docs("triviaqa"), nil, eval.Options{Limit: 2, MaxTokens: 12})
		if err != nil {
			t.Fatal(err)
		}
		result, err := eval.Run(t.Context(), m.Backend, m.Decoder, job.Requests, nil)
		if err != nil || len(result.Texts) != 2 {
			t.Fatal(result.Texts, err)
		}
		return job, result.Texts
	}
	say(`{}`)
	plain, before := ask()
	for text, warning := range map[string]string{
		`{"no_repeat_ngram_size": 1}`: "", `{"repetition_penalty": 3.0, "num_beams": 2}`: "num_beams 2", `{"max_new_tokens": 3}`: "",
	} {
		say(text)
		job, after := ask()
		if slices.Equal(before, after) || job.Requests.Digest() == plain.Requests.Digest() {
			t.Errorf("%s: %q as without it, or asked alike", text, after)
		}
		if (job.Warning == "") != (warning == "") || !strings.HasSuffix(job.Warning, warning) {
			t.Errorf("%s: warns %q", text, job.Warning)
		}
	}
	say(`{"eos_token_id": 2, "temperature": 0.5, "do_sample": true}`)
	if job, after := ask(); !slices.Equal(before, after) || job.Warning != "" {
		t.Errorf("%q, want %q: the harness never draws", after, before)
	}
	// An end that is no special token stands in the answer, as in the harness.
	tok, err := m.Tokenizer()
	if err != nil {
		t.Fatal(err)
	}
	var ids []int32
	p := plain.Requests.Prompts[0]
	err = m.Decoder.Generate(t.Context(), m.Backend, p.IDs, p.MaxTokens, transformer.Sampling{}, func(id int32) bool {
		ids = append(ids, id)
		return tok.IsSpecial(id)
	})
	end := ids[len(ids)-1]
	say(fmt.Sprintf(`{"eos_token_id": [2, %d]}`, end))
	if _, after := ask(); err != nil || tok.IsSpecial(end) || after[0] != tok.Decode(ids, true) || after[0] == "" || after[0] == before[0] {
		t.Errorf("%q after %v, %q without the end; %v", after, ids, before, err)
	}
	say(`{"repetition_penalty": -1}`)
	if _, err := m.Prepare(named(t, "triviaqa"), docs("triviaqa"), nil, eval.Options{Limit: 2, MaxTokens: 12}); err == nil || !strings.Contains(err.Error(), "repetition_penalty") {
		t.Errorf("%v", err)
	}
	if _, err := m.Prepare(named(t, "arc_easy"), docs("arc_easy"), nil, eval.Options{Limit: 2}); err != nil {
		t.Errorf("a task without answers: %v", err)
	}
}

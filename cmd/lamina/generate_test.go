package main

import (
	"encoding/binary"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"lamina/transformer"
)

// generated runs generate on a model whose generation_config.json says what is given, ""
// for no file.
func generated(t *testing.T, model, said string, args ...string) (r generateResult, stderr string) {
	t.Helper()
	path := filepath.Join(model, "generation_config.json")
	if said == "" {
		os.Remove(path)
	} else {
		write(t, model, "generation_config.json", said)
	}
	out := filepath.Join(t.TempDir(), "g.json")
	code, _, stderr := lamina(t, append([]string{"generate", "--model", model, "--prompt", "a small cat", "--json", out}, args...)...)
	if code != 0 {
		t.Fatalf("%s %v: exit %d, %s", said, args, code, stderr)
	}
	return read[generateResult](t, out), stderr
}

// TestGenerateReadsSettings: what generation_config.json says holds for greedy answers
// and drawn ones, flags count before it, and what is not done is said once.
func TestGenerateReadsSettings(t *testing.T) {
	model := tinyModel(t)
	plain, stderr := generated(t, model, "", "--max-tokens", "20")
	if strings.Contains(stderr, "warning") || plain.Ended != transformer.EndedByLimit || len(plain.IDs) != 20 {
		t.Fatalf("%+v, %q", plain, stderr)
	}
	first := plain.IDs[0]
	banned, _ := generated(t, model, `{"suppress_tokens": [`+itoa(first)+`]}`, "--max-tokens", "20")
	if slices.Contains(banned.IDs, first) {
		t.Errorf("%d is suppressed and stands in %v", first, banned.IDs)
	}
	once, _ := generated(t, model, `{"no_repeat_ngram_size": 1}`, "--max-tokens", "20")
	if sorted := slices.Compact(slices.Sorted(slices.Values(once.IDs))); len(sorted) != len(once.IDs) {
		t.Errorf("repeats: %v", once.IDs)
	}
	if r, _ := generated(t, model, `{"max_new_tokens": 7}`); len(r.IDs) != 7 || !slices.Equal(r.IDs, plain.IDs[:7]) {
		t.Errorf("max_new_tokens 7: %v", r.IDs)
	}
	if r, _ := generated(t, model, `{"max_new_tokens": 7}`, "--max-tokens", "3"); len(r.IDs) != 3 {
		t.Errorf("the flag does not count: %v", r.IDs)
	}
	if r, _ := generated(t, model, `{"eos_token_id": [`+itoa(plain.IDs[4])+`, 999]}`); r.Ended != transformer.EndedByToken || r.IDs[len(r.IDs)-1] != plain.IDs[4] {
		t.Errorf("eos_token_id: %+v", r)
	}
	sampling := `{"do_sample": true, "temperature": 3.0, "top_k": 3, "top_p": 0.9}`
	greedy, stderr := generated(t, model, sampling, "--max-tokens", "20")
	if !slices.Equal(greedy.IDs, plain.IDs) || strings.Count(stderr, "--sample draws") != 1 {
		t.Errorf("%v, %q", greedy.IDs, stderr)
	}
	drawn, stderr := generated(t, model, sampling, "--max-tokens", "20", "--sample")
	flags, _ := generated(t, model, "", "--max-tokens", "20", "--temperature", "3", "--top-k", "3", "--top-p", "0.9")
	if slices.Equal(drawn.IDs, plain.IDs) || !slices.Equal(drawn.IDs, flags.IDs) || strings.Contains(stderr, "--sample") {
		t.Errorf("drawn %v, with the same by flags %v, %q", drawn.IDs, flags.IDs, stderr)
	}
	if cut, _ := generated(t, model, sampling, "--max-tokens", "20", "--temperature", "3"); !slices.Equal(cut.IDs, flags.IDs) {
		t.Errorf("--temperature leaves the file's cuts: %v, want %v", cut.IDs, flags.IDs)
	}
	if one, _ := generated(t, model, sampling, "--max-tokens", "20", "--sample", "--top-k", "1"); !slices.Equal(one.IDs, plain.IDs) {
		t.Errorf("--top-k 1 draws %v", one.IDs)
	}
	if _, stderr := generated(t, model, `{"num_beams": 4, "stop_strings": ["x"]}`, "--max-tokens", "1"); strings.Count(stderr, "warning: generation_config.json") != 1 || !strings.Contains(stderr, "num_beams 4, stop_strings [x]") {
		t.Errorf("%q", stderr)
	}
	if _, stderr := generated(t, model, "", "--max-tokens", "1", "--top-k", "5"); !strings.Contains(stderr, "change nothing at temperature 0") {
		t.Errorf("%q", stderr)
	}
	end, stderr := generated(t, model, "", "--max-tokens", "1000")
	if end.Ended != transformer.EndedByPositions || len(end.IDs)+len(end.PromptIDs) != 96 || !strings.Contains(stderr, "the model's last position, 96") {
		t.Errorf("%d ids after %d, %q, %q", len(end.IDs), len(end.PromptIDs), end.Ended, stderr)
	}
}

func itoa(id int32) string {
	text, _ := json.Marshal(id)
	return string(text)
}

// TestGenerateRefuses: a wrong setting is one line, and leaves nothing behind.
func TestGenerateRefuses(t *testing.T) {
	model, out := tinyModel(t), filepath.Join(t.TempDir(), "g.json")
	for _, c := range []struct {
		said string
		args []string
		code int
		want string
	}{
		{`{"repetition_penalty": -1}`, nil, exitError, "repetition_penalty is -1"},
		{`{"bad_words_ids": [[99999]]}`, nil, exitError, "bad_words_ids: token 99999"},
		{`{"top_p": 7, "do_sample": true}`, []string{"--sample"}, exitError, "top-p 7"},
		{`{}`, []string{"--sample", "--temperature", "0"}, exitUsage, "--sample"},
		{`{}`, []string{"--chat-vars", "{}"}, exitUsage, "--chat"},
		{`{}`, []string{"--system", "Be brief."}, exitUsage, "--system goes with --chat"},
		{`{}`, []string{"--chat", "--chat-vars", "[1]"}, exitUsage, "--chat-vars"},
		{`{}`, []string{"--max-tokens", "0"}, exitUsage, "--max-tokens 0"},
		{`{}`, []string{"--top-p", "2"}, exitUsage, "top-p 2"},
	} {
		write(t, model, "generation_config.json", c.said)
		code, stdout, stderr := lamina(t, append([]string{"generate", "--model", model, "--prompt", "a", "--json", out}, c.args...)...)
		if code != c.code || stdout != "" || !strings.Contains(stderr, c.want) || strings.Count(stderr, "\n") != 1 {
			t.Errorf("%s %v: exit %d, %q, %q", c.said, c.args, code, stdout, stderr)
		}
		if _, err := os.Stat(out); err == nil {
			t.Errorf("%s %v: left a result", c.said, c.args)
		}
	}
	if r, _ := generated(t, model, `{"top_p": 7, "top_k": -1}`, "--max-tokens", "2"); len(r.IDs) != 2 {
		t.Errorf("cuts that nobody uses: %+v", r)
	}
}

// TestChatTemplateSeesTokensAndVariables: the file counts before the configuration, and
// a template sees every special token and what --chat-vars says.
func TestChatTemplateSeesTokensAndVariables(t *testing.T) {
	model := tinyModel(t)
	const config = `{"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "<s>", "eos_token": "</s>", "pad_token": "a", "additional_special_tokens": ["c"],
		"extra_special_tokens": {"image_token": "b"}, "chat_template": "config"}`
	write(t, model, "tokenizer_config.json", config)
	write(t, model, "chat_template.jinja", "{{ pad_token }}{{ image_token }}{{ additional_special_tokens[0] }}{% if tools %}{{ tools[0].name }}{% endif %}{{ date_string }}{{ unk_token }}|{% if documents is none %}n{% endif %}")
	for vars, want := range map[string]string{
		"": "abc|n", `{"date_string": "1 Jan", "unk_token": "u"}`: "abc1 Janu|n", `{"tools": [{"name": "t"}], "documents": [], "pad_token": "z"}`: "zbct|",
	} {
		args := []string{"--chat", "--max-tokens", "1"}
		if vars != "" {
			args = append(args, "--chat-vars", vars)
		}
		r, _ := generated(t, model, "", args...)
		texts := write(t, t.TempDir(), "t.json", `["`+want+`"]`)
		out := filepath.Join(t.TempDir(), "i.json")
		must(t, "tokenize", "--model", model, "--texts", texts, "--json", out)
		if ids := read[[][]int32](t, out)[0]; !slices.Equal(r.PromptIDs, ids) {
			t.Errorf("%s: %v, want %v (%s)", vars, r.PromptIDs, ids, want)
		}
	}
}

// spoil sets every element of a tensor of a model to a value.
func spoil(t *testing.T, model, name string, value float32) {
	t.Helper()
	path := filepath.Join(model, "model.safetensors")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	n := binary.LittleEndian.Uint64(data)
	var header map[string]struct {
		Offsets []int `json:"data_offsets"`
	}
	if err := json.Unmarshal(data[8:8+n], &header); err != nil || len(header[name].Offsets) != 2 {
		t.Fatalf("%s: %v, %v", name, header, err)
	}
	for at := header[name].Offsets[0]; at < header[name].Offsets[1]; at += 4 {
		binary.LittleEndian.PutUint32(data[8+int(n)+at:], math.Float32bits(value))
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestNotFiniteIsAnError: a model whose numbers are not finite makes no result anywhere.
func TestNotFiniteIsAnError(t *testing.T) {
	dir := t.TempDir()
	docs, texts := write(t, dir, "docs.jsonl", questions), write(t, dir, "texts.jsonl", `{"text": "a small cat"}`+"\n"+`{"text": "a dog and a cat"}`+"\n")
	pairs := write(t, dir, "pairs.jsonl", `{"context_ids": [5, 6], "target_ids": [7]}`+"\n")
	task := write(t, dir, "task.yaml", "task: mine\noutput_type: generate_until\ndoc_to_text: \"{{query}}\"\ndoc_to_target: \"{{answer}}\"\ngeneration_kwargs:\n  until: [\"x\"]\n  max_gen_toks: 4\nmetric_list:\n  - metric: exact_match\n")
	asked := write(t, dir, "asked.jsonl", `{"query": "a small", "answer": "cat"}`+"\n")
	tokens, out := write(t, dir, "tokens.json", "[[1, 2, 3]]"), filepath.Join(dir, "out")
	for _, bad := range []float32{float32(math.NaN()), float32(math.Inf(1))} {
		model := tinyModel(t)
		spoil(t, model, "model.layers.3.mlp.down_proj.weight", bad)
		for _, args := range [][]string{
			{"generate", "--prompt", "a"}, {"generate", "--prompt", "a", "--temperature", "1"}, {"logits", "--tokens", tokens},
			{"eval", "--data", docs}, {"eval", "--data", texts}, {"eval", "--data", pairs}, {"eval", "--task-file", task, "--data", asked},
			{"similarity", "--data", docs},
			{"finetune", "--data", docs, "--lr", "1e-3", "--steps", "1", "--out", out},
			{"finetune", "--data", docs, "--valid", docs, "--lr", "1e-3", "--steps", "1", "--out", out},
		} {
			result := filepath.Join(t.TempDir(), "r.json")
			code, stdout, stderr := lamina(t, append(args, "--model", model, "--json", result)...)
			stderr = unwarned(stderr)
			if code != exitError || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, "finite") && !strings.Contains(stderr, "loss") {
				t.Errorf("%v of %v: exit %d, %q, %q", args, bad, code, stdout, stderr)
			}
			if strings.Contains(stderr, "json:") {
				t.Errorf("%v: %q names JSON", args, stderr)
			}
			if _, err := os.Stat(result); err == nil {
				t.Errorf("%v of %v: left a result", args, bad)
			}
			os.RemoveAll(out)
		}
	}
}

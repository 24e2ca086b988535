package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lamina/internal/files"
)

// succeed runs a command line that has to succeed and returns both outputs.
func succeed(t *testing.T, args ...string) (stdout, stderr string) {
	t.Helper()
	code, stdout, stderr := lamina(t, args...)
	if code != 0 {
		t.Fatalf("lamina %s: exit %d: %s", strings.Join(args, " "), code, stderr)
	}
	return stdout, stderr
}

// TestWhatIsToBeSent: either side is told one directory, its files and bytes, and what is
// not in it; and there is nothing in it that the other side does not need.
func TestWhatIsToBeSent(t *testing.T) {
	model, dir := tinyModel(t), t.TempDir()
	emulator, out, result := filepath.Join(dir, "emu"), filepath.Join(dir, "run"), filepath.Join(dir, "r.json")
	data := write(t, dir, "d.jsonl", questions)
	config := read[map[string]any](t, filepath.Join(model, "config.json"))
	config["_name_or_path"] = "/home/owner/secret-name"
	if err := files.WriteJSON(filepath.Join(model, "config.json"), config); err != nil {
		t.Fatal(err)
	}
	sent := func(said, path string) {
		t.Helper()
		n, bytes, err := files.Size(path)
		if err != nil {
			t.Fatal(err)
		}
		r := read[struct {
			Sent struct {
				Path  string
				Files int
				Bytes int64
			}
		}](t, result).Sent
		if r.Path != path || r.Files != n || r.Bytes != bytes || bytes == 0 {
			t.Errorf("%+v, and there are %d files of %d bytes", r, n, bytes)
		}
		for _, want := range []string{"send this directory: " + path + fmt.Sprintf(", %d files, ", n), "; nothing in it ", "keep the rest"} {
			if !strings.Contains(said, want) {
				t.Errorf("no %q in %q", want, said)
			}
		}
	}
	said, _ := succeed(t, "emulate", "--model", model, "--plan", "0* 1 1 5*", "--out", emulator, "--json", result)
	sent(said, emulator)
	if !strings.Contains(said, "weights take") || !strings.Contains(said, "--compact") {
		t.Errorf("no sizes, or no word of copies: %q", said)
	}
	leak, err := os.ReadFile(filepath.Join(emulator, "config.json"))
	if err != nil || strings.Contains(string(leak), "secret-name") {
		t.Errorf("config.json says where the model lies (%v)", err)
	}
	var listed []struct{ Name string }
	manifest, err := os.ReadFile(filepath.Join(emulator, "MANIFEST.json"))
	if err == nil {
		err = json.Unmarshal(manifest, &listed)
	}
	if err != nil || len(listed) != 6 { // weights, config, lamina.json, tokenizer and its config, licence
		t.Errorf("%d files: %s (%v)", len(listed), manifest, err)
	}
	said, _ = succeed(t, "finetune", "--model", emulator, "--data", data, "--lr", "1e-3", "--steps", "1", "--out", out, "--json", result)
	sent(said, filepath.Join(out, "adapter"))
}

// memorised trains the tiny model until it knows some documents by heart, and returns its
// directory and theirs.
func memorised(t *testing.T) (model, data string) {
	t.Helper()
	dir := t.TempDir()
	data = write(t, dir, "known.jsonl", questions)
	start := tinyModel(t)
	must(t, "finetune", "--model", start, "--data", data, "--lr", "1e-2", "--steps", "60", "--batch", "4", "--out", filepath.Join(dir, "learned"))
	model = filepath.Join(dir, "knows")
	must(t, "plug", "--model", start, "--adapter", filepath.Join(dir, "learned"), "--out", model)
	return model, data
}

// TestBrokenEmulatorIsCalledBroken: by emulate, by finetune in both houses and by run, in one
// line with the remedy; one that is whole is not.
func TestBrokenEmulatorIsCalledBroken(t *testing.T) {
	model, data := memorised(t)
	dir := t.TempDir()
	finetune := func(out string, more ...string) (string, string) {
		t.Helper()
		return succeed(t, append([]string{"finetune", "--data", data, "--valid", data, "--lr", "1e-4", "--steps", "1", "--batch", "2", "--out", filepath.Join(dir, out)}, more...)...)
	}
	for plan, broken := range map[string]bool{"3*": true, "0 1 2 3 4 5*": false} {
		emulator := filepath.Join(dir, fmt.Sprintf("emulator %t", broken))
		said := map[string][2]string{}
		stdout, stderr := succeed(t, "emulate", "--model", model, "--plan", plan, "--check", data, "--out", emulator)
		said["emulate"] = [2]string{stdout, stderr}
		stdout, stderr = finetune(fmt.Sprintf("a %t", broken), "--model", emulator)
		said["finetune of an emulator"] = [2]string{stdout, stderr}
		stdout, stderr = finetune(fmt.Sprintf("b %t", broken), "--model", model, "--plan", plan)
		said["finetune of a plan"] = [2]string{stdout, stderr}
		for what, out := range said {
			warnings := 0
			for line := range strings.Lines(out[1]) {
				if strings.HasPrefix(line, "lamina: warning: this emulator is broken") && strings.Contains(line, "--share all") {
					warnings++
				}
			}
			if broken != (warnings == 1) || warnings > 1 {
				t.Errorf("%s of %q warns %d times: %s", what, plan, warnings, out[1])
			}
			for _, want := range []string{"before training, the emulator's loss is ", "the full model's", "chance's (ln V) 6.04"} {
				if !strings.Contains(out[0], want) {
					t.Errorf("%s of %q does not say %q: %s", what, plan, want, out[0])
				}
			}
		}
	}
}

func TestEmulatorThatNobodyCanTrain(t *testing.T) {
	_, stderr := succeed(t, "emulate", "--model", tinyModel(t), "--plan", "0 1 5", "--out", filepath.Join(t.TempDir(), "e"))
	if !strings.Contains(stderr, "warning") || !strings.Contains(stderr, "star") || strings.Count(stderr, "\n") != 1 {
		t.Errorf("stderr %q", stderr)
	}
}

// TestEarlierDirectoriesWarnByName: format 1, which had no MANIFEST.json.
func TestEarlierDirectoriesWarnByName(t *testing.T) {
	model, dir := tinyModel(t), t.TempDir()
	emulator, out, data := filepath.Join(dir, "emu"), filepath.Join(dir, "run"), write(t, dir, "d.jsonl", questions)
	must(t, "emulate", "--model", model, "--plan", "0* 5*", "--out", emulator)
	must(t, "finetune", "--model", emulator, "--data", data, "--lr", "1e-3", "--steps", "1", "--out", out)
	for _, path := range []string{filepath.Join(emulator, "lamina.json"), filepath.Join(out, "adapter", "adapter.json")} {
		m := read[map[string]any](t, path)
		m["format"] = 1
		if err := files.WriteJSON(path, m); err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(filepath.Join(filepath.Dir(path), "MANIFEST.json")); err != nil {
			t.Fatal(err)
		}
	}
	_, stderr := succeed(t, "eval", "--model", emulator, "--adapter", out, "--data", data)
	for _, path := range []string{emulator, out} {
		if strings.Count(stderr, "warning: "+path) != 1 || !strings.Contains(stderr, "MANIFEST.json") {
			t.Errorf("no warning of %s: %q", path, stderr)
		}
	}
}

// TestTamperedDirectoriesAreRefused: by every command that opens them, in one line.
func TestTamperedDirectoriesAreRefused(t *testing.T) {
	model, dir := tinyModel(t), t.TempDir()
	emulator, out, data := filepath.Join(dir, "emu"), filepath.Join(dir, "run"), write(t, dir, "d.jsonl", questions)
	must(t, "emulate", "--model", model, "--plan", "0* 1 5*", "--out", emulator)
	must(t, "finetune", "--model", emulator, "--data", data, "--lr", "1e-3", "--steps", "1", "--out", out)
	tokens, texts := write(t, dir, "t.json", "[[3,1,4]]"), write(t, dir, "x.json", `["a"]`)
	for _, c := range []struct {
		file string
		args []string
	}{
		{filepath.Join(emulator, "model.safetensors"), []string{"finetune", "--model", emulator, "--data", data, "--lr", "1e-3", "--steps", "1", "--out", filepath.Join(dir, "new")}},
		{filepath.Join(emulator, "model.safetensors"), []string{"eval", "--model", emulator, "--data", data}},
		{filepath.Join(emulator, "lamina.json"), []string{"info", "--model", emulator}},
		{filepath.Join(emulator, "model.safetensors"), []string{"logits", "--model", emulator, "--tokens", tokens}},
		{filepath.Join(emulator, "model.safetensors"), []string{"similarity", "--model", emulator, "--data", data}},
		{filepath.Join(emulator, "model.safetensors"), []string{"convert", "--model", emulator, "--out", filepath.Join(dir, "new")}},
		{filepath.Join(emulator, "model.safetensors"), []string{"bench", "--model", emulator, "--filter", "prefill emu", "--time", "1ms"}},
		{filepath.Join(emulator, "tokenizer.json"), []string{"tokenize", "--model", emulator, "--texts", texts}},
		{filepath.Join(emulator, "MANIFEST.json"), []string{"generate", "--model", emulator, "--prompt", "a"}},
		{filepath.Join(emulator, "config.json"), []string{"eval", "--model", emulator, "--data", data}},
		{filepath.Join(emulator, "tokenizer.json"), []string{"generate", "--model", emulator, "--prompt", "a"}},
		{filepath.Join(out, "adapter", "adapter.safetensors"), []string{"plug", "--model", model, "--adapter", out, "--out", filepath.Join(dir, "new")}},
		{filepath.Join(out, "adapter", "adapter.safetensors"), []string{"generate", "--model", model, "--adapter", out, "--prompt", "a"}},
		{filepath.Join(out, "adapter", "MANIFEST.json"), []string{"plug", "--model", model, "--adapter", out, "--out", filepath.Join(dir, "new")}},
		{emulator + ".receipt.json", []string{"plug", "--model", model, "--adapter", out, "--receipt", emulator + ".receipt.json", "--out", filepath.Join(dir, "new")}},
		{emulator + ".receipt.json", []string{"eval", "--model", model, "--adapter", out, "--receipt", emulator + ".receipt.json", "--data", data}},
		{filepath.Join(out, "adapter", "adapter.json"), []string{"eval", "--model", model, "--adapter", out, "--data", data}},
	} {
		good, err := os.ReadFile(c.file)
		if err != nil {
			t.Fatal(err)
		}
		bad := append([]byte{}, good...)
		bad[len(bad)*2/3] ^= 1
		if err := os.WriteFile(c.file, bad, 0o644); err != nil {
			t.Fatal(err)
		}
		code, stdout, stderr := lamina(t, c.args...)
		if code != exitError || stdout != "" || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, c.file) {
			t.Errorf("%s with a changed %s: exit %d, %q, %q", c.args[0], filepath.Base(c.file), code, stdout, stderr)
		}
		if err := os.WriteFile(c.file, good, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "new")); err == nil {
		t.Error("something was written")
	}
}

// TestResumedRunSaysFromWhere: the step it goes on after, and a checkpoint that was bad.
func TestResumedRunSaysFromWhere(t *testing.T) {
	model, dir := tinyModel(t), t.TempDir()
	data := write(t, dir, "d.jsonl", questions)
	args := func(out string) []string {
		return []string{"finetune", "--model", model, "--plan", "0 3*", "--data", data, "--valid", data, "--lr", "1e-2", "--steps", "9",
			"--batch", "2", "--eval-every", "100", "--save-every", "2", "--out", out}
	}
	stopped := ""
	for n := 1; stopped == "" && n < 200; n++ { // at the first place after two checkpoints
		out := filepath.Join(dir, fmt.Sprint("run", n))
		code, _, _ := laminaContext(t, &countdown{context.Background(), n}, args(out)...)
		steps, _ := filepath.Glob(filepath.Join(out, "checkpoints", "step-*"))
		if code == exitInterrupt && len(steps) == 2 {
			stopped = out
		}
	}
	newest := read[struct{ Step int }](t, filepath.Join(stopped, "checkpoints", strings.TrimSpace(string(contents(t, filepath.Join(stopped, "checkpoints", "LATEST")))), "state.json")).Step
	again := filepath.Join(dir, "again")
	if err := os.CopyFS(again, os.DirFS(stopped)); err != nil {
		t.Fatal(err)
	}
	_, stderr := succeed(t, args(stopped)...)
	if want := fmt.Sprintf("goes on after step %d of 9", newest); !strings.Contains(stderr, want) || strings.Contains(stderr, "warning: finetune") {
		t.Errorf("stderr %q does not say %q", stderr, want)
	}
	bad := filepath.Join(again, "checkpoints", fmt.Sprint("step-", newest), "weights.safetensors")
	if err := os.Truncate(bad, 100); err != nil {
		t.Fatal(err)
	}
	_, stderr = succeed(t, args(again)...)
	for _, want := range []string{"goes on after step 2 of 9", fmt.Sprintf("step-%d is damaged and put aside as step-%[1]d.bad: training goes on after step 2", newest), "weights.safetensors: 100 bytes"} {
		if !strings.Contains(stderr, want) {
			t.Errorf("stderr %q does not say %q", stderr, want)
		}
	}
	_, stderr = succeed(t, args(filepath.Join(dir, "fresh"))...)
	if !strings.Contains(stderr, "before training") {
		t.Errorf("stderr %q does not say the first validation", stderr)
	}
}

// contents reads a file.
func contents(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestConvertedEmulatorIsAPlainModel, and convert says so; of a changed one it makes none.
func TestConvertedEmulatorIsAPlainModel(t *testing.T) {
	model, dir := tinyModel(t), t.TempDir()
	emulator, plain := filepath.Join(dir, "emu"), filepath.Join(dir, "plain")
	tokens := write(t, dir, "t.json", "[[3,1,4,1,5]]")
	must(t, "emulate", "--model", model, "--plan", "0* 1 1 5*", "--compact", "--out", emulator)
	if said := must(t, "convert", "--model", emulator, "--out", plain); !strings.Contains(said, "plain model of 4 blocks") {
		t.Errorf("convert says %q", said)
	}
	if !equalLogits(logits(t, emulator, tokens), logits(t, plain, tokens)) {
		t.Error("converted, it computes something else")
	}
	write(t, emulator, "lamina.json", "{}")
	if code, _, stderr := lamina(t, "convert", "--model", emulator, "--out", filepath.Join(dir, "x")); code != exitError || !strings.Contains(stderr, "lamina.json: 2 bytes") {
		t.Errorf("exit %d: %s", code, stderr)
	}
}

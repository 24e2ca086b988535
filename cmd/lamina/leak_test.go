package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"lamina/crash/leak"
)

// questionsFrom are n questions that no other begin has.
func questionsFrom(begin, n int) string {
	var b strings.Builder
	for i := begin; i < begin+n; i++ {
		fmt.Fprintf(&b, `{"query":"what is %d of %d?","choices":["it is %d","no","a %d"],"gold":%d}`+"\n", i, 7*i+3, 3*i%91, 5*i%83, i%3)
	}
	return b.String()
}

// leakOf runs the command and returns its table by measure.
func leakOf(t *testing.T, args ...string) (byMeasure map[string]leak.Row, notes []string, stdout, stderr string) {
	t.Helper()
	result := filepath.Join(t.TempDir(), "leak.json")
	stdout, stderr = succeed(t, append([]string{"leak", "--json", result}, args...)...)
	var r leakResult
	if err := json.Unmarshal(contents(t, result), &r); err != nil {
		t.Fatal(err)
	}
	byMeasure = map[string]leak.Row{}
	for _, row := range r.Rows {
		if !strings.Contains(stdout, row.Measure) {
			t.Errorf("%q is not printed", row.Measure)
		}
		byMeasure[row.Measure] = row
	}
	return byMeasure, r.Notes, stdout, stderr
}

// TestLeakOfBothWays: what an emulator gives away of its model, and what came back of it
// gives away of the rows, seen from either house and in two forms.
func TestLeakOfBothWays(t *testing.T) {
	model, dir := tinyModel(t), t.TempDir()
	emulator := filepath.Join(dir, "emu")
	must(t, "emulate", "--model", model, "--plan", "0* 1 4 5*", "--out", emulator)
	members, others := write(t, dir, "m.jsonl", questionsFrom(0, 24)), write(t, dir, "o.jsonl", questionsFrom(100, 24))
	public := write(t, dir, "p.jsonl", questionsFrom(200, 24))

	out, _, _, _ := leakOf(t, "--model", model, "--emulator", emulator, "--data", others, "--public", public, "--steps", "3", "--batch", "4")
	exact := out["weights of the model, to the bit"]
	if !(exact.Value > 0.6 && exact.Value < 1) || !exact.Exact {
		t.Errorf("exact weights %+v", exact)
	}
	for _, want := range []string{"answer loss of the emulator, nats a token", "answer loss of the emulator after 3 steps on public rows, nats a token", "accuracy of the emulator"} {
		if row, ok := out[want]; !ok || row.N != 24 || row.Control == nil {
			t.Errorf("%s: %+v", want, row)
		}
	}

	for form, more := range map[string][]string{"weights": nil, "lora": {"--peft", "lora", "--rank", "2"}} {
		run := filepath.Join(dir, form)
		must(t, append([]string{"finetune", "--model", emulator, "--data", members, "--lr", "1e-2", "--epochs", "12", "--batch", "8", "--dropout", "0", "--out", run}, more...)...)
		for _, house := range []string{model, emulator} {
			args := []string{"--model", house, "--adapter", run, "--members", members, "--others", others, "--complete", "4"}
			if house == emulator && form == "lora" {
				args = append(args, "--public", public, "--shadows", "3", "--steps", "2", "--out", filepath.Join(dir, "shadows"))
			}
			rows, notes, stdout, stderr := leakOf(t, args...)
			auc := rows["membership by loss, AUC"]
			if house == emulator && !(auc.Value >= 0.8) || auc.N != 48 || strings.Contains(stderr, "not the file") {
				t.Errorf("%s in %s: %+v\n%s%s", form, house, auc, stdout, stderr)
			}
			if _, ok := rows["membership by LiRA (offline), AUC"]; ok != (len(args) > 10) || len(notes) == 0 {
				t.Errorf("%s: LiRA %v, notes %q", form, ok, notes)
			}
			if len(args) > 10 { // finished shadows are not trained again
				if again, _, _, _ := leakOf(t, args...); !reflect.DeepEqual(again, rows) {
					t.Error("from kept shadows other numbers come")
				}
			}
		}
	}
}

// TestLeakRefuses names what is missing, too much, or of another model.
func TestLeakRefuses(t *testing.T) {
	model, dir := tinyModel(t), t.TempDir()
	emulator, run := filepath.Join(dir, "emu"), filepath.Join(dir, "run")
	must(t, "emulate", "--model", model, "--plan", "0* 5*", "--out", emulator)
	rows, other := write(t, dir, "m.jsonl", questionsFrom(0, 4)), write(t, dir, "o.jsonl", questionsFrom(9, 4))
	texts := write(t, dir, "t.jsonl", `{"text": "a small cat"}`+"\n")
	must(t, "finetune", "--model", emulator, "--data", rows, "--lr", "1e-3", "--steps", "1", "--out", run)
	adapter := []string{"leak", "--model", emulator, "--adapter", run, "--members", rows, "--others", other}
	for _, c := range []struct {
		code int
		want string
		args []string
	}{
		{exitUsage, "--model is missing", []string{"leak", "--emulator", emulator}},
		{exitUsage, "one of --emulator", []string{"leak", "--model", model}},
		{exitUsage, "one of --emulator", append(adapter, "--emulator", emulator)},
		{exitUsage, "--data", []string{"leak", "--model", model, "--emulator", emulator}},
		{exitUsage, "--members", []string{"leak", "--model", model, "--adapter", run}},
		{exitUsage, "are of an adapter", []string{"leak", "--model", model, "--emulator", emulator, "--data", rows, "--shadows", "4"}},
		{exitUsage, "are of a training on --public", []string{"leak", "--model", model, "--emulator", emulator, "--data", rows, "--lr", "1"}},
		{exitUsage, "one file", []string{"leak", "--model", model, "--adapter", run, "--members", rows, "--others", rows}},
		{exitUsage, "are of shadows", append(adapter, "--public", other)},
		{exitUsage, "--public", append(adapter, "--shadows", "4")},
		{exitUsage, "--shadows 0", append(adapter, "--shadows", "0")},
		{exitUsage, "--shadows 2: want 3 or more", append(adapter, "--shadows", "2", "--public", other)},
		{exitUsage, "--limit 1: want", append(adapter, "--limit", "1")},
		{exitError, "is no emulator", []string{"leak", "--model", model, "--emulator", model, "--data", rows}},
		{exitError, "needs the full model", []string{"leak", "--model", emulator, "--emulator", emulator, "--data", rows}},
		{exitError, "no right answers", []string{"leak", "--model", model, "--emulator", emulator, "--data", texts}},
	} {
		fails(t, c.code, c.want, c.args...)
	}
	lone := filepath.Join(dir, "lone")
	if err := os.CopyFS(lone, os.DirFS(filepath.Join(run, "adapter"))); err != nil {
		t.Fatal(err)
	}
	fails(t, exitUsage, "give --lr and --steps", "leak", "--model", emulator, "--adapter", lone, "--members", rows, "--others", other, "--shadows", "3", "--public", other)

	fails(t, exitError, "is an emulator of another model", "leak", "--model", tinyModelOf(t, 2), "--emulator", emulator, "--data", rows)

	// what is for another emulator, or in no receipt of this model, is refused before anything is computed
	shadows := filepath.Join(dir, "shadows")
	second := filepath.Join(dir, "second")
	must(t, "emulate", "--model", model, "--plan", "1* 5*", "--out", second)
	for want, house := range map[string]string{"made for other weights": second, "whose weights have fingerprint": tinyModelOf(t, 2)} {
		fails(t, exitError, want, "leak", "--model", house, "--adapter", run, "--receipt", map[bool]string{true: "", false: emulator + ".receipt.json"}[house == second], "--members", rows, "--others", other, "--shadows", "3", "--public", other, "--out", shadows)
		if _, err := os.Lstat(shadows); err == nil {
			t.Fatalf("%s: shadows were trained for an adapter that cannot be plugged in", want)
		}
	}
}

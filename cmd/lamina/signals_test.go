//go:build unix

package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"lamina/internal/cases"
)

// asLamina in the environment makes a process of this test lamina.
const asLamina = "LAMINA_TEST_AS_LAMINA"

// process is lamina in a process of its own.
type process struct {
	*exec.Cmd
	stderr bytes.Buffer
}

func begin(t *testing.T, args ...string) *process {
	t.Helper()
	p := &process{Cmd: exec.Command(os.Args[0], args...)}
	p.Env, p.Cmd.Stderr = append(os.Environ(), asLamina+"=1"), &p.stderr
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Process.Kill() })
	return p
}

// end waits for a process and returns its status and how long that took.
func (p *process) end() (code int, took time.Duration) {
	begin := time.Now()
	p.Wait()
	return p.ProcessState.ExitCode(), time.Since(begin)
}

// soon is the most that a process may take to end, on a busy machine.
const soon = 15 * time.Second

// TestSignalsAreHeededInEveryPhase: while a command reads, hashes, tokenizes, plans,
// measures, scores, trains or writes, a signal ends it soon, with its status, a line, and
// nothing half-written left.
func TestSignalsAreHeededInEveryPhase(t *testing.T) {
	model, dir := tinyModel(t), t.TempDir()
	many := write(t, dir, "many.jsonl", strings.Repeat(manyQuestions(1000), 300))
	some := write(t, dir, "some.jsonl", manyQuestions(3000))
	texts, err := json.Marshal(strings.Fields(strings.Repeat("a small cat is ", 1<<20)))
	if err != nil {
		t.Fatal(err)
	}
	words := write(t, dir, "words.json", string(texts))
	out := func(name string) string { return filepath.Join(dir, name) }
	endless := "100000000" // steps: a quick machine is in a later phase than the row says, never done
	for nth, c := range []struct {
		phase string
		after time.Duration
		args  []string
	}{
		{"reading documents", 200 * time.Millisecond, []string{"eval", "--model", model, "--data", many}},
		{"reading to train", 200 * time.Millisecond, []string{"finetune", "--model", model, "--data", many, "--lr", "1e-3", "--steps", endless, "--out", out("f")}},
		{"reading to run", 200 * time.Millisecond, []string{"run", "--model", model, "--train", many, "--test", some, "--keep", "2", "--trainable", "1", "--lr", "1e-3", "--steps", endless, "--out", out("r")}},
		{"encoding", 1500 * time.Millisecond, []string{"finetune", "--model", model, "--data", many, "--lr", "1e-3", "--steps", endless, "--out", out("e")}},
		{"tokenizing", 150 * time.Millisecond, []string{"tokenize", "--model", model, "--texts", words, "--json", out("t.json")}},
		{"measuring", 800 * time.Millisecond, []string{"similarity", "--model", model, "--data", some, "--samples", "100000", "--json", out("s.json")}},
		{"scoring", 1200 * time.Millisecond, []string{"eval", "--model", model, "--data", many, "--limit", "60000", "--json", out("e.json")}},
		{"training", 800 * time.Millisecond, []string{"finetune", "--model", model, "--plan", "0 3*", "--data", some, "--lr", "1e-3", "--steps", endless, "--out", out("trained")}},
		{"distilling", 800 * time.Millisecond, []string{"distill", "--model", model, "--plan", "0* 2 3*", "--data", some, "--lr", "1e-3", "--steps", endless, "--out", out("distilled")}},
		{"running", 800 * time.Millisecond, []string{"run", "--model", model, "--train", some, "--test", some, "--keep", "2", "--trainable", "1", "--rows", "uniform", "--lr", "1e-3", "--steps", endless, "--out", out("table")}},
		{"benchmarks", 500 * time.Millisecond, []string{"bench", "--time", "10s"}},
	} {
		for i, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
			if (i != len(c.phase)%3 && (cases.Few() || c.phase != "training")) || nth%cases.Each(2) != 0 {
				continue
			}
			if sig == syscall.SIGHUP && signal.Ignored(sig) {
				sig = syscall.SIGTERM // under nohup the command takes no hang-up, as it should
			}
			p := begin(t, c.args...)
			time.Sleep(c.after)
			if err := p.Process.Signal(sig); err != nil {
				t.Errorf("%s: over before the signal (%v): %s", c.phase, err, p.stderr.String())
				continue
			}
			code, took := p.end()
			last := strings.TrimSpace(p.stderr.String())
			last = last[strings.LastIndexByte(last, '\n')+1:]
			if code != 128+int(sig) || took > soon || !strings.HasPrefix(last, "lamina: ") {
				t.Errorf("%s, %v: exit %d after %v: %q", c.phase, sig, code, took, p.stderr.String())
			}
			if saved := strings.Contains(last, "saved in") || strings.Contains(last, "are in"); saved == strings.Contains(last, "nothing was saved") {
				t.Errorf("%s, %v: %q does not say whether something was saved", c.phase, sig, last)
			}
			t.Logf("%s, %v: %v: %s", c.phase, sig, took.Round(time.Millisecond), last)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".*")); len(left) > 0 {
		t.Errorf("left %v", left)
	}
}

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"lamina/eval/results"
	"lamina/internal/files"
	"lamina/internal/machine"
	"lamina/internal/philox"
	"lamina/internal/report"
	"lamina/internal/units"
)

// readJSON reads what a step wrote; what is not asked for is passed over.
func readJSON(path string, v any) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return json.Unmarshal(data, v)
}

// scored is what one model made of each test row.
type scored struct {
	right, loss []float64 // 1 or 0; nats of the right answer
}

// scores reads what `lamina eval` wrote of a model.
func (w *work) scores(path string, gold []int) (s scored, err error) {
	var made struct{ Rows [][][2]any }
	if err := readJSON(path, &made); err != nil {
		return s, err
	}
	if len(made.Rows) > len(gold) {
		return s, fmt.Errorf("%s: %d documents, and the test file has %d", path, len(made.Rows), len(gold))
	}
	if w.limit > 0 && len(made.Rows) > w.limit {
		made.Rows = made.Rows[:w.limit]
	}
	for i, choices := range made.Rows {
		best, at := math.Inf(-1), -1
		for j, c := range choices {
			if p, ok := c[0].(float64); ok && p > best {
				best, at = p, j
			}
		}
		right := 0.0
		if at == gold[i] {
			right = 1
		}
		p, ok := choices[gold[i]][0].(float64)
		if !ok {
			return s, fmt.Errorf("%s: document %d: %v is no log-probability", path, i, choices[gold[i]][0])
		}
		s.right, s.loss = append(s.right, right), append(s.loss, -p)
	}
	return s, nil
}

// golds are the right answers of the test rows.
func (w *work) golds() (gold []int, err error) {
	data, err := os.ReadFile(filepath.Join(w.data, "eval", "arc_easy.jsonl"))
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(string(data)) {
		var row struct{ Gold int }
		if err := json.Unmarshal([]byte(line), &row); err != nil {
			return nil, err
		}
		gold = append(gold, row.Gold)
	}
	return gold, nil
}

func mean(values []float64) (sum float64) {
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}

// stderr is the standard error of a share.
func stderr(right []float64) float64 {
	p := mean(right)
	return math.Sqrt(p * (1 - p) / float64(len(right)-1))
}

// draws is how often the rows are drawn anew for an interval.
const draws = 10_000

// apart says how far one model is from another on the same rows: mean, 95% interval and
// two-sided p by the bootstrap over rows.
func apart(a, b []float64, scale float64, digits int) string {
	d := make([]float64, len(a))
	for i := range a {
		d[i] = scale * (a[i] - b[i])
	}
	means := make([]float64, draws)
	for i := range means {
		again := philox.New(42, uint64(i)).Sequence()
		for range d {
			means[i] += d[again.Intn(len(d))] / float64(len(d))
		}
	}
	low, high, p := results.Interval(means)
	return fmt.Sprintf("%+.*f [%+.*f, %+.*f] p %.4f", digits, mean(d), digits, low, digits, high, p)
}

// order of the rows; each is held against the blocks as they came back.
var order = []string{"zero-shot", "weights", "alpha", "alpha-blocks", "rank", "gradfix", "gradfix-random", "lora", "extracted",
	"repaired", "repaired-alpha", "repaired-weights", "shots", "ceiling"}

// text is the file of results.
func (w *work) text(keeps []string) (string, error) {
	gold, err := w.golds()
	if err != nil {
		return "", err
	}
	zs, err := w.scores(filepath.Join(w.out, "score-zs.json"), gold)
	if err != nil {
		return "", err
	}
	text := w.head()
	for _, keep := range keeps {
		one, err := w.depth(emulators{w, "keep-" + keep}, keep, zs, gold)
		if err != nil {
			return "", err
		}
		text += one
	}
	return text, nil
}

// depth is the table of the emulators of one depth.
func (w *work) depth(k emulators, keep string, zs scored, gold []int) (string, error) {
	all := map[string]scored{}
	for _, name := range order {
		s, err := w.scores(k.at("score-"+name+".json"), gold)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return "", err
		}
		all[name] = s
	}
	t := report.Table{Columns: []report.Column{{Name: "plugged in"}, {Name: "accuracy", Right: true}, {Name: "± s.e.", Right: true}, {Name: "R", Right: true},
		{Name: "nats", Right: true}, {Name: "R of nats", Right: true}, {Name: "accuracy against weights"}, {Name: "nats against weights"}}}
	n := len(all["weights"].right)
	zs = scored{zs.right[:min(n, len(zs.right))], zs.loss[:min(n, len(zs.loss))]}
	all["zero-shot"] = zs
	top, restored := all["ceiling"]
	for _, name := range order {
		s, ok := all[name]
		if !ok {
			continue
		}
		row := []string{name, fmt.Sprintf("%.1f", 100*mean(s.right)), fmt.Sprintf("%.1f", 100*stderr(s.right)), "–", fmt.Sprintf("%.3f", mean(s.loss)), "–", "–", "–"}
		if restored {
			row[3] = fmt.Sprintf("%.2f", (mean(s.right)-mean(zs.right))/(mean(top.right)-mean(zs.right)))
			row[5] = fmt.Sprintf("%.2f", (mean(s.loss)-mean(zs.loss))/(mean(top.loss)-mean(zs.loss)))
		}
		if base, ok := all["weights"]; ok && name != "weights" {
			row[6], row[7] = apart(s.right, base.right, 100, 1), apart(s.loss, base.loss, 1, 3)
		}
		t.Rows = append(t.Rows, row)
	}
	sent, err := k.sent()
	return fmt.Sprintf("\n## %s of %d blocks\n\nScored on the first %d of %d test rows.\n\n%s\n%s%s%s", keep, layers, n, len(gold), t.Markdown(), k.same(), sent, k.said()), err
}

// same says whether a delta makes of the model the bytes that the weights themselves make.
func (k emulators) same() string {
	weights, err := os.ReadFile(k.at("plug-weights/model.safetensors"))
	delta, wrong := os.ReadFile(k.at("plug-delta/model.safetensors"))
	switch {
	case err != nil || wrong != nil:
		return ""
	case bytes.Equal(weights, delta):
		return "The delta makes the bytes that the weights make, and is not scored again.\n\n"
	}
	return "**The delta does not make the bytes that the weights make.**\n\n"
}

// sent is what went each way, and what it took.
func (k emulators) sent() (string, error) {
	t := report.Table{Columns: []report.Column{{Name: "sent"}, {Name: "bytes", Right: true}, {Name: "seconds", Right: true}, {Name: "processor s", Right: true}}}
	for _, s := range []struct{ name, dir, step string }{{"to the data owner", "emulator", "emulator"}, {"to the data owner, repaired", "emulator-repaired", "repair"},
		{"back: weights", "run-weights/adapter", "run-weights"}, {"back: delta", "run-delta/adapter", "run-delta"}, {"back: LoRA", "run-lora/adapter", "run-lora"},
		{"back: LoRA of the delta", "run-extracted/adapter", "run-extracted"}, {"(last blocks, prefix computed)", "run-prefix-off/adapter", "run-prefix-off"},
		{"(last blocks, prefix kept)", "run-prefix-on/adapter", "run-prefix-on"}} {
		_, size, err := files.Size(k.at(s.dir))
		var took struct {
			Seconds   float64 `json:"seconds"`
			Processor float64 `json:"processor_seconds"`
		}
		if err == nil {
			err = readJSON(k.at(s.step+".seconds"), &took)
		}
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return "", err
		}
		t.Rows = append(t.Rows, []string{s.name, units.Bytes(int(size)), fmt.Sprintf("%.0f", took.Seconds), fmt.Sprintf("%.0f", took.Processor)})
	}
	return t.Markdown(), nil
}

// said is what the leak table printed, and what was chosen at plugging in.
func (k emulators) said() (text string) {
	for _, name := range []string{"leak-emulator", "leak-weights", "leak-lora", "plug-alpha", "plug-alpha-blocks", "plug-gradfix", "plug-repaired-alpha"} {
		data, err := os.ReadFile(k.at(name + ".txt"))
		if err == nil {
			plain := strings.NewReplacer(k.out, "OUT", k.model, filepath.Base(k.model)) // no paths of one machine
			text += fmt.Sprintf("\n%s:\n\n    %s\n", name, strings.ReplaceAll(strings.TrimSpace(plain.Replace(string(data))), "\n", "\n    "))
		}
	}
	return text
}

// head says what was measured, with what and where.
func (w *work) head() string {
	commit, _ := exec.Command("git", "rev-parse", "--short", "HEAD").Output()
	return fmt.Sprintf("# What comes back, and what its owner makes of it: SmolLM2-135M, ARC-Easy, %s\n\nCommit %s. %s, %.0f GiB. `go run ./bench/returned`: its steps.go has every call.\n",
		time.Now().UTC().Format(time.DateOnly), strings.TrimSpace(string(commit)), machine.Processor(), float64(machine.ReadMemory().Total)/(1<<30))
}

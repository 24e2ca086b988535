package eval_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"lamina/eval"
	"lamina/eval/task"
	"lamina/internal/heaptest"
)

// A limit asks what is asked without one, of the first documents: by both rules, with
// examples from elsewhere and from the documents themselves.
func TestLimitAsksTheSame(t *testing.T) {
	m := tinyModel(t)
	for _, name := range []string{"arc_easy", "piqa", "lambada_openai", "race", "wikitext"} {
		of := named(t, name)
		for _, rules := range []task.Rules{task.Rules04, task.Rules03} {
			for _, shots := range []int{0, 2} {
				var pool *eval.Data
				if of.ShotsSplit(rules) != of.Split() && shots > 0 && name != "wikitext" {
					pool = &eval.Data{Path: filepath.Join(harnessDir, "docs", name+"."+of.ShotsSplit(rules)+".jsonl")}
				}
				all, err := m.Prepare(of, docs(name), pool, eval.Options{Rules: rules, Shots: &shots})
				if err != nil {
					t.Fatalf("%s, rules %v, %d shots: %v", name, rules, shots, err)
				}
				some, err := m.Prepare(of, docs(name), pool, eval.Options{Rules: rules, Shots: &shots, Limit: 3})
				if err != nil || some.Documents != all.Documents || len(some.Requests.Items) != min(3, all.Documents) {
					t.Fatalf("%s, rules %v, %d shots, 3 of %d: %d of %d, %v", name, rules, shots, all.Documents, len(some.Requests.Items), some.Documents, err)
				}
				for i, p := range some.Requests.Pairs {
					if want := all.Requests.Pairs[i]; fmt.Sprint(p) != fmt.Sprint(want) {
						t.Errorf("%s, rules %v, %d shots: request %d is %v, want %v", name, rules, shots, i, p, want)
					}
				}
			}
		}
	}
}

// Rows behind the limit are counted and not read: a bad one among them is not met, and
// what millions of them would take is not taken. Without a limit they are refused.
func TestLimitReadsNoFurther(t *testing.T) {
	m := tinyModel(t)
	const rows = 2_000_000
	row := `{"text":"a b"}` + "\n"
	text := strings.Repeat(row, 20) + `{"text":7}` + "\n" + strings.Repeat(row, rows-21)
	var zipped, packed bytes.Buffer
	gz := gzip.NewWriter(&zipped)
	if _, err := gz.Write([]byte(text)); err != nil || gz.Close() != nil {
		t.Fatal(err)
	}
	zs, err := zstd.NewWriter(&packed)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := zs.Write([]byte(text)); err != nil || zs.Close() != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{"f.jsonl": []byte(text), "f.jsonl.gz": zipped.Bytes(), "f.jsonl.zst": packed.Bytes()} {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		var job *eval.Job
		spent := heaptest.Allocated(func() { job, err = m.Prepare(task.Task{}, eval.Data{Path: path}, nil, eval.Options{Limit: 10}) })
		if err != nil || job.Documents != rows || len(job.Requests.Items) != 10 || spent > 100<<20 {
			t.Errorf("%s: %v, %d bytes allocated", name, err, spent)
		}
		if _, err := m.Prepare(task.Task{}, eval.Data{Path: path}, nil, eval.Options{}); err == nil || !strings.Contains(err.Error(), path+":21 ") {
			t.Errorf("%s without a limit: %v", name, err)
		}
	}
}

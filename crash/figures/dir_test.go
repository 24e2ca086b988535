package figures

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var nan = math.NaN()

func put(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}

// TestDirShowsAllKinds and says what it does not understand; the second page has the bytes
// of the first one.
func TestDirShowsAllKinds(t *testing.T) {
	dir := t.TempDir()
	for _, k := range Kinds {
		_, data := sample(t, k.Name)
		put(t, dir, "my-"+k.Name+".json", string(data))
	}
	put(t, dir, "metrics.jsonl", `{"step":0,"valid_loss":2.5}`+"\n"+`{"step":1,"loss":3}`+"\n"+`{"step":2,"loss":2}`+"\n"+`{"step":2,"valid_loss":2.1}`+"\n")
	put(t, dir, "new.json", `{"result":"of a later version"}`)
	put(t, dir, "odd.json", `{"a":1}`)
	put(t, dir, "cut.json", `{"result":"similarity",`)
	var first string
	for range 2 {
		page, err := Dir(dir)
		if err != nil {
			t.Fatal(err)
		}
		if err := page.Write(); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(filepath.Join(dir, PageFile))
		if err != nil {
			t.Fatal(err)
		}
		if first == "" {
			first = string(text)
		}
		if string(text) != first {
			t.Error("the same files gave another page")
		}
		for _, n := range page.pictures {
			for _, ending := range []string{".svg", ".png"} {
				if info, err := os.Stat(filepath.Join(dir, FiguresDir, n.name+ending)); err != nil || info.Size() == 0 {
					t.Errorf("picture %s%s: %v", n.name, ending, err)
				}
			}
		}
	}
	for _, want := range []string{"How alike the layers are", "lamina similarity --model SmolLM2-135M.gguf --data &#39;arc easy.jsonl&#39;", "figures/my-similarity.png", "figures/loss.svg", "of a later version",
		"odd.json: no &#34;result&#34;", "cut.json: "} {
		if !strings.Contains(first, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
}

func TestDirWithNothingToShow(t *testing.T) {
	dir := t.TempDir()
	if _, err := Dir(dir); err == nil || !strings.Contains(err.Error(), dir) || !strings.Contains(err.Error(), "nothing to show") {
		t.Errorf("error %v", err)
	}
	if _, err := Dir(filepath.Join(dir, "none")); err == nil || !strings.Contains(err.Error(), "none") {
		t.Errorf("error %v", err)
	}
}

// TestTraining: losses and settings of a training, of several in folders, and a page of
// another program, which stays.
func TestTraining(t *testing.T) {
	one, several := t.TempDir(), t.TempDir()
	const metrics = `{"step":0,"valid_loss":2.5}` + "\n" + `{"step":1,"loss":3}` + "\n" + `{"step":2,"loss":2}` + "\n" + `{"step":2,"valid_loss":2.125}` + "\n"
	put(t, one, "metrics.jsonl", metrics)
	put(t, one, "config.json", `{"model":"tiny","training":{"lr":0.001,"batch":16}}`)
	for _, name := range []string{"lr1e-4", "lr1e-3"} {
		if err := os.Mkdir(filepath.Join(several, name), 0o777); err != nil {
			t.Fatal(err)
		}
		put(t, filepath.Join(several, name), "metrics.jsonl", metrics)
	}
	for dir, wants := range map[string][]string{
		one:     {">2.1250<", ">training lr</th><td>0.001<", ">model</th><td>tiny<", "2.5 at step 0 to 2.125 at 2"},
		several: {"lr1e-4: training 3 at step 1", "lr1e-3: training 3 at step 1"},
	} {
		page, err := Dir(dir)
		if err != nil {
			t.Fatal(err)
		}
		if err := page.Write(); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(filepath.Join(dir, PageFile))
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range wants {
			if !strings.Contains(string(text), want) {
				t.Errorf("no %q on the page", want)
			}
		}
		put(t, dir, PageFile, "<html>the page of another program</html>")
		if err := page.Write(); err == nil || !strings.Contains(err.Error(), PageFile) {
			t.Errorf("another program's page was replaced: %v", err)
		}
	}
}

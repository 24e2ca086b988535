package browser

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// pages are what is looked at, by name: paths of HTML files.
var pages = map[string]string{}

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "lamina-browser")
		if err == nil {
			defer os.RemoveAll(dir)
			err = writePages(dir)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		return m.Run()
	}())
}

// writePages lets lamina write the pages: that of its demo, of a training in it, and of a
// directory with a result of every kind, as crash/figures has them for its tests.
func writePages(dir string) error {
	demo, results := filepath.Join(dir, "demo"), filepath.Join(dir, "results")
	if from := os.Getenv("DEMO"); from != "" {
		if err := os.CopyFS(demo, os.DirFS(from)); err != nil {
			return err
		}
	}
	training := filepath.Join(demo, "seed-42", "rows", "crash", "lr0.001")
	if err := os.CopyFS(results, os.DirFS(filepath.Join("..", "..", "crash", "figures", "testdata"))); err != nil {
		return err
	}
	for _, args := range [][]string{{"demo", "--out", demo}, {"report", training}, {"report", results}} {
		if _, err := os.Stat(demo); args[0] == "demo" && err == nil {
			args = []string{"report", demo}
		}
		if out, err := exec.Command(os.Getenv("LAMINA"), args...).CombinedOutput(); err != nil {
			return fmt.Errorf("lamina %s: %w\n%s", args[0], err, out)
		}
	}
	for name, at := range map[string]string{"demo": demo, "training": training, "results": results} {
		pages[name] = filepath.Join(at, "report.html")
	}
	return nil
}

package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"lamina/internal/cases"
)

// tree lists a tree with what its files hold, links not followed.
func tree(t *testing.T, root string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		all[path] = e.Type().String()
		if e.Type().IsRegular() {
			data, err := os.ReadFile(path)
			all[path] = string(data)
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestOverwriteReplacesItsOwnKindOnly for each command that writes a directory: its own
// source, what holds it, another command's result, a stranger's directory, through a link
// and with a path that is not clean. And what the same command wrote is replaced.
func TestOverwriteReplacesItsOwnKindOnly(t *testing.T) {
	model, dir := tinyModel(t), t.TempDir()
	at := func(names ...string) string { return filepath.Join(append([]string{dir}, names...)...) }
	for _, name := range []string{"data", "photos/best", "photos/seed-1", "settings/checkpoints", "demo/inputs/model"} {
		if err := os.MkdirAll(at(name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	data := write(t, dir, "data/d.jsonl", questions)
	write(t, dir, "photos/a.jpg", "a")
	write(t, dir, "photos/best/b.jpg", "b")
	write(t, dir, "photos/seed-1/c.jpg", "c")
	write(t, dir, "settings/config.json", `{"theme": "dark"}`)
	write(t, dir, "settings/checkpoints/mine", "m")
	write(t, dir, "demo/inputs/model/mine", "m")
	commands := map[string][]string{
		"convert":  {"convert", "--model", model},
		"plug":     {"plug", "--model", model, "--adapter", at("finetune")},
		"emulate":  {"emulate", "--model", model, "--plan", "0* 1"},
		"finetune": {"finetune", "--model", at("emulate"), "--data", data, "--lr", "1e-3", "--steps", "1"},
		"eval":     {"eval", "--model", model, "--data", data},
		"run":      {"run", "--model", model, "--train", data, "--test", data, "--keep", "2", "--trainable", "1", "--lr", "1e-3", "--steps", "1", "--rows", "zs"},
	}
	order := []string{"convert", "emulate", "finetune", "plug", "eval", "run"}
	for _, name := range order {
		must(t, append(commands[name], "--out", at(name))...)
	}
	if err := os.Symlink(at("photos"), at("link")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(at("convert"), at("linked")); err != nil {
		t.Fatal(err)
	}
	bad := []string{model, dir, filepath.Dir(model), filepath.Dir(data), at("photos"), at("photos") + "/", at("photos", "."), at("link"), at("settings"), at("demo", "..", "photos"), at("data")}
	before, source := tree(t, dir), tree(t, filepath.Dir(model))
	for _, name := range append(order, "demo") {
		out := bad
		if name == "demo" {
			commands[name] = []string{"demo"}
			out = append(out, at("demo"))
		}
		for _, other := range order {
			if other != name {
				out = append(out, at(other))
			}
		}
		if name == "convert" || name == "plug" {
			out = append(out, at("linked"))
		}
		for i, out := range out {
			if cases.Few() && i%4 != len(name)%4 {
				continue
			}
			code, _, stderr := lamina(t, append(commands[name], "--overwrite", "--out", out)...)
			if code != exitError || len(stderr) == 0 {
				t.Errorf("%s --overwrite --out %s: exit %d: %s", name, out, code, stderr)
			}
		}
	}
	for what, then := range map[string]map[string]string{dir: before, filepath.Dir(model): source} {
		now := tree(t, what)
		for path := range now {
			if _, ok := then[path]; !ok {
				t.Errorf("%s was made", path)
			}
		}
		for path, text := range then {
			if now[path] != text {
				t.Errorf("%s is another", path)
			}
		}
	}
	for _, name := range order {
		must(t, append(commands[name], "--overwrite", "--out", at(name)+"/.")...)
	}
}

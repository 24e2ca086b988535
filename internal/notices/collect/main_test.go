package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestNoticesAreOfTheseModules: what is committed is what the module cache says of the
// modules that the binary consists of now.
func TestNoticesAreOfTheseModules(t *testing.T) {
	want, err := collect(filepath.Join("..", "..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(filepath.Join("..", "THIRD_PARTY_NOTICES"))
	if err != nil {
		t.Fatal(err)
	}
	got := strings.ReplaceAll(string(raw), "\r\n", "\n")
	if got == want {
		return
	}
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range max(len(g), len(w)) {
		if i >= len(g) || i >= len(w) || g[i] != w[i] {
			t.Fatalf("THIRD_PARTY_NOTICES differs from line %d on (go generate ./internal/notices writes it):\n%q\n%q", i+1, at(g, i), at(w, i))
		}
	}
}

func at(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return "(the end)"
}

// TestTermsThatMustBeThere: those that are easily lost, for they stand in no LICENSE at a
// module's root.
func TestTermsThatMustBeThere(t *testing.T) {
	text, err := collect(filepath.Join("..", "..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"SIL OPEN FONT LICENSE Version 1.1", "with Reserved Font Name Liberation",
		"The FreeType Project LICENSE", "Portions of this software are copyright",
		"UNICODE LICENSE V3", "Makoto Matsumoto and Takuji Nishimura", "The Snappy-Go Authors", "Caleb Spare",
		"Additional IP Rights Grant (Patents)", "golang.org/x/sys v", "Copyright (c) 2020 EleutherAI",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q", want)
		}
	}
	if strings.Contains(text, "GNU GENERAL PUBLIC LICENSE") {
		t.Error("the licence that was not chosen is there")
	}
}

// TestGoIsUnderTheTextOfItsModules: the preface says of Go's library that its licence is
// that of golang.org/x/sys.
func TestGoIsUnderTheTextOfItsModules(t *testing.T) {
	text, err := collect(filepath.Join("..", "..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	home, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"LICENSE", "PATENTS"} {
		own, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(home)), name))
		if err != nil {
			t.Skipf("this Go was installed without its %s: %v", name, err)
		}
		if !strings.Contains(text, strings.TrimSpace(string(own))) {
			t.Errorf("Go's %s is not among the texts", name)
		}
	}
}

// A module without a licence is refused.
func TestModuleWithoutLicence(t *testing.T) {
	n := notices{modules: []string{"example.org/bare v1.0.0"}, users: map[string][]string{}}
	if _, err := n.text(""); err == nil || !strings.Contains(err.Error(), "example.org/bare v1.0.0") {
		t.Errorf("got %v", err)
	}
}

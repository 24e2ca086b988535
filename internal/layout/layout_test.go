package layout

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestTree holds the module to the rules in every build that compiles other
// files: this machine's, without assembly, and the other architecture's.
func TestTree(t *testing.T) {
	for _, build := range []struct{ name, env, tags string }{
		{"default", "", ""},
		{"noasm,cuda", "", "noasm,cuda"},
		{"amd64", "GOARCH=amd64", ""},
		{"arm64", "GOARCH=arm64", ""},
	} {
		t.Run(build.name, func(t *testing.T) {
			packages := list(t, build.env, build.tags)
			own := 0
			for _, p := range packages {
				if strings.HasPrefix(p.Path, "lamina/") {
					own++
					if layerOf(strings.TrimPrefix(p.Path, "lamina/")) == nil {
						t.Errorf("%s has no place in the layout: add it to internal/layout", p.Path)
					}
				}
			}
			if own < 10 {
				t.Fatalf("go list found %d packages of the module: the test looks at the wrong tree", own)
			}
			for _, fault := range Check("lamina", packages) {
				t.Error(fault)
			}
		})
	}
}

// list returns the module's packages and everything beneath them. It asks no
// network: what is built here is here.
func list(t *testing.T, env, tags string) []Package {
	t.Helper()
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("go", "list", "-e", "-deps", "-tags="+tags,
		"-json=ImportPath,Imports,TestImports,XTestImports", "./...")
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "GOPROXY=off", "GOWORK=off", "CGO_ENABLED=0")
	if env != "" {
		cmd.Env = append(cmd.Env, env)
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.Bytes())
	}
	var packages []Package
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p struct {
			ImportPath                         string
			Imports, TestImports, XTestImports []string
		}
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return packages
		} else if err != nil {
			t.Fatal(err)
		}
		packages = append(packages, Package{p.ImportPath, p.Imports, append(p.TestImports, p.XTestImports...)})
	}
}

// TestCheckFinds plants one breach of each rule, and its allowed neighbour.
func TestCheckFinds(t *testing.T) {
	for _, c := range []struct {
		name string
		tree []Package
		want string // part of the one fault, or "" for none
	}{
		{"up", []Package{{Path: "m/tensor", Imports: []string{"m/kernels"}}}, "tensor imports kernels: an arrow"},
		{"up in a test", []Package{{Path: "m/nn", Tests: []string{"m/crash/plan"}}}, "nn imports crash/plan: an arrow"},
		{"a circle of floors", []Package{{Path: "m/crash/plan", Imports: []string{"m/crash/study"}}}, "crash/plan imports crash/study: an arrow"},
		{"a neighbour in a test", []Package{{Path: "m/crash/train", Tests: []string{"m/crash/emulate"}}}, ""},
		{"scoring knows no CRaSh", []Package{{Path: "m/eval", Imports: []string{"m/crash/plan"}}}, "eval imports crash/plan: an arrow"},
		{"a plan knows no model", []Package{{Path: "m/crash/plan", Imports: []string{"m/transformer"}}}, "crash/plan imports transformer: an arrow"},
		{"factors know no tensors", []Package{{Path: "m/crash/compress", Imports: []string{"m/tensor"}}}, "crash/compress imports tensor: an arrow"},
		{"aside", []Package{{Path: "m/nn/optim", Imports: []string{"m/formats/gguf"}}}, "nn/optim imports formats/gguf: an arrow"},
		{"tokenizer", []Package{{Path: "m/transformer/tokenizer", Imports: []string{"m/transformer"}}}, "an arrow"},
		{"leaf", []Package{{Path: "m/crash/plan", Imports: []string{"m/internal/plot"}}}, "an arrow"},
		{"down", []Package{{Path: "m/crash/study", Imports: []string{"m/tensor", "m/crash/plan"}}}, ""},
		{"inside", []Package{{Path: "m/kernels/cpu", Imports: []string{"m/kernels", "m/kernels/internal/simd"}}}, ""},
		{"a name that begins alike", []Package{{Path: "m/tensorflow", Imports: []string{"m/tensor"}}}, "tensorflow has no place"},

		{"device", []Package{{Path: "m/kernels", Imports: []string{"m/kernels/cpu"}}}, "kernels names a device: kernels/cpu"},
		{"device above", []Package{{Path: "m/transformer", Imports: []string{"m/kernels/ref"}}}, "transformer names a device"},
		{"device in a test", []Package{{Path: "m/transformer", Tests: []string{"m/kernels/ref"}}}, ""},
		{"device in cmd", []Package{{Path: "m/cmd/lamina", Imports: []string{"m/kernels/cpu"}}}, ""},
		{"cpu leans on ref", []Package{{Path: "m/kernels/cpu", Imports: []string{"m/kernels/ref"}}}, ""},
		{"ref does not lean on cpu", []Package{{Path: "m/kernels/ref", Imports: []string{"m/kernels/cpu"}}}, "names a device"},

		{"for tests", []Package{{Path: "m/autograd", Imports: []string{"m/autograd/gradcheck"}}}, "which is for tests"},
		{"library for tests", []Package{{Path: "m/crash/plan", Imports: []string{"github.com/google/go-cmp/cmp"}}}, "which is for tests"},
		{"in a test", []Package{{Path: "m/crash/plan", Tests: []string{"github.com/google/go-cmp/cmp", "m/hub/hubtest"}}}, ""},

		{"heavy library", []Package{{Path: "m/nn", Imports: []string{"gonum.org/v1/plot"}}}, "nn is core and reaches the library gonum.org/v1/plot through nn"},
		{"heavy standard", []Package{{Path: "m/tensor", Imports: []string{"net/http"}}}, "heavy package net/http"},
		{"heavy beneath", []Package{
			{Path: "m/tensor", Imports: []string{"golang.org/x/sys/cpu"}},
			{Path: "golang.org/x/sys/cpu", Imports: []string{"os/exec"}},
		}, "heavy package os/exec through golang.org/x/sys/cpu"},
		{"light", []Package{{Path: "m/kernels/internal/simd", Imports: []string{"github.com/klauspost/cpuid/v2", "fmt"}}}, ""},
		{"heavy in the leaf that needs a tag", []Package{{Path: "m/kernels/cuda/internal/sys", Imports: []string{"github.com/ebitengine/purego"}}}, ""},
		{"heavy in a test", []Package{{Path: "m/kernels", Tests: []string{"gonum.org/v1/gonum/mat"}}}, ""},
		{"heavy in a leaf", []Package{{Path: "m/internal/plot", Imports: []string{"gonum.org/v1/plot"}}}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := Check("m", c.tree)
			switch {
			case c.want == "" && len(got) > 0:
				t.Errorf("faults %q, want none", got)
			case c.want != "" && (len(got) != 1 || !strings.Contains(got[0], c.want)):
				t.Errorf("faults %q, want one with %q", got, c.want)
			}
		})
	}
}

// TestTable checks that the table speaks of folders it has.
func TestTable(t *testing.T) {
	for _, l := range layers {
		for _, to := range l.may {
			if to != everything && !slices.ContainsFunc(layers, func(m layer) bool { return m.path == to }) {
				t.Errorf("%s may import %s, which is no entry", l.path, to)
			}
		}
	}
}

package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// nothing imports every package as an empty one: what files of this package need of
// each other shows without.
type nothing struct{}

func (nothing) Import(name string) (*types.Package, error) {
	p := types.NewPackage(name, path.Base(name))
	p.MarkComplete()
	return p, nil
}

// arrows returns the files that each file of this package names something of.
func arrows(t *testing.T) map[string]map[string]bool {
	t.Helper()
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	set := token.NewFileSet()
	var files []*ast.File
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(set, name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	info := &types.Info{Uses: map[*ast.Ident]types.Object{}}
	check := types.Config{Importer: nothing{}, Error: func(error) {}} // that nothing is in the others
	own, _ := check.Check("main", set, files, info)
	to := map[string]map[string]bool{}
	for id, object := range info.Uses {
		field, _ := object.(*types.Var)
		method, _ := object.(*types.Func)
		if object.Pkg() != own || object.Parent() != own.Scope() && method == nil && (field == nil || !field.IsField()) {
			continue
		}
		from, defined := set.Position(id.Pos()).Filename, set.Position(object.Pos()).Filename
		if to[from] == nil {
			to[from] = map[string]bool{}
		}
		to[from][defined] = from != defined
	}
	return to
}

// Files stand on each other in one direction: main on the commands, they on the
// session and the flags that several share, those on nothing above them.
func TestFilesStandInOneDirection(t *testing.T) {
	to := arrows(t)
	if !to["main.go"]["eval.go"] || !to["eval.go"]["session.go"] {
		t.Fatalf("the test sees no arrows: %v", to)
	}
	done := map[string]bool{}
	var walk func(file string, above []string)
	walk = func(file string, above []string) {
		if slices.Contains(above, file) {
			t.Errorf("a circle: %s → %s", strings.Join(above[slices.Index(above, file):], " → "), file)
			return
		}
		if done[file] {
			return
		}
		for _, next := range slices.Sorted(maps.Keys(to[file])) {
			if to[file][next] {
				walk(next, append(above[:len(above):len(above)], file))
			}
		}
		done[file] = true
	}
	for _, file := range slices.Sorted(maps.Keys(to)) {
		walk(file, nil)
	}
}

package layout

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The lists of docs/architecture.md say which files an addition touches. The tests
// here hold what is there already to them: were one more file needed for an operation,
// a family or a method, it would stand in that file today.

// place is a pattern of files, from one line of a list.
type place struct{ folder, file string }

// matches tells whether a file is at the place. A capital word in the list stands for
// any name.
func (p place) matches(file string) bool {
	folder, base := path.Split(file)
	return path.Clean(folder) == p.folder && (p.file == base || p.file == "")
}

var (
	placeLine = regexp.MustCompile("(?m)^[0-9]+\\. `([^`]+)`")
	anyName   = regexp.MustCompile(`^[A-Z]+\.go$`)
)

// places returns the list under a heading of docs/architecture.md.
func places(t *testing.T, heading string) []place {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "architecture.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(text), "\n### "+heading+"\n")
	if !found {
		t.Fatalf("docs/architecture.md has no heading %q", heading)
	}
	section, _, _ = strings.Cut(section, "\n### ")
	var list []place
	for _, m := range placeLine.FindAllStringSubmatch(section, -1) {
		p := place{path.Dir(m[1]), path.Base(m[1])}
		if anyName.MatchString(p.file) {
			p.file = ""
		}
		list = append(list, p)
	}
	if len(list) == 0 {
		t.Fatalf("docs/architecture.md: %q has no numbered list", heading)
	}
	return list
}

// parsed returns the syntax of the module's files below a folder that people wrote:
// tests and generated files are left out.
func parsed(t *testing.T, folder string) map[string]*ast.File {
	t.Helper()
	root := filepath.Join("..", "..")
	files := map[string]*ast.File{}
	err := filepath.WalkDir(filepath.Join(root, folder), func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil || ast.IsGenerated(file) {
			return err
		}
		short, err := filepath.Rel(root, name)
		files[filepath.ToSlash(short)] = file
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// assembly is what fast forms may stand on: functions of numbers, no operations.
const assembly = "kernels/internal/simd/"

// methodsOf returns the methods of every interface of a file that has a name and is
// not the one called except.
func methodsOf(file *ast.File, except string) []string {
	var names []string
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.TypeSpec)
		if !ok || spec.Name.Name == except {
			return true
		}
		if i, ok := spec.Type.(*ast.InterfaceType); ok {
			for _, m := range i.Methods.List {
				for _, name := range m.Names {
					names = append(names, name.Name)
				}
			}
		}
		return true
	})
	return names
}

// TestPlacesOfAnOperation: the method, the checked function, the loops and the fast
// form of each operation of the Backend interface stand where the list says, and
// nowhere else.
func TestPlacesOfAnOperation(t *testing.T) {
	list := places(t, "An operation of the framework")
	if len(list) > 7 {
		t.Errorf("the list has %d places, want at most 7", len(list))
	}
	tree := parsed(t, "kernels")
	maps.Copy(tree, parsed(t, "autograd"))
	home := map[string]string{} // operation → the file with its method
	for name, file := range tree {
		if path.Dir(name) == "kernels" && !slices.Contains([]string{"kernels/custom.go", "kernels/step.go"}, name) { // whose methods run no operation of ours
			for _, op := range methodsOf(file, "Backend") {
				home[op] = name
			}
		}
	}
	if len(home) < 30 {
		t.Fatalf("found %d operations: the test looks at the wrong interface", len(home))
	}
	declared := map[string]int{} // folder/operation → declarations
	for name, file := range tree {
		for _, d := range file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || home[f.Name.Name] == "" || strings.HasPrefix(name, assembly) {
				continue
			}
			declared[path.Dir(name)+"/"+f.Name.Name]++
			if !slices.ContainsFunc(list, func(p place) bool { return p.matches(name) }) {
				t.Errorf("%s has %s: no place of the list in docs/architecture.md", name, f.Name.Name)
			}
			if path.Dir(name) == "kernels" && f.Recv == nil && name != home[f.Name.Name] {
				t.Errorf("%s checks %s, whose method stands in %s", name, f.Name.Name, home[f.Name.Name])
			}
		}
	}
	for op := range home {
		for _, folder := range []string{"kernels", "kernels/ref", "kernels/cpu", "kernels/cuda"} {
			if declared[folder+"/"+op] == 0 {
				t.Errorf("%s has no %s", folder, op)
			}
		}
	}
}

// mentions returns the files of a tree that use an identifier.
func mentions(tree map[string]*ast.File, identifier string) []string {
	var found []string
	for name, file := range tree {
		used := false
		ast.Inspect(file, func(n ast.Node) bool {
			id, ok := n.(*ast.Ident)
			used = used || ok && id.Name == identifier
			return !used
		})
		if used {
			found = append(found, name)
		}
	}
	slices.Sort(found)
	return found
}

// quotes returns the files of a tree that have a string literal with this content.
func quotes(tree map[string]*ast.File, content string) []string {
	var found []string
	for name, file := range tree {
		used := false
		ast.Inspect(file, func(n ast.Node) bool {
			lit, ok := n.(*ast.BasicLit)
			used = used || ok && lit.Kind == token.STRING && lit.Value == strconv.Quote(content)
			return !used
		})
		if used {
			found = append(found, name)
		}
	}
	slices.Sort(found)
	return found
}

// tableOf returns the identifiers that a package-level list holds.
func tableOf(t *testing.T, file *ast.File, name string) []string {
	t.Helper()
	var names []string
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || spec.Names[0].Name != name || len(spec.Values) == 0 {
			return true
		}
		if list, ok := spec.Values[0].(*ast.CompositeLit); ok {
			for _, e := range list.Elts {
				if id, ok := e.(*ast.Ident); ok {
					names = append(names, id.Name)
				}
			}
		}
		return false
	})
	if len(names) < 3 {
		t.Fatalf("%s lists %v: the test looks at the wrong table", name, names)
	}
	return names
}

// TestPlacesOfAFamily: each family is named in its own file and in the table.
func TestPlacesOfAFamily(t *testing.T) {
	list := places(t, "A model family")
	if len(list) != 2 {
		t.Errorf("the list has %d places, want 2", len(list))
	}
	tree := parsed(t, "transformer")
	for _, family := range tableOf(t, tree["transformer/family.go"], "families") {
		own := "transformer/" + strings.TrimSuffix(family, "Family") + ".go"
		want := []string{own, "transformer/family.go"}
		slices.Sort(want)
		if got := mentions(tree, family); !slices.Equal(got, want) {
			t.Errorf("%s is used in %v: want %v", family, got, want)
		}
	}
}

// TestPlacesOfAMethod: the name of a method stands, outside of tests, in its own file
// and in rows of the study that are called the same, and nowhere else.
func TestPlacesOfAMethod(t *testing.T) {
	if list := places(t, "A way of choosing layers"); len(list) != 2 {
		t.Errorf("the list has %d places, want 2", len(list))
	}
	tree := parsed(t, "crash")
	maps.Copy(tree, parsed(t, "cmd"))
	maps.Copy(tree, parsed(t, "eval"))
	for _, method := range tableOf(t, tree["crash/plan/method.go"], "Methods") {
		var own string
		for name, file := range tree {
			for _, d := range file.Decls {
				if g, ok := d.(*ast.GenDecl); ok && g.Tok == token.VAR && g.Specs[0].(*ast.ValueSpec).Names[0].Name == method && path.Dir(name) == "crash/plan" {
					own = name
				}
			}
		}
		if own == "" {
			t.Errorf("%s is no variable of crash/plan", method)
			continue
		}
		word := strings.ReplaceAll(strings.TrimSuffix(path.Base(own), ".go"), "_", "-")
		got := quotes(tree, word)
		if !slices.Contains(got, own) {
			t.Errorf("%s does not name its method %q", own, word)
		}
		if word == "auto" { // a word of flags too: of devices, of α, of what comes of a file's name
			continue
		}
		for _, name := range got {
			if name != own && name != "crash/study/recipe.go" {
				t.Errorf("%s knows the method %q by name", name, word)
			}
		}
	}
}

// TestPlacesOfARow: the name of a row stands, outside of tests, in the table of
// recipes, and where a method of choosing or a transform is called the same.
func TestPlacesOfARow(t *testing.T) {
	if list := places(t, "A row of the table"); len(list) != 1 {
		t.Errorf("the list has %d places, want 1", len(list))
	}
	tree := parsed(t, "crash")
	maps.Copy(tree, parsed(t, "cmd"))
	const table = "crash/study/recipe.go"
	var rows []string
	ast.Inspect(tree[table], func(n ast.Node) bool {
		pair, ok := n.(*ast.KeyValueExpr)
		if !ok {
			return true
		}
		if key, ok := pair.Key.(*ast.Ident); ok && key.Name == "Name" {
			if lit, ok := pair.Value.(*ast.BasicLit); ok {
				name, err := strconv.Unquote(lit.Value)
				if err != nil {
					t.Error(err)
				}
				rows = append(rows, name)
			}
		}
		return true
	})
	if len(rows) < 5 {
		t.Fatalf("%s names the rows %v: the test looks at the wrong table", table, rows)
	}
	for _, row := range rows {
		all := quotes(tree, row)
		transform := slices.Contains(all, "crash/plan/transform.go")
		for _, name := range all {
			if name != table && path.Dir(name) != "crash/plan" && !(transform && path.Dir(name) == "crash/emulate") {
				t.Errorf("%s knows the row %q by name", name, row)
			}
		}
	}
}

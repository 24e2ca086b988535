package layout

import (
	"go/ast"
	"go/token"
	"maps"
	"path"
	"strconv"
	"strings"
	"testing"
)

// TestPlacesOfATransform: its name stands in the two tables alone, and what carries it out
// in a file of its own or of its kind.
func TestPlacesOfATransform(t *testing.T) {
	if list := places(t, "A transform"); len(list) != 3 {
		t.Errorf("the list has %d places, want 3", len(list))
	}
	tree := parsed(t, "crash/plan")
	maps.Copy(tree, parsed(t, "crash/emulate"))
	entries := entriesOf(t, tree["crash/emulate/transform.go"], "transforms")
	if len(entries) < 11 {
		t.Fatalf("%d transforms", len(entries))
	}
	for word, by := range entries {
		for _, name := range quotes(tree, word) {
			if name != "crash/plan/transform.go" && name != "crash/emulate/transform.go" {
				t.Errorf("%s knows the transform %q by name", name, word)
			}
		}
		home := declaring(tree, by)
		if !strings.HasPrefix(path.Base(home), "transform_") {
			t.Errorf("%s carries out %q, and stands in %q", by, word, home)
		}
	}
}

// entriesOf returns the entries of a table from words to structs, and the function that each
// calls apply; one that makes it for one it calls.
func entriesOf(t *testing.T, file *ast.File, table string) map[string]string {
	t.Helper()
	entries := map[string]string{}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || spec.Names[0].Name != table {
			return true
		}
		for _, e := range spec.Values[0].(*ast.CompositeLit).Elts {
			entry := e.(*ast.KeyValueExpr)
			word, ok := entry.Key.(*ast.BasicLit)
			if !ok || word.Kind != token.STRING {
				continue // named by another package
			}
			for _, f := range entry.Value.(*ast.CompositeLit).Elts {
				field := f.(*ast.KeyValueExpr)
				if field.Key.(*ast.Ident).Name != "apply" {
					continue
				}
				value := field.Value
				if call, ok := value.(*ast.CallExpr); ok {
					value = call.Fun
				}
				name, err := strconv.Unquote(word.Value)
				if err != nil {
					t.Fatal(err)
				}
				entries[name] = value.(*ast.Ident).Name
			}
		}
		return false
	})
	return entries
}

// declaring returns the file that declares a function.
func declaring(tree map[string]*ast.File, function string) string {
	for name, file := range tree {
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == function {
				return name
			}
		}
	}
	return ""
}

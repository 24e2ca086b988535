package layout

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestPublicNamesUseNoInternalType: who imports this module from outside can name every
// type that a public function takes or gives and a public field has.
func TestPublicNamesUseNoInternalType(t *testing.T) {
	root := filepath.Join("..", "..")
	parsed := 0
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() && file != root && (slices.Contains([]string{"internal", "testdata", "cmd", "examples"}, name) || name[0] == '.') {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		tree, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			return err
		}
		parsed++
		for _, fault := range internalTypes(tree) {
			t.Errorf("%s: %s", file, fault)
		}
		return nil
	})
	if err != nil || parsed < 100 {
		t.Fatalf("%d files parsed, %v", parsed, err)
	}
}

func TestInternalTypesAreFound(t *testing.T) {
	const source = `package p
import ("m/internal/par"; sum "m/internal/files"; "m/tensor")
type A struct { Pool *par.Pool; own *par.Pool; T tensor.Tensor; Do func(p par.Task) }
type b struct { Pool *par.Pool }
func (b) M(*par.Pool) {}
func (A) M(x ...sum.Lock) {}
func f(*par.Pool) {}
func F(g func() map[string]par.Pool) { var _ par.Pool }
type I interface { M() (par.Pool, error) }
var V []par.Pool
type C = par.Pool
`
	tree, err := parser.ParseFile(token.NewFileSet(), "p.go", source, 0)
	if err != nil {
		t.Fatal(err)
	}
	want := "A: par.Pool, A: par.Task, M: sum.Lock, F: par.Pool, I: par.Pool, V: par.Pool, C: par.Pool"
	if got := strings.Join(internalTypes(tree), ", "); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// internalTypes returns the types of internal packages that exported declarations of a
// file name, as "declaration: package.Type".
func internalTypes(file *ast.File) (faults []string) {
	internal := map[string]bool{}
	for _, i := range file.Imports {
		where, _ := strconv.Unquote(i.Path.Value)
		name := path.Base(where)
		if i.Name != nil {
			name = i.Name.Name
		}
		internal[name] = strings.Contains(where, "/internal/")
	}
	var walk func(name string, what ast.Node)
	walk = func(name string, what ast.Node) {
		ast.Inspect(what, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.StructType:
				for _, f := range n.Fields.List {
					if f.Names == nil || slices.ContainsFunc(f.Names, (*ast.Ident).IsExported) {
						walk(name, f.Type)
					}
				}
				return false
			case *ast.SelectorExpr:
				if from, ok := n.X.(*ast.Ident); ok && internal[from.Name] {
					faults = append(faults, name+": "+from.Name+"."+n.Sel.Name)
				}
			}
			return true
		})
	}
	look := func(name *ast.Ident, what ast.Node) {
		if name.IsExported() {
			walk(name.Name, what)
		}
	}
	for _, d := range file.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Recv == nil || receiver(d.Recv.List[0].Type).IsExported() {
				look(d.Name, d.Type)
			}
		case *ast.GenDecl:
			for _, s := range d.Specs {
				switch s := s.(type) {
				case *ast.TypeSpec:
					look(s.Name, s.Type)
				case *ast.ValueSpec:
					if s.Type != nil {
						look(s.Names[0], s.Type)
					}
				}
			}
		}
	}
	return faults
}

// receiver returns the name of a method's type.
func receiver(t ast.Expr) *ast.Ident {
	switch t := t.(type) {
	case *ast.StarExpr:
		return receiver(t.X)
	case *ast.IndexExpr:
		return receiver(t.X)
	case *ast.IndexListExpr:
		return receiver(t.X)
	}
	return t.(*ast.Ident)
}

package layout

import (
	"go/ast"
	"go/constant"
	goparser "go/parser"
	"go/token"
	"go/types"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

var (
	quantity = regexp.MustCompile(`(\d[\d,]*)( KiB| MiB)?`)
	named    = regexp.MustCompile("`([a-z/]+)\\.(\\w+)`")
	units    = map[string]int64{"": 1, " KiB": 1 << 10, " MiB": 1 << 20}
)

// The numbers of docs/limits.md are those of the code: the constants of a row's last
// column have the first numbers of its second, one after the other.
func TestLimitsAreThoseOfTheCode(t *testing.T) {
	page, err := os.ReadFile("../../docs/limits.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := 0
	for line := range strings.Lines(string(page)) {
		cells := strings.Split(line, "|")
		if len(cells) != 6 || strings.HasPrefix(line, "|---") || strings.Contains(line, "in the code") {
			continue
		}
		rows++
		said := quantity.FindAllStringSubmatch(cells[2], -1)
		for i, c := range named.FindAllStringSubmatch(cells[4], -1) {
			if i >= len(said) {
				t.Errorf("%s has no number: %s", c[0], line)
				continue
			}
			n, err := strconv.ParseInt(strings.ReplaceAll(said[i][1], ",", ""), 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			if want := constantOf(t, c[1], c[2]); n*units[said[i][2]] != want {
				t.Errorf("%s is %d: %s", c[0], want, line)
			}
		}
	}
	if rows < 30 {
		t.Errorf("only %d rows", rows)
	}
}

// constantOf returns the value of a constant of a package.
func constantOf(t *testing.T, folder, name string) int64 {
	t.Helper()
	of := token.NewFileSet()
	names, err := filepath.Glob(filepath.Join("../..", folder, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range names {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		f, err := goparser.ParseFile(of, path, nil, goparser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			g, is := d.(*ast.GenDecl)
			if !is || g.Tok != token.CONST {
				continue
			}
			for _, s := range g.Specs {
				for i, id := range s.(*ast.ValueSpec).Names {
					if id.Name == name {
						return integer(t, s.(*ast.ValueSpec).Values[i])
					}
				}
			}
		}
	}
	t.Errorf("%s has no constant %s", folder, name)
	return 0
}

// integer computes an expression of numbers.
func integer(t *testing.T, x ast.Expr) int64 {
	t.Helper()
	v, err := types.Eval(token.NewFileSet(), nil, token.NoPos, types.ExprString(x))
	if err != nil {
		t.Fatal(err)
	}
	n, exact := constant.Int64Val(constant.ToInt(v.Value))
	if !exact {
		t.Fatalf("%v is no whole number", v.Value)
	}
	return n
}

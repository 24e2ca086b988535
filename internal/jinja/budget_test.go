package jinja

import (
	"fmt"
	"go/ast"
	goparser "go/parser"
	gotoken "go/token"
	"io/fs"
	"maps"
	"math"
	"path/filepath"
	"runtime"
	"runtime/metrics"
	"slices"
	"strings"
	"testing"

	"lamina/internal/heaptest"
	"lamina/record"
)

// allocated returns the bytes that f takes, about: those of small values may come late.
func allocated(f func()) int {
	s := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(s)
	before := s[0].Value.Uint64()
	f()
	metrics.Read(s)
	return int(s[0].Value.Uint64() - before)
}

// builtins are all that a template can call, by name, with what calls it.
func builtins() map[string]func(r *run, of value, args []value) (value, error) {
	all := map[string]func(r *run, of value, args []value) (value, error){}
	for _, name := range strings.Split(strings.Replace(filterNames, " (of chat templates)", "", 1), ", ") {
		f := filterOf(name, Options{Chat: true})
		all["filter "+name] = func(r *run, of value, args []value) (value, error) {
			return r.filter(name, f, of, arguments{values: args})
		}
	}
	for name, t := range tests {
		all["test "+name] = func(r *run, of value, args []value) (value, error) { return r.test(name, t, of, args) }
	}
	for _, name := range slices.Concat(textMethods, listMethods, dictMethods, []string{"cycle"}) {
		all["method "+name] = func(r *run, of value, args []value) (value, error) {
			return (&call{of: literal{method{of, name}}, args: literals(args)}).eval(r)
		}
	}
	for _, name := range []string{"range", "dict", "namespace", "given"} {
		all["function "+name] = func(r *run, of value, args []value) (value, error) {
			f, _ := r.function(name)
			return (&call{of: literal{f}, args: literals(append([]value{of}, args...))}).eval(r)
		}
	}
	for _, op := range []string{"+", "-", "*", "/", "//", "%", "**", "~"} {
		all["operator "+op] = func(r *run, of value, args []value) (value, error) {
			if len(args) == 0 {
				return nil, nil
			}
			return (&arithmetic{op, literal{of}, literal{args[0]}}).eval(r)
		}
	}
	for _, op := range slices.Concat(comparisons, []string{"in", "not in"}) {
		all["operator "+op] = func(r *run, of value, args []value) (value, error) {
			if len(args) == 0 {
				return nil, nil
			}
			return r.compare(op, of, args[0])
		}
	}
	all["item"] = func(r *run, of value, args []value) (value, error) {
		if len(args) == 0 {
			return nil, nil
		}
		return r.item(of, args[0], 1)
	}
	all["slice"] = func(r *run, of value, args []value) (value, error) {
		s := &slice{of: literal{of}}
		for i, v := range args {
			s.parts[2-i] = literal{v}
		}
		return s.eval(r)
	}
	return all
}

func literals(values []value) (l argumentList) {
	for _, v := range values {
		l.values = append(l.values, literal{v})
	}
	return l
}

// Whatever a filter, test, method, function or operator is given, it stays within the
// bytes and steps of its rendering, and charges for all the memory that it takes: what it
// really took is no more than a few times what it was allowed.
func TestBuiltinsAreBounded(t *testing.T) {
	const limit = 1 << 15
	long := strings.Repeat("aß \n\x00", 1<<9)
	many, same, words := make(list, 1<<8), make(list, 1<<8), make(list, 1<<8)
	for i := range many {
		many[i], same[i], words[i] = int64(i), long, fmt.Sprint("w", i)
	}
	object := dict{}
	for i := range 1 << 6 {
		object = append(object, entry{fmt.Sprint(i), long})
	}
	deep := value(list{long})
	for range 30 {
		deep = list{deep, deep}
	}
	values := map[string]value{
		"long text": long, "numbers": many, "one text many times": same, "words": words, "object": &object, "deep": deep, "tuple": tuple(same),
		"blanks": strings.Repeat(" ", 1<<11), "lines": strings.Repeat("\n", 1<<11), "digits": strings.Repeat("9", 1<<11), "empty": "", "one": "a",
		"huge": int64(math.MaxInt64), "least": int64(math.MinInt64), "-1": int64(-1), "7": int64(7), "NaN": math.NaN(), "infinity": math.Inf(1), "none": nil, "true": true,
		"undefined": undefined{error: fs.ErrNotExist},
	}
	given := Options{Functions: map[string]func(string) (string, error){"given": func(s string) (string, error) { return s, nil }}}
	all := builtins()
	if len(all) < 130 {
		t.Fatalf("only %d builtins", len(all))
	}
	run := func(name, what string, of value, args ...value) {
		r := newRun(nil, given)
		r.workLimit, r.byteMost = limit, limit
		took := allocated(func() { all[name](r, of, args) })
		if took > 12*limit { // look closer
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			r := newRun(nil, given)
			r.workLimit, r.byteMost = limit, limit
			all[name](r, of, args)
			runtime.ReadMemStats(&after)
			took = int(after.TotalAlloc - before.TotalAlloc)
		}
		if r.bytes > limit || r.work > 2*limit {
			t.Errorf("%s of %s: %d bytes and %d steps, want at most %d", name, what, r.bytes, r.work, limit)
		}
		if took > 12*limit && heaptest.Counts {
			t.Errorf("%s of %s: takes %d bytes, allowed %d", name, what, took, limit)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		for kind, of := range values {
			run(name, kind, of)
			for other, arg := range values {
				run(name, kind+" with "+other, of, arg)
				run(name, kind+" with twice "+other, of, arg, arg)
				run(name, kind+" with 1 and "+other, of, int64(1), arg)
			}
		}
	}
}

// makers are what makes texts and lists longer, and the functions that may call it
// outside budget.go, as what they make is bounded by the template or by the fields.
var (
	makers = map[string][]string{
		"strings": {"Repeat", "Replace", "ReplaceAll", "Join", "Map", "Split", "SplitN", "SplitAfter", "Fields", "FieldsFunc", "Builder", "ToUpper", "ToLower", "ToTitle"},
		"slices":  {"Clone", "Repeat", "Concat", "Insert", "Collect", "Sorted", "Grow"},
		"fmt":     {"Sprint", "Sprintf", "Sprintln", "Append", "Appendf"},
		"":        {"make", "append"},
	}
	mayMake = map[string]string{
		"numbers": "three limits", "arguments": "arguments of a call, charged as values", "call": "a scope", "inside": "a scope", "do": "a scope",
		"object": "charged in front", "sortBy": "charged in front", "put": "charged in front", "fromRecord": "the fields", "add": "printer: room is checked",
		"title": "in recased", "titleWords": "in recased", "swapCase": "in recased", "": "tables of the package",
	}
)

// A builtin cannot forget to charge: what makes texts and lists longer stands in
// budget.go alone.
func TestOnlyTheBudgetMakes(t *testing.T) {
	of := gotoken.NewFileSet()
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	reads := []string{"budget.go", "lex.go", "parse.go", "postfix.go", "blocks.go"} // the last four read the template
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") || slices.Contains(reads, name) {
			continue
		}
		file, err := goparser.ParseFile(of, name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			function := ""
			if f, is := d.(*ast.FuncDecl); is {
				function = f.Name.Name
			}
			ast.Inspect(d, func(n ast.Node) bool {
				from, name := "", ""
				switch n := n.(type) {
				case *ast.SelectorExpr:
					if x, is := n.X.(*ast.Ident); is {
						from, name = x.Name, n.Sel.Name
					}
				case *ast.CallExpr:
					if f, is := n.Fun.(*ast.Ident); is {
						name = f.Name
					}
				}
				if _, may := mayMake[function]; !may && slices.Contains(makers[from], name) {
					t.Errorf("%v: %s.%s makes something that is not charged: use budget.go", of.Position(n.Pos()), from, name)
				}
				return true
			})
		}
	}
}

// The attacks that took minutes or hundreds of megabytes, over 64 kB of text: each is
// refused or done, and takes no more than a few times what it may.
func TestAttacksTakeWhatTheyMay(t *testing.T) {
	text := strings.Repeat("a\n", 1<<15)
	for _, source := range []string{
		"{{ text.strip(text) }}", "{{ text|trim(text) }}", "{{ text|indent(60000) }}", "{{ text|indent(text) }}", "{{ text.splitlines()|length }}",
		"{% for i in range(1000) %}{% set x = text.splitlines() %}{% endfor %}", "{% for i in range(1000) %}{{ text.strip(text) }}{% endfor %}",
		"{{ ([text] * 100000)|sort }}", "{{ ([text] * 100000)|max }}", "{{ ([text] * 100000)|map('upper')|list }}", "{{ ([text] * 1000)|join(text) }}", "{{ ([text] * 100000)|unique }}",
		"{% for i in range(100000) %}{{ text.upper() }}{% endfor %}", "{% for i in range(1000000) %}{{ [text][[text]] }}{% endfor %}",
		"{{ range(99999999) }}", "{{ range(0, -99999999, -1)|list|length }}", "{{ text * 99999999999 }}", "{{ 9223372036854775807 * [text] }}", "{{ [] * 9223372036854775807 }}",
		"{{ text.zfill(9223372036854775807) }}", "{{ text.replace('', text) }}", "{{ text[::-1] }}{{ text|reverse }}", "{{ text|list|tojson(indent=64) }}",
		"{% set ns = namespace(x=[]) %}{% for i in range(100000) %}{% set ns.x = ns.x + [i] %}{% endfor %}", "{% set ns = namespace(x='a') %}{% for i in range(100) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}",
		"{% set ns = namespace(x=[text]) %}{% for i in range(100) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}{{ ns.x }}", "{% set ns = namespace(x=[text]) %}{% for i in range(100) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}{{ ns.x|tojson }}",
		"{% set ns = namespace(x=1) %}{% for i in range(100000) %}{% set ns.x = [ns.x] %}{% endfor %}{{ ns.x }}{{ ns.x == ns.x }}",
		"{% for i in range(100000) %}{% macro f() %}{{ text }}{% endmacro %}{{ f() }}{% endfor %}", "{% macro f(n) %}{{ f(n - 1) }}{{ f(n - 1) }}{% endmacro %}{{ f(90) }}",
		strings.Repeat("{% for i in [1] %}", 60) + "{% for i in range(1000000) %}" + strings.Repeat("{{ x }}", 500) + "{% endfor %}" + strings.Repeat("{% endfor %}", 60),
		"{{ dict(text|list|map('list')) }}", "{% for i in range(100000) %}{% if text < text %}{% endif %}{% endfor %}", "{% for i in range(100000) %}{% if 'b' in text %}{% endif %}{% endfor %}",
		"{{ given('%c' * 1000000) }}", "{% set x %}{% for i in range(100000) %}{{ text }}{% endfor %}{% endset %}",
	} {
		t.Run(source[:min(len(source), 60)], func(t *testing.T) {
			o := Options{Lenient: true, Chat: true, Functions: map[string]func(string) (string, error){"given": func(s string) (string, error) { return s, nil }}}
			parsed, err := Parse(source, o)
			if err != nil {
				t.Fatal(err)
			}
			r := newRun(record.Object{{Name: "text", Value: text}}, o)
			took := allocated(func() { err = r.statements(parsed.body) })
			if r.bytes > r.byteMost || r.work > r.workLimit+1<<20 || took > 8*r.byteMost {
				t.Errorf("%d bytes of %d, %d steps of %d, %d bytes allocated, error %v", r.bytes, r.byteMost, r.work, r.workLimit, took, err)
			}
		})
	}
}

// A long conversation is read and written some times over by an honest template.
func TestLongFieldsAreRendered(t *testing.T) {
	turns := record.List{}
	for i := range 4000 {
		turns = append(turns, record.Object{{Name: "role", Value: []string{"user", "assistant"}[i%2]}, {Name: "content", Value: strings.Repeat("Why is that so? ", 16)}})
	}
	const source = `{% macro show(m) %}{{ '<|' ~ m['role'] ~ '|>\n' + m.content | trim + '<|end|>\n' }}{% endmacro %}
{%- set ns = namespace(last=0) %}{% for m in messages[::-1] %}{% if ns.last == 0 and m.role == 'user' and not m.content.startswith('<tool>') %}{% set ns.last = messages|length - loop.index0 %}{% endif %}{% endfor %}
{%- for m in messages %}{% if '</think>' in m.content %}{% set text = m.content.split('</think>')[-1].lstrip('\n') %}{% else %}{% set text = m.content %}{% endif %}
{%- if loop.first or messages[loop.index0 - 1].role != m.role %}{{ show({'role': m.role, 'content': text.replace('\r\n', '\n').rstrip()}) }}{% endif %}{% endfor %}`
	parsed, err := Parse(source, Options{Trim: true, Lenient: true, Chat: true})
	if err != nil {
		t.Fatal(err)
	}
	text, err := parsed.Render(record.Object{{Name: "messages", Value: turns}})
	if err != nil || len(text) < 1<<20 {
		t.Errorf("%d bytes, %v", len(text), err)
	}
}

package chat

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/nikolalohinski/gonja/v2/builtins"
	controls "github.com/nikolalohinski/gonja/v2/builtins/control_structures"
	"github.com/nikolalohinski/gonja/v2/exec"
	"github.com/nikolalohinski/gonja/v2/nodes"
	"github.com/nikolalohinski/gonja/v2/parser"
	"github.com/nikolalohinski/gonja/v2/tokens"
)

// What templates have of the library. Left out is what makes much of little
// (center, indent), what changes lists in place, which transformers' sandbox
// forbids, what Jinja does not have, and what the library has otherwise than
// Jinja (the filters title, reverse, dictsort, wordcount; the method rsplit).
var (
	filterNames = strings.Fields(`abs attr capitalize count d default first float groupby int items last length
		lower map max min reject rejectattr round safe select selectattr sort string sum trim unique upper`)
	textMethods = strings.Fields(`capitalize casefold isalnum isalpha isdecimal isdigit islower isnumeric isspace
		istitle isupper lower partition removeprefix removesuffix rpartition splitlines swapcase upper`)
	dictMethods = strings.Fields(`keys values items get copy`)
	globalNames = strings.Fields(`cycler dict joiner namespace`)
)

// environment is what one Render's template can use.
func environment(g *guard) *exec.Environment {
	filters := map[string]exec.FilterFunction{"tojson": toJSON, "list": list, loopOver: loopFilter}
	for _, name := range filterNames {
		filters[name], _ = builtins.Filters.Get(name)
	}
	for name, cost := range map[string]func(in *exec.Value, p *exec.VarArgs) int{"join": joinCost, "replace": replaceCost} {
		run, _ := builtins.Filters.Get(name)
		filters[name] = func(e *exec.Evaluator, in *exec.Value, p *exec.VarArgs) *exec.Value {
			if cost(in, p) > maxValue {
				return exec.AsValue(errTooLarge)
			}
			return run(e, in, p)
		}
	}
	globals := map[string]any{"range": numbers}
	for _, name := range globalNames {
		globals[name], _ = builtins.GlobalFunctions.Get(name)
	}
	return &exec.Environment{
		Context:           exec.NewContext(globals),
		Filters:           exec.NewFilterSet(filters),
		Tests:             builtins.Tests,
		ControlStructures: statements(g),
		Methods:           methods(),
	}
}

// argument returns an argument by its place or name, nil for none.
func argument(p *exec.VarArgs, i int, name string) *exec.Value {
	if i < len(p.Args) {
		return p.Args[i]
	}
	return p.KwArgs[name]
}

// joinCost is a bound of the bytes that join makes.
func joinCost(in *exec.Value, p *exec.VarArgs) int {
	left := maxValue
	if in.IsError() || !in.IsIterable() {
		return 0
	}
	if !fits(in, &left, 0) {
		return maxValue + 1
	}
	cost := maxValue - left
	if by := argument(p, 0, "d"); by != nil && by.IsString() {
		cost += in.Len() * by.Len() * 4 // characters of four bytes at most
	}
	return cost
}

// replaceCost is a bound of the bytes that replace makes.
func replaceCost(in *exec.Value, p *exec.VarArgs) int {
	old, by := argument(p, 0, "old"), argument(p, 1, "new")
	if in.IsError() || old == nil || by == nil {
		return 0
	}
	text := in.String()
	return len(text) + strings.Count(text, old.String())*len(by.String())
}

// methods are the methods of values; those of texts that the library has wrong or
// that need a bound are our own.
func methods() exec.Methods {
	text := map[string]exec.Method[string]{
		"strip":   strip(true, true),
		"lstrip":  strip(true, false),
		"rstrip":  strip(false, true),
		"replace": replace,

		"title": title,
		"find":  find(strings.Index), "rfind": find(strings.LastIndex),
		"startswith": with(strings.HasPrefix), "endswith": with(strings.HasSuffix),
		"split": split,
	}
	for _, name := range textMethods {
		text[name], _ = builtins.Methods.Str.Get(name)
	}
	join, _ := builtins.Methods.Str.Get("join")
	text["join"] = func(self string, value *exec.Value, p *exec.VarArgs) (any, error) {
		if items := argument(p, 0, "iterable"); items != nil && joinCost(items, &exec.VarArgs{Args: []*exec.Value{value}}) > maxValue {
			return nil, errTooLarge
		}
		return join(self, value, p)
	}
	dict := map[string]exec.Method[map[string]any]{}
	for _, name := range dictMethods {
		dict[name], _ = builtins.Methods.Dict.Get(name)
	}
	return exec.Methods{
		Bool: builtins.Methods.Bool, Int: builtins.Methods.Int, Float: builtins.Methods.Float,
		Str: exec.NewMethodSet(text), Dict: exec.NewMethodSet(dict), List: exec.NewMethodSet(map[string]exec.Method[[]any]{}),
	}
}

// strip is Python's str.strip, lstrip and rstrip.
func strip(left, right bool) exec.Method[string] {
	return func(self string, _ *exec.Value, p *exec.VarArgs) (any, error) {
		if len(p.Args) > 1 || len(p.KwArgs) > 0 {
			return nil, errors.New("want at most one argument")
		}
		drop := func(r rune) bool { return unicode.IsSpace(r) || r >= 0x1c && r <= 0x1f }
		if len(p.Args) == 1 && !p.Args[0].IsNil() {
			set := p.Args[0].String()
			drop = func(r rune) bool { return strings.ContainsRune(set, r) }
		}
		if left {
			self = strings.TrimLeftFunc(self, drop)
		}
		if right {
			self = strings.TrimRightFunc(self, drop)
		}
		return self, nil
	}
}

// title is Python's str.title: what follows a letter that has cases is small.
func title(self string, _ *exec.Value, p *exec.VarArgs) (any, error) {
	if len(p.Args)+len(p.KwArgs) > 0 {
		return nil, errors.New("want no arguments")
	}
	after := false
	return strings.Map(func(r rune) rune {
		if after {
			r = unicode.ToLower(r)
		} else {
			r = unicode.ToTitle(r)
		}
		after = unicode.IsUpper(r) || unicode.IsLower(r) || unicode.IsTitle(r)
		return r
	}, self), nil
}

// find is Python's str.find or rfind of a text in all of another.
func find(index func(s, part string) int) exec.Method[string] {
	return func(self string, _ *exec.Value, p *exec.VarArgs) (any, error) {
		if len(p.Args) != 1 || len(p.KwArgs) > 0 || !p.Args[0].IsString() {
			return nil, errors.New("want one text")
		}
		at := index(self, p.Args[0].String())
		if at < 0 {
			return -1, nil
		}
		return utf8.RuneCountInString(self[:at]), nil
	}
}

// with is Python's str.startswith or endswith, of one text or any of several.
func with(has func(s, part string) bool) exec.Method[string] {
	return func(self string, _ *exec.Value, p *exec.VarArgs) (any, error) {
		if len(p.Args) != 1 || len(p.KwArgs) > 0 || p.Args[0].IsNil() {
			return nil, errors.New("want one text or several")
		}
		if p.Args[0].IsString() {
			return has(self, p.Args[0].String()), nil
		}
		any := false
		p.Args[0].Iterate(func(_, _ int, part, _ *exec.Value) bool {
			any = any || has(self, part.String())
			return !any
		}, func() {})
		return any, nil
	}
}

// sequence is a list whose last item can be asked for by -1; the library's have
// it only where there is another item before.
type sequence[T any] []T

// GetItem returns the item at an index, which counts from the end below zero.
func (s sequence[T]) GetItem(key any) (*exec.Value, bool) {
	i, ok := key.(int)
	if i < 0 {
		i += len(s)
	}
	if !ok || i < 0 || i >= len(s) {
		return exec.AsValue(nil), false
	}
	return exec.ToValue(s[i]), true
}

// list is the filter of that name, for a sequence.
func list(_ *exec.Evaluator, in *exec.Value, p *exec.VarArgs) *exec.Value {
	if in.IsError() {
		return in
	}
	if len(p.Args)+len(p.KwArgs) > 0 || !in.IsIterable() {
		return exec.AsValue(errors.New("list: want something to go through, and no arguments"))
	}
	out := sequence[any]{}
	in.Iterate(func(_, _ int, key, _ *exec.Value) bool {
		out = append(out, key.Interface())
		return true
	}, func() {})
	return exec.AsValue(out)
}

// split is Python's str.split.
func split(self string, _ *exec.Value, p *exec.VarArgs) (any, error) {
	sep, most := argument(p, 0, "sep"), argument(p, 1, "maxsplit")
	n := -1
	if most != nil && most.IsInteger() && most.Integer() >= 0 {
		n = most.Integer() + 1
	}
	switch {
	case (sep == nil || sep.IsNil()) && n < 0:
		return sequence[string](strings.Fields(self)), nil
	case sep == nil || !sep.IsString() || sep.String() == "":
		return nil, errors.New("want a text to split at that is not empty")
	}
	return sequence[string](strings.SplitN(self, sep.String(), n)), nil
}

// replace is Python's str.replace.
func replace(self string, value *exec.Value, p *exec.VarArgs) (any, error) {
	old, by, count := argument(p, 0, "old"), argument(p, 1, "new"), argument(p, 2, "count")
	if old == nil || by == nil || !old.IsString() || !by.IsString() {
		return nil, errors.New("want two texts")
	}
	n := -1
	if count != nil && count.IsInteger() {
		n = count.Integer()
	}
	if replaceCost(value, p) > maxValue {
		return nil, errTooLarge
	}
	return strings.Replace(self, old.String(), by.String(), n), nil
}

// statements are the library's, with steps put into loops and macros, and without
// those that load a template: one that included itself would overflow the stack,
// which nothing catches.
func statements(g *guard) *exec.ControlStructureSet {
	parsers := map[string]parser.ControlStructureParser{"generation": generation}
	for _, name := range []string{"if", "raw", "break", "continue"} {
		parsers[name], _ = builtins.ControlStructures.Get(name)
	}
	for _, name := range []string{"include", "import", "from", "extends", "block", "call", "filter", "with", "autoescape"} {
		parsers[name] = func(*parser.Parser, *parser.Parser) (nodes.ControlStructure, error) {
			return nil, fmt.Errorf("%q is refused: a chat template stands alone and is plain", name)
		}
	}
	for name, change := range map[string]func(inner nodes.ControlStructure, first *tokens.Token) (nodes.ControlStructure, error){
		"for": g.loop, "macro": g.macro, "set": g.assign,
	} {
		parse, _ := builtins.ControlStructures.Get(name)
		parsers[name] = func(p, args *parser.Parser) (nodes.ControlStructure, error) {
			first := args.Current()
			inner, err := parse(p, args)
			if err != nil {
				return nil, err
			}
			return change(inner, first)
		}
	}
	return exec.NewControlStructureSet(parsers)
}

func (g *guard) loop(inner nodes.ControlStructure, first *tokens.Token) (nodes.ControlStructure, error) {
	loop, ok := inner.(*controls.ForControlStructure)
	if !ok || loop.Recursive {
		return nil, errors.New("a recursive loop is refused")
	}
	loop.ObjectEvaluator = &nodes.FilteredExpression{
		Expression: loop.ObjectEvaluator,
		Filters:    []*nodes.FilterCall{{Token: first, Name: loopOver, Kwargs: map[string]nodes.Expression{}}},
	}
	names := []string{loop.Key}
	if loop.Value != "" {
		names = append(names, loop.Value)
	}
	body := loop.BodyWrapper
	body.Nodes = append([]nodes.Node{(&step{guard: g, at: first, names: names}).block()}, body.Nodes...)
	return loop, nil
}

func (g *guard) macro(inner nodes.ControlStructure, first *tokens.Token) (nodes.ControlStructure, error) {
	macro, ok := inner.(*controls.MacroControlStructure)
	if !ok {
		return nil, errors.New("a macro of an unknown kind")
	}
	names := []string{macro.VarArgsName, macro.KwArgsName}
	for _, pair := range macro.Kwargs {
		if key, ok := pair.Key.(*nodes.String); ok {
			names = append(names, key.Val)
		}
	}
	begin, end := &step{guard: g, at: first, names: names, calls: 1}, &step{guard: g, at: first, calls: -1}
	macro.Wrapper.Nodes = slices.Concat([]nodes.Node{begin.block()}, macro.Wrapper.Nodes, []nodes.Node{end.block()})
	return macro, nil
}

func (g *guard) assign(inner nodes.ControlStructure, first *tokens.Token) (nodes.ControlStructure, error) {
	set, ok := inner.(exec.ControlStructure)
	if !ok || first == nil {
		return nil, errors.New("a set of an unknown kind")
	}
	return &assignment{set, g, first.Val}, nil
}

// marked is the body of {% generation %}, which marks what the model itself said;
// the text is the same.
type marked struct {
	at   *tokens.Token
	body *nodes.Wrapper
}

func (m *marked) Position() *tokens.Token { return m.at }
func (m *marked) String() string          { return "generation" }

// Execute writes the body.
func (m *marked) Execute(r *exec.Renderer, _ *nodes.ControlStructureBlock) error {
	return r.ExecuteWrapper(m.body)
}

func generation(p, args *parser.Parser) (nodes.ControlStructure, error) {
	if !args.End() {
		return nil, args.Error("generation takes no arguments", nil)
	}
	at := p.Current()
	body, _, err := p.WrapUntil("endgeneration")
	return &marked{at, body}, err
}

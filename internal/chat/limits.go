package chat

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/nikolalohinski/gonja/v2/config"
	"github.com/nikolalohinski/gonja/v2/exec"
	"github.com/nikolalohinski/gonja/v2/nodes"
	"github.com/nikolalohinski/gonja/v2/tokens"
)

// Limits of a template and of what it does. Published templates have a few
// kilobytes and run for a millisecond.
const (
	maxTemplate  = 64 << 10         // bytes; also bounds how deep it nests
	maxOutput    = 1 << 20          // bytes
	maxValue     = 2 << 20          // bytes of a value that has a name
	maxItems     = 100_000          // items of a loop, numbers of a range
	maxCalls     = 100              // macros inside macros
	maxTokens    = 1000             // in one tag
	maxOperators = 64               // + ~ * ** and filters in one tag
	maxFactor    = 64               // of a text times numbers, in one tag
	maxTime      = 10 * time.Second // as loops and calls see it
)

var (
	errTooLong  = fmt.Errorf("writes more than %d bytes", maxOutput)
	errTooSlow  = fmt.Errorf("runs longer than %v", maxTime)
	errTooMany  = fmt.Errorf("calls macros from macros, more than %d deep", maxCalls)
	errTooLarge = fmt.Errorf("makes a value of more than %d bytes, or nested more than %d deep", maxValue, maxDepth)
)

// limited is a buffer that takes maxOutput bytes.
type limited struct{ bytes.Buffer }

func (b *limited) Write(p []byte) (int, error) {
	if b.Len()+len(p) > maxOutput {
		return 0, errTooLong
	}
	return b.Buffer.Write(p)
}

func (b *limited) WriteString(s string) (int, error) { return b.Write([]byte(s)) }

// scan refuses tags whose expressions could make a huge value in one go.
func scan(template string, c *config.Config) error {
	if !utf8.ValidString(template) {
		return errors.New("is no UTF-8")
	}
	list, err := read(template, c)
	if err != nil {
		return err
	}
	operators, product, begin := 0, 1, 0
	for i, t := range list {
		if i-begin > maxTokens {
			return fmt.Errorf("line %d: more than %d words and signs in one tag", t.Line, maxTokens)
		}
		switch t.Type {
		case tokens.BlockBegin, tokens.VariableBegin, tokens.Data:
			operators, product, begin = 0, 1, i
		case tokens.Multiply:
			if isSignature(list, i) {
				break
			}
			product *= min(factor(list, i-1, i+1), maxFactor+1)
			if operators++; product > maxFactor {
				return fmt.Errorf("line %d: a product is refused unless its numbers are in the text and up to %d together", t.Line, maxFactor)
			}
		case tokens.Addition, tokens.Tilde, tokens.Power, tokens.Pipe:
			operators++
		}
		if operators > maxOperators {
			return fmt.Errorf("line %d: more than %d operators and filters in one tag", t.Line, maxOperators)
		}
	}
	return nil
}

// read returns the tokens of a template. On some texts without sense the library's
// reader comes to no end; it is left waiting then, for good.
func read(template string, c *config.Config) ([]*tokens.Token, error) {
	l := tokens.NewLexer(template, c)
	go func() {
		defer func() {
			if recover() != nil {
				close(l.Tokens) // what it could not read does not parse either
			}
		}()
		l.Run()
	}()
	var list []*tokens.Token
	for t := range l.Tokens {
		if t.Type != tokens.Whitespace {
			list = append(list, t)
		}
		if len(list) > 2*len(template)+16 {
			return nil, errors.New("cannot be read")
		}
	}
	return list, nil
}

// factor returns the number on the right of a *, else that on its left; where
// both are something else, or far too large, more than maxFactor.
func factor(list []*tokens.Token, left, right int) int {
	for _, i := range []int{right, left} {
		if i >= 0 && i < len(list) && list[i].Type == tokens.Integer {
			if n, err := strconv.Atoi(list[i].Val); err == nil {
				return max(n, 1)
			}
		}
	}
	return maxFactor + 1
}

// isSignature reports whether the * at i begins the *args of a macro.
func isSignature(list []*tokens.Token, i int) bool {
	return i > 0 && (list[i-1].Type == tokens.LeftParenthesis || list[i-1].Type == tokens.Comma)
}

// A guard looks at what one Render does.
type guard struct {
	start time.Time
	calls int // macros that run now
}

// look returns an error where a limit is passed, by time, by output or by the
// value of one of names.
func (g *guard) look(r *exec.Renderer, names []string) error {
	if time.Since(g.start) > maxTime {
		return errTooSlow
	}
	if out, ok := r.Output.(interface{ Len() int }); ok && out.Len() > maxOutput {
		return errTooLong
	}
	for _, name := range names {
		value, _ := r.Environment.Context.Get(name)
		if left := maxValue; !fits(value, &left, 0) {
			return fmt.Errorf("%.128q: %w", name, errTooLarge)
		}
	}
	return nil
}

// fits takes the size of a value from left and reports whether there is enough. A
// value that holds itself is too deep.
func fits(value any, left *int, depth int) bool {
	if *left -= 8; depth > maxDepth {
		return false
	}
	switch v := value.(type) {
	case string:
		*left -= len(v)
	case *exec.Value:
		return v == nil || fits(v.Interface(), left, depth)
	case exec.ValuesList:
		return fitAll(v, left, depth)
	case []any:
		return fitAll(v, left, depth)
	case []string:
		return fitAll(v, left, depth)
	case sequence[any]:
		return fitAll(v, left, depth)
	case sequence[string]:
		return fitAll(v, left, depth)
	case sequence[map[string]any]:
		return fitAll(v, left, depth)
	case map[string]any:
		for k, one := range v {
			if *left -= len(k); !fits(one, left, depth+1) {
				return false
			}
		}
	case *exec.Pair:
		return fits(v.Key, left, depth) && fits(v.Value, left, depth)
	case *exec.Dict:
		return fitAll(v.Pairs, left, depth)
	}
	return *left >= 0
}

func fitAll[T any](values []T, left *int, depth int) bool {
	for _, one := range values {
		if !fits(one, left, depth+1) {
			return false
		}
	}
	return *left >= 0
}

// A step is a statement put into a loop's or macro's body.
type step struct {
	*guard
	at    *tokens.Token
	names []string // what the loop or the call has set
	calls int      // 1 where a macro begins, -1 where it ends
}

func (s *step) Position() *tokens.Token { return s.at }
func (s *step) String() string          { return "step" }

// Execute looks at the limits.
func (s *step) Execute(r *exec.Renderer, _ *nodes.ControlStructureBlock) error {
	if s.guard.calls += s.calls; s.guard.calls > maxCalls {
		return errTooMany
	}
	return s.look(r, s.names)
}

// block returns the step as a node of a body.
func (s *step) block() nodes.Node {
	return &nodes.ControlStructureBlock{Location: s.at, Name: "step", ControlStructure: s}
}

// An assignment is a set whose value is looked at.
type assignment struct {
	exec.ControlStructure
	*guard
	name string
}

// Execute assigns and looks.
func (a *assignment) Execute(r *exec.Renderer, tag *nodes.ControlStructureBlock) error {
	if err := a.ControlStructure.Execute(r, tag); err != nil {
		return err
	}
	return a.look(r, []string{a.name})
}

// loopOver is a filter on what a loop goes through; its name cannot be written.
const loopOver = "loop over"

func loopFilter(_ *exec.Evaluator, in *exec.Value, _ *exec.VarArgs) *exec.Value {
	if !in.IsError() && !in.IsNil() && in.IsIterable() && in.Len() > maxItems {
		return exec.AsValue(fmt.Errorf("loops over more than %d items", maxItems))
	}
	return in
}

// numbers is range with an end.
func numbers(_ *exec.Evaluator, params *exec.VarArgs) ([]int, error) {
	var n [3]int
	for i, arg := range params.Args {
		if i > 2 || !arg.IsInteger() {
			return nil, errors.New("range: want one to three whole numbers")
		}
		n[i] = arg.Integer()
	}
	from, to, by := n[0], n[1], n[2]
	switch len(params.Args) {
	case 0:
		return nil, errors.New("range: want one to three whole numbers")
	case 1:
		from, to, by = 0, n[0], 1
	case 2:
		by = 1
	}
	if by == 0 {
		return nil, errors.New("range: a step of zero")
	}
	var out []int
	for i := from; by > 0 && i < to || by < 0 && i > to; i += by {
		if len(out) == maxItems {
			return nil, fmt.Errorf("range: more than %d numbers", maxItems)
		}
		out = append(out, i)
	}
	return out, nil
}

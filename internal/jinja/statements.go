package jinja

import (
	"errors"
	"fmt"
)

// statement is a part of a template that writes something or changes a name.
type statement interface{ do(r *run) error }

type (
	textStatement  string
	printStatement struct{ e expr }
	setStatement   struct {
		target target
		e      expr
	}
	// captureStatement sets a name to what its body writes, after filters.
	captureStatement struct {
		target  target
		body    []statement
		filters []*filtered
	}
	ifStatement struct {
		tests  []expr
		bodies [][]statement // one more than tests where there is an else
	}
	forStatement struct {
		names       []string
		over, where expr // where: nil without an "if"
		body, empty []statement
		line        int
	}
	// generationStatement runs its body with names of its own, and notes where its text stands.
	generationStatement struct{ body []statement }
	leaveStatement      struct{ why error } // errBreak or errContinue
)

// target is what a set statement gives a value: names, or a namespace's field.
type target struct {
	names []string
	field string // "" for names alone
	line  int
}

// errBreak and errContinue are how their statements reach their loop.
var (
	errBreak    = errors.New("break")
	errContinue = errors.New("continue")
)

func (r *run) statements(list []statement) error {
	for _, s := range list {
		if err := s.do(r); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) write(text string) error {
	r.out.add(text)
	return r.out.err
}

// inside runs a body with names of its own.
func (r *run) inside(body []statement) error {
	scope, err := r.newScope()
	if err != nil {
		return err
	}
	r.scopes = append(r.scopes, scope)
	err = r.statements(body)
	r.scopes = r.scopes[:len(r.scopes)-1]
	return err
}

// capture returns what a body writes.
func (r *run) capture(body []statement) (string, error) {
	outer := r.out
	r.out = &writer{r: r}
	err := r.inside(body)
	text := r.out.b.String()
	r.out = outer
	return text, err
}

func (s textStatement) do(r *run) error { return r.write(string(s)) }

func (s printStatement) do(r *run) error {
	v, err := r.get(s.e)
	if err != nil {
		return err
	}
	text, err := r.str(v)
	if err != nil {
		return err
	}
	return r.write(text)
}

func (s generationStatement) do(r *run) error { return r.generated(s.body) }

func (s leaveStatement) do(*run) error { return s.why }

func (s setStatement) do(r *run) error {
	v, err := s.e.eval(r)
	if err != nil {
		return err
	}
	return s.target.set(r, v)
}

func (s captureStatement) do(r *run) error {
	text, err := r.capture(s.body)
	if err != nil {
		return err
	}
	var v value = text
	for _, f := range s.filters {
		if v, err = f.apply(r, v); err != nil {
			return err
		}
	}
	return s.target.set(r, v)
}

// set gives the target a value.
func (t target) set(r *run, v value) error {
	if t.field == "" {
		return t.bind(r, r.scopes[len(r.scopes)-1], v)
	}
	of, err := r.operand(&name{t.names[0], t.line})
	if err != nil {
		return err
	}
	ns, is := of.(*namespace)
	if !is {
		return fmt.Errorf("line %d: %s is changed: only a namespace can be", t.line, kindOf(of))
	}
	return ns.fields.put(r, t.field, v)
}

// bind gives the names in a scope a value, or its parts.
func (t target) bind(r *run, scope map[string]value, v value) error {
	if len(t.names) == 1 {
		scope[t.names[0]] = v
		return r.spend(0)
	}
	parts, err := r.items(v)
	if err != nil {
		return fmt.Errorf("line %d: %w", t.line, err)
	}
	if len(parts) != len(t.names) {
		return fmt.Errorf("line %d: %d values for %d names", t.line, len(parts), len(t.names))
	}
	for i, name := range t.names {
		scope[name] = parts[i]
	}
	return nil
}

func (s ifStatement) do(r *run) error {
	for i, test := range s.tests {
		yes, err := r.truth(test)
		if err != nil {
			return err
		}
		if yes {
			return r.statements(s.bodies[i])
		}
	}
	if len(s.bodies) > len(s.tests) {
		return r.statements(s.bodies[len(s.tests)])
	}
	return nil
}

func (s forStatement) do(r *run) error {
	v, err := r.get(s.over)
	if err != nil {
		return err
	}
	over, err := r.items(v)
	if err != nil {
		return fmt.Errorf("line %d: %w", s.line, err)
	}
	r.scopes = append(r.scopes, nil)
	defer func(n int) { r.scopes = r.scopes[:n] }(len(r.scopes) - 1)
	if s.where != nil {
		kept := items{r: r}
		for _, v := range over {
			if err := s.bind(r, v, nil); err != nil {
				return err
			}
			yes, err := r.truth(s.where)
			if err != nil {
				return err
			}
			if yes {
				if err := kept.add(v); err != nil {
					return err
				}
			}
		}
		over = kept.list
	}
	whole := false // a body ran to its end, which is what Jinja's else asks
	for i, v := range over {
		if err := s.bind(r, v, &loop{i, over}); err != nil {
			return err
		}
		err := r.statements(s.body)
		if err == errBreak {
			break
		}
		if err != nil && err != errContinue {
			return err
		}
		whole = whole || err == nil
	}
	if whole {
		return nil
	}
	r.scopes[len(r.scopes)-1] = map[string]value{}
	return r.statements(s.empty)
}

// bind gives an item its names in a scope of its own.
func (s forStatement) bind(r *run, v value, l *loop) error {
	scope, err := r.newScope()
	if err != nil {
		return err
	}
	if l != nil {
		scope["loop"] = l
	}
	r.scopes[len(r.scopes)-1] = scope
	if err := r.spend(2 * itemWork); err != nil {
		return err
	}
	return target{names: s.names, line: s.line}.bind(r, scope, v)
}

// loop is what "loop" is in a loop.
type loop struct {
	at    int
	items []value
}

// field returns what loop.name is.
func (l *loop) field(name string) (value, bool) {
	n := len(l.items)
	switch name {
	case "index":
		return int64(l.at + 1), true
	case "index0":
		return int64(l.at), true
	case "revindex":
		return int64(n - l.at), true
	case "revindex0":
		return int64(n - l.at - 1), true
	case "first":
		return l.at == 0, true
	case "last":
		return l.at == n-1, true
	case "length":
		return int64(n), true
	case "previtem":
		if l.at > 0 {
			return l.items[l.at-1], true
		}
	case "nextitem":
		if l.at < n-1 {
			return l.items[l.at+1], true
		}
	case "depth":
		return int64(1), true
	case "depth0":
		return int64(0), true
	}
	return nil, false
}

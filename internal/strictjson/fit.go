package strictjson

import (
	"encoding"
	"encoding/json"
	"reflect"
	"strings"
)

// Fit says how closely a text must keep to the Go value that it is read into.
type Fit int

const (
	// Named: a member that differs from a field's name in case alone is an error, as
	// encoding/json would take it for the field. Others without a field are passed over.
	Named Fit = iota
	// Whole: every member has a field, and every field without omitempty is there.
	Whole
	// Once is Named for files of other programs, in which null may stand for any value.
	Once
)

// Decode reads a text of another program into v as encoding/json does, after it was held
// against v by [Once].
func Decode(data []byte, rules Rules, v any) error {
	if err := CheckFit(data, rules, v, Once); err != nil {
		return err
	}
	return json.Unmarshal(data, v)
}

// CheckUnique returns an error if a text is no JSON, or one of its objects has a name
// twice: some programs take the first of the two values, others the last.
func CheckUnique(data []byte, rules Rules) error {
	s := New(data, rules)
	if err := s.fit(reflect.TypeFor[any](), Once); err != nil {
		return err
	}
	return s.End()
}

// CheckFit holds a text against the type that v points to, before encoding/json reads
// the one into the other: names are those of the tags to the letter and come once, null
// stands only where a nil pointer, slice or map is written so, or where the type reads JSON
// itself and says what it is, and never in place of the whole. A value of another kind than its field is left for the decoder to refuse.
func CheckFit(data []byte, rules Rules, v any, fit Fit) error {
	s := New(data, rules)
	if s.Kind() == Null {
		return s.fail("null is no value")
	}
	if err := s.fit(reflect.TypeOf(v), fit); err != nil {
		return err
	}
	return s.End()
}

var (
	readsJSON = reflect.TypeFor[json.Unmarshaler]()
	readsText = reflect.TypeFor[encoding.TextUnmarshaler]()
)

// fit steps over the next value, which is to become a t. It is null only where that was
// allowed.
func (s *Scanner) fit(t reflect.Type, fit Fit) error {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if p := reflect.PointerTo(t); p.Implements(readsJSON) || p.Implements(readsText) {
		return s.Skip()
	}
	switch next := s.Kind(); {
	case next == Object && t.Kind() == reflect.Struct:
		return s.fitStruct(t, fit)
	case next == Object && t.Kind() == reflect.Map:
		return s.once(func(string) error { return s.fitValue(t.Elem(), false, fit) })
	case next == Object && t.Kind() == reflect.Interface:
		return s.once(func(string) error { return s.fit(t, fit) })
	case next == Array && (t.Kind() == reflect.Slice || t.Kind() == reflect.Array):
		return s.Array(func() error { return s.fitValue(t.Elem(), false, fit) })
	case next == Array && t.Kind() == reflect.Interface:
		return s.Array(func() error { return s.fit(t, fit) })
	}
	return s.Skip()
}

// fitValue is fit for a value that is null only if nil says so, or the type is any, or one
// that reads JSON itself.
func (s *Scanner) fitValue(t reflect.Type, null bool, fit Fit) error {
	if s.Kind() == Null && !null && fit != Once && t.Kind() != reflect.Interface && !reflect.PointerTo(t).Implements(readsJSON) {
		return s.fail("null is no value, want %s", kindName(t))
	}
	return s.fit(t, fit)
}

// once reads an object in which no name comes twice.
func (s *Scanner) once(member func(name string) error) error {
	seen := map[string]struct{}{}
	return s.Object(func(name string) error {
		if _, twice := seen[name]; twice {
			return s.fail("duplicate member %s: take one of the two out", quote(name))
		}
		seen[name] = struct{}{}
		return member(name)
	})
}

func (s *Scanner) fitStruct(t reflect.Type, fit Fit) error {
	fields := fieldsOf(t)
	there := map[string]bool{}
	err := s.once(func(name string) error {
		for _, f := range fields {
			if f.name == name {
				there[name] = true
				if err := s.fitValue(f.of, f.null, fit); err != nil {
					return inMember(name, err)
				}
				return nil
			}
		}
		for _, f := range fields {
			if strings.EqualFold(f.name, name) {
				return s.fail("member %s, want it spelled %q", quote(name), f.name)
			}
		}
		if fit == Whole {
			return s.fail("unknown member %s", quote(name))
		}
		return s.Skip()
	})
	if err != nil || fit != Whole {
		return err
	}
	for _, f := range fields {
		if !f.optional && !there[f.name] {
			return s.fail("member %q is missing", f.name)
		}
	}
	return nil
}

// inMember says of a null which member it is.
func inMember(name string, err error) error {
	if e, ok := err.(*Error); ok && strings.HasPrefix(e.Reason, "null ") {
		e.Reason = "member " + quote(name) + ": " + e.Reason
	}
	return err
}

// field is a field of a struct as encoding/json knows it.
type field struct {
	name     string
	of       reflect.Type
	optional bool // omitempty or omitzero
	null     bool // nil is written as null
}

// fieldsOf lists the fields of a struct, those of an embedded one in its place.
func fieldsOf(t reflect.Type) (fields []field) {
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous && name == "" && f.Type.Kind() == reflect.Struct:
			fields = append(fields, fieldsOf(f.Type)...)
			continue
		case !f.IsExported() || f.Tag.Get("json") == "-":
			continue
		case name == "":
			name = f.Name
		}
		optional := strings.Contains(options, "omit")
		nilable := f.Type.Kind() == reflect.Pointer || f.Type.Kind() == reflect.Slice || f.Type.Kind() == reflect.Map
		fields = append(fields, field{name, f.Type, optional, nilable && !optional && !f.Type.Implements(reflect.TypeFor[encoding.TextMarshaler]())})
	}
	return fields
}

// kindName is what JSON calls what a type is read from.
func kindName(t reflect.Type) string {
	switch p := reflect.PointerTo(t); {
	case p.Implements(readsText):
		return "text"
	case t.Kind() == reflect.Pointer:
		return kindName(t.Elem())
	}
	switch t.Kind() {
	case reflect.Struct, reflect.Map:
		return "an object"
	case reflect.Slice, reflect.Array:
		return "an array"
	case reflect.String:
		return "text"
	case reflect.Bool:
		return "true or false"
	}
	return "a number"
}

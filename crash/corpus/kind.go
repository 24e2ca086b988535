package corpus

import (
	"fmt"
	"strings"

	"lamina/crash/train"
	"lamina/eval"
	"lamina/record"
)

// Kind is what rows may be.
type Kind struct {
	Name string
	Help string // its columns

	has func(r record.Record) bool
	// encoder returns what makes a sequence of a row, its learned tokens marked by Answer or
	// Last, of any length. Errors name the field; the row is added. It may note in rows what
	// it goes by. nil: a task does.
	encoder func(m *eval.Model, o Options, rows *Rows) (func(r record.Record) (train.Sequence, error), error)
}

// Kinds are all of them.
var Kinds = []Kind{Documents, Alpaca, Chat}

// Documents are read by their task: questions with choices or answers, texts, token ids.
var Documents = Kind{Name: "documents", Help: "those of a task, or of one of its six forms", has: func(record.Record) bool { return false }}

// ParseKind returns the kind of a name.
func ParseKind(name string) (Kind, error) {
	for _, k := range Kinds {
		if k.Name == name {
			return k, nil
		}
	}
	return Kind{}, fmt.Errorf("rows %.64q: want %s", name, strings.Join(KindNames(), ", "))
}

// KindNames returns the names.
func KindNames() []string {
	var names []string
	for _, k := range Kinds {
		names = append(names, k.Name)
	}
	return names
}

// KindsHelp names the kinds with their columns, in a line.
func KindsHelp() string {
	var parts []string
	for _, k := range Kinds {
		parts = append(parts, k.Name+" ("+k.Help+")")
	}
	return strings.Join(parts, ", ")
}

// recognise returns the kind that a row's columns are of: documents if they are none other's.
func recognise(r record.Record) (Kind, error) {
	found := Documents
	for _, k := range Kinds {
		if !k.has(r) {
			continue
		}
		if found.encoder != nil {
			return k, r.At.Errorf("has the columns of two kinds: %s (%s) and %s (%s): say which with --rows", found.Name, found.Help, k.Name, k.Help)
		}
		found = k
	}
	return found, nil
}

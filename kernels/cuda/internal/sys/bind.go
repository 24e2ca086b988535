package sys

import "fmt"

//go:generate sh -c "go run ./table > procs.new && mv procs.new procs.go"

// MissingSymbol says that a library lacks a function that is needed.
type MissingSymbol struct {
	Library string // its path
	Symbol  string
	File    string // what the library is called: "libcuda"
	Since   string // the CUDA version that brought the function
	Remedy  string
}

// Error names library, function, the version that brought it, and what to do.
func (e *MissingSymbol) Error() string {
	return fmt.Sprintf("%s has no %s, which %s has from CUDA %s on: %s", e.Library, e.Symbol, e.File, e.Since, e.Remedy)
}

// symbol is where a function goes and what the table says of it.
type symbol struct {
	to       *Proc
	name     string
	since    string
	required bool
}

// bind looks the symbols up.
func bind(lib Library, file, remedy string, all []symbol) error {
	for _, s := range all {
		p, err := lib.Lookup(s.name)
		switch {
		case err == nil:
			*s.to = p
		case s.required:
			return &MissingSymbol{lib.Path(), s.name, file, s.since, remedy}
		}
	}
	return nil
}

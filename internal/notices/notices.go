// Package notices holds the licences of Lamina and of everything that is compiled into
// its binary: modules, Go's library, fonts. A static binary carries them wherever it
// goes, as most of them ask.
//
//	io.WriteString(os.Stdout, notices.Text)
//
// Invariants: THIRD_PARTY_NOTICES is written by the program in collect, never by hand;
// its test fails once a module that the binary takes in is added, dropped or of another
// version, or a licence's text has changed.
package notices

import _ "embed"

//go:generate go run ./collect

// Text is every licence, with what it is for.
//
//go:embed THIRD_PARTY_NOTICES
var Text string

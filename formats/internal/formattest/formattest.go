// Package formattest holds what the tests of the readers share: the table of bad
// files, each with a good twin one edit away, and the bound on memory taken
// while rejecting.
package formattest

import (
	"errors"
	"runtime"
	"strings"
	"testing"

	"lamina/formats"
)

// Case is a bad file, the code it must be refused with, and a twin that loads.
type Case struct {
	Name string
	Bad  []byte
	Code string
	Good []byte
}

// Bad makes a Case.
func Bad(name string, bad []byte, code string, good []byte) Case {
	return Case{Name: name, Bad: bad, Code: code, Good: good}
}

// Reject runs parse on every case. An error must be an [formats.Error] with path,
// code and one line of printable text, and cost no more than [Bound].
func Reject(t *testing.T, cases []Case, parse func(data []byte) error) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			if err := parse(c.Good); err != nil {
				t.Errorf("the good twin is refused: %v", err)
			}
			err := Bounded(t, c.Bad, parse)
			if err == nil {
				t.Fatal("the bad file is accepted")
			}
			CheckError(t, err)
			var e *formats.Error
			if errors.As(err, &e) && e.Code != c.Code {
				t.Errorf("code %s, want %s: %v", e.Code, c.Code, err)
			}
		})
	}
}

// CheckError sees that err is one printable line with a path and a code.
func CheckError(t *testing.T, err error) {
	t.Helper()
	var e *formats.Error
	if !errors.As(err, &e) {
		t.Fatalf("error of type %T: %v", err, err)
	}
	if e.Path == "" || e.Code == "" || e.Got == "" {
		t.Errorf("error without path, code or finding: %#v", e)
	}
	if text := err.Error(); strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f }) || len(text) > 2000 {
		t.Errorf("error is no short printable line: %q", text)
	}
}

// Bound is how many bytes may be allocated while a file of n bytes is refused.
func Bound(n int) uint64 { return 16*uint64(n) + 64<<10 }

// Bounded calls parse and fails if it allocated more than [Bound].
func Bounded(t testing.TB, data []byte, parse func([]byte) error) error {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	err := parse(data)
	runtime.ReadMemStats(&after)
	if got := after.TotalAlloc - before.TotalAlloc; err != nil && got > Bound(len(data)) {
		t.Errorf("refusing %d bytes allocated %d, bound %d: %v", len(data), got, Bound(len(data)), err)
	}
	return err
}

package formats

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Error is how every reader and writer of checkpoints reports a bad file. It
// prints on one line:
//
//	model-2.safetensors: tensor "h.3.w": data_offsets [8,16) overlap "h.2.w" (want start 12) [ST_OVERLAP]
type Error struct {
	Path   string // the file
	Item   string // what in it, e.g. `tensor "h.3.w"`; empty: the file itself
	Code   string // stable, for programs: ST_OVERLAP
	Offset int64  // byte of the file where it was noticed; 0: none in particular
	Got    string // what was found
	Want   string // what was expected, or the remedy; may be empty
	Err    error  // the cause, e.g. from the operating system; may be nil
}

// Error prints Path: Item: Got (want Want; byte Offset) [Code].
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(printable(e.Path))
	if e.Item != "" {
		b.WriteString(": " + e.Item)
	}
	b.WriteString(": " + e.Got)
	if e.Err != nil {
		fmt.Fprintf(&b, ": %v", e.Err)
	}
	var notes []string
	if e.Want != "" {
		notes = append(notes, "want "+e.Want)
	}
	if e.Offset > 0 {
		notes = append(notes, fmt.Sprintf("byte %d", e.Offset))
	}
	if len(notes) > 0 {
		b.WriteString(" (" + strings.Join(notes, "; ") + ")")
	}
	if e.Code != "" {
		b.WriteString(" [" + e.Code + "]")
	}
	return b.String()
}

// Unwrap returns Err, so that errors.Is(err, fs.ErrNotExist) works.
func (e *Error) Unwrap() error { return e.Err }

// Quote quotes a name that comes from a file for an error text: escapes are
// printed, not sent to the terminal, and it is cut at 128 bytes.
func Quote(name string) string {
	const limit = 128
	if len(name) <= limit {
		return fmt.Sprintf("%q", name)
	}
	cut := limit
	for cut > limit-utf8.UTFMax && !utf8.RuneStart(name[cut]) {
		cut--
	}
	return fmt.Sprintf("%q…", name[:cut])
}

// TensorItem is the Item of an [Error] about the tensor called name.
func TensorItem(name string) string { return "tensor " + Quote(name) }

// printable returns path as it is unless it holds something that would not
// print on one line.
func printable(path string) string {
	for _, r := range path {
		if !unicode.IsPrint(r) {
			return fmt.Sprintf("%q", path)
		}
	}
	return path
}

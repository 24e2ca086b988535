package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"

	"lamina/internal/interrupt"
)

// The exit statuses; see [interrupt.Status] of those after a signal.
const (
	exitError = 1
	exitUsage = 2
)

// usageError is an error of the command line itself.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// interrupted is returned by commands that saved before they stopped; its text
// says how to go on.
type interrupted struct{ text string }

func (e interrupted) Error() string { return e.text }

// complain prints err as one line and returns the exit status for it.
func complain(ctx context.Context, stderr io.Writer, err error) int {
	code := exitError
	switch {
	case errors.As(err, new(usageError)):
		code = exitUsage
		err = fmt.Errorf("%w (lamina help shows the commands, lamina help COMMAND their flags)", err)
	case errors.As(err, new(interrupted)):
		code = interrupt.Status(ctx)
	case errors.Is(err, context.Canceled):
		code = interrupt.Status(ctx)
		err = errors.New(interrupt.NothingSaved(ctx))
	}
	fmt.Fprintf(stderr, "lamina: %s\n", oneLine(err.Error()))
	return code
}

// oneLine joins lines and takes out control characters, which a name from a file
// may hold.
func oneLine(text string) string {
	text = strings.ReplaceAll(strings.TrimSpace(text), "\n", "; ")
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, text)
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"
	"unicode"
)

// The exit statuses; see [statusOf] of those after a signal.
const (
	exitError     = 1
	exitUsage     = 2
	exitInterrupt = 130
)

// usageError is an error of the command line itself.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// interrupted is returned by commands that saved before they stopped; its text
// says how to go on.
type interrupted struct{ text string }

func (e interrupted) Error() string { return e.text }

// signalled is the cause of a context that a signal ended.
type signalled struct{ syscall.Signal }

func (s signalled) Error() string {
	switch s.Signal {
	case syscall.SIGTERM:
		return "SIGTERM"
	case syscall.SIGHUP:
		return "SIGHUP"
	}
	return "SIGINT"
}

// Unwrap makes it what an ended context says elsewhere.
func (signalled) Unwrap() error { return context.Canceled }

// statusOf is the exit status of a command that ctx ended.
func statusOf(ctx context.Context) int {
	if by := (signalled{}); errors.As(context.Cause(ctx), &by) {
		return 128 + int(by.Signal)
	}
	return exitInterrupt
}

// interruption says of a command that ctx ended, and that left nothing to go on with, that
// it did.
func interruption(ctx context.Context) string {
	if by := (signalled{}); errors.As(context.Cause(ctx), &by) {
		return "interrupted by " + by.Error() + ": nothing was saved"
	}
	return "interrupted: nothing was saved"
}

// complain prints err as one line and returns the exit status for it.
func complain(ctx context.Context, stderr io.Writer, err error) int {
	code := exitError
	switch {
	case errors.As(err, new(usageError)):
		code = exitUsage
		err = fmt.Errorf("%w (lamina help shows the commands, lamina help COMMAND their flags)", err)
	case errors.As(err, new(interrupted)):
		code = statusOf(ctx)
	case errors.Is(err, context.Canceled):
		code = statusOf(ctx)
		err = errors.New(interruption(ctx))
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

// Package interrupt ends a program that was told to end: by an interrupt, a request to
// terminate, or the loss of its terminal. The program is one function that takes a context
// and returns an exit status.
//
//	os.Exit(interrupt.Heed("lamina", interrupt.Signals(), os.Stderr, func(ctx context.Context) int {
//		defer interrupt.Saving("the step under way is finished and saved")()
//		err := train(ctx)
//		if errors.Is(err, context.Canceled) {
//			return interrupt.Status(ctx)
//		}
//		…
//	}))
//
// Invariants: after the first signal the context is ended; a function that said that it
// saves is waited for, another is left after a second, whatever it is at; a second signal
// waits for nothing. What internal/files had begun to write is removed in each case.
package interrupt

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"

	"lamina/internal/files"
)

// Signals returns what brings the signals that end a program. A hang-up is none where the
// process was told to outlive it, as nohup does.
func Signals() <-chan os.Signal {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	if !signal.Ignored(syscall.SIGHUP) {
		signal.Notify(signals, syscall.SIGHUP)
	}
	return signals
}

// saver is what the program saves when it is told to end, in words; nil while there is
// nothing, as when it reads, counts or plans.
var saver atomic.Pointer[string]

// Saving says that until the function it returns is called the program ends by itself
// after a signal, and what it saves first.
func Saving(what string) (done func()) {
	saver.Store(&what)
	return func() { saver.Store(nil) }
}

// grace is how long a function that has nothing to save may take to end by itself.
const grace = time.Second

// Heed runs a program's function and returns its exit status. What signals bring ends it
// as the package says; program begins the lines that are written to stderr then.
func Heed(program string, signals <-chan os.Signal, stderr io.Writer, run func(context.Context) int) int {
	ctx, end := context.WithCancelCause(context.Background())
	defer end(nil)
	done := make(chan int, 1)
	go func() { done <- run(ctx) }()
	var by signalled
	select {
	case code := <-done:
		return code
	case s := <-signals:
		by.Signal, _ = s.(syscall.Signal)
	}
	signal.Ignore(syscall.SIGPIPE) // who read our output may have got the same signal
	end(by)
	if what := saver.Load(); what != nil {
		fmt.Fprintf(stderr, "%s: %v: %s; a second signal leaves at once\n", program, by, *what)
	}
	for wait := time.After(grace); ; {
		select {
		case code := <-done:
			return code
		case <-signals:
			files.RemoveUnfinished()
			return Status(ctx)
		case <-wait:
			if saver.Load() != nil {
				wait = time.After(grace)
				continue
			}
			files.RemoveUnfinished()
			fmt.Fprintf(stderr, "%s: %s\n", program, NothingSaved(ctx))
			return Status(ctx)
		}
	}
}

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

// Status is the exit status of a program whose context was ended: 128 and the number of
// the signal, that of an interrupt where none is known.
func Status(ctx context.Context) int {
	by := signalled{syscall.SIGINT}
	errors.As(context.Cause(ctx), &by)
	return 128 + int(by.Signal)
}

// NothingSaved says of a program whose context was ended, and that left nothing to go on
// with, that it did.
func NothingSaved(ctx context.Context) string {
	if by := (signalled{}); errors.As(context.Cause(ctx), &by) {
		return "interrupted by " + by.Error() + ": nothing was saved"
	}
	return "interrupted: nothing was saved"
}

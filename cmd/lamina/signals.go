package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"

	"lamina/internal/files"
)

// notified returns what brings the signals that end a command. A hang-up is none where the
// process was told to outlive it, as nohup does.
func notified() chan os.Signal {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	if !signal.Ignored(syscall.SIGHUP) {
		signal.Notify(signals, syscall.SIGHUP)
	}
	return signals
}

// saver is what the command saves when it is told to end, in words; nil while there is
// nothing, as when it reads, counts or plans.
var saver atomic.Pointer[string]

// saving says that until the function it returns is called the command ends by itself
// after a signal, and what it saves first.
func saving(what string) (done func()) {
	saver.Store(&what)
	return func() { saver.Store(nil) }
}

// grace is how long a command that has nothing to save may take to end by itself.
const grace = time.Second

// heeding runs a command and returns its exit status. The first signal ends its context; a
// command that saves is waited for, another is left where it is after the grace, whatever
// it is at, and what it was writing is removed. A second signal waits for nothing.
func heeding(signals <-chan os.Signal, stderr io.Writer, command func(context.Context) int) int {
	ctx, end := context.WithCancelCause(context.Background())
	defer end(nil)
	done := make(chan int, 1)
	go func() { done <- command(ctx) }()
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
		fmt.Fprintf(stderr, "lamina: %v: %s; a second signal leaves at once\n", by, *what)
	}
	for wait := time.After(grace); ; {
		select {
		case code := <-done:
			return code
		case <-signals:
			files.RemoveUnfinished()
			return statusOf(ctx)
		case <-wait:
			if saver.Load() != nil {
				wait = time.After(grace)
				continue
			}
			files.RemoveUnfinished()
			return complain(ctx, stderr, ctx.Err())
		}
	}
}

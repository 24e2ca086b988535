package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// outcome is how a call of lamina ended.
type outcome struct {
	Exit           int // -1: a signal
	Stdout, Stderr string
	Took           time.Duration
	Processor      time.Duration
	Peak           int64 // bytes of memory, where the system tells
	Late           bool  // it had to be killed
}

// called is a call of a program.
type called struct {
	Program, Dir string
	Env, Args    []string
	Limit        time.Duration
	Signal       syscall.Signal // sent at the limit; 0: it is killed
}

// call runs lamina in dir, for at most limit. The peak that is told is that of this
// process too: see apart.
func (l *lab) call(ctx context.Context, dir string, limit time.Duration, env []string, args ...string) (outcome, error) {
	return called{l.lamina, dir, env, args, limit, 0}.run(ctx)
}

func (c called) run(ctx context.Context) (outcome, error) {
	limited, cancel := context.WithTimeout(ctx, c.Limit)
	defer cancel()
	p := exec.CommandContext(limited, c.Program, c.Args...)
	var stdout, stderr bytes.Buffer
	p.Dir, p.Env, p.Stdout, p.Stderr = c.Dir, append(os.Environ(), c.Env...), &stdout, &stderr
	if c.Signal != 0 {
		p.Cancel = func() error { return p.Process.Signal(c.Signal) }
		p.WaitDelay = patience
	}
	started := time.Now()
	err := p.Start()
	if err == nil {
		boundMemory(p.Process.Pid)
		err = p.Wait()
	}
	o := outcome{Exit: -1, Stdout: stdout.String(), Stderr: stderr.String(), Took: time.Since(started)}
	if s := p.ProcessState; s != nil {
		o.Processor, o.Peak = s.UserTime()+s.SystemTime(), peak(s)
	}
	if o.Late = limited.Err() != nil; o.Late {
		if s := p.ProcessState; s != nil {
			o.Exit = s.ExitCode()
		}
		return o, ctx.Err()
	}
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return o, err
	}
	o.Exit = p.ProcessState.ExitCode()
	return o, ctx.Err()
}

// apart is call by a process between, which is small: a system counts as the memory of a
// program what its parent had when it was begun.
func (l *lab) apart(ctx context.Context, dir string, limit time.Duration, env []string, args ...string) (o outcome, err error) {
	text, err := json.Marshal(called{l.lamina, dir, env, args, limit, 0})
	if err != nil {
		return o, err
	}
	self, err := os.Executable()
	if err != nil {
		return o, err
	}
	p := exec.CommandContext(ctx, self, "-call")
	p.Stdin, p.Stderr = bytes.NewReader(text), os.Stderr
	said, err := p.Output()
	if err != nil {
		return o, fmt.Errorf("attack -call: %w", err)
	}
	return o, json.Unmarshal(said, &o)
}

// between is the process between.
func between(ctx context.Context, r io.Reader, w io.Writer) error {
	var c called
	if err := json.NewDecoder(r).Decode(&c); err != nil {
		return err
	}
	o, err := c.run(ctx)
	if err != nil {
		return err
	}
	return json.NewEncoder(w).Encode(o)
}

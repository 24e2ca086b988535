package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"lamina/bench/workload"
)

// mark begins the lines of a worker that are answers: libraries print what they
// like to standard output.
const mark = "@@ "

// answer is what a worker says to a request.
type answer struct {
	Seconds float64 `json:"seconds"`          // of one call, or of all that Tokens counts
	Tokens  int     `json:"tokens,omitempty"` // real ones, without padding
	Peak    int     `json:"peak,omitempty"`   // bytes resident at most since the process began
	Version string  `json:"version,omitempty"`
	Error   string  `json:"error,omitempty"`

	Limits *limits        `json:"limits,omitempty"`
	Cost   *workload.Cost `json:"cost,omitempty"` // of one call, from our own worker
}

// limits is a workload.Machine: what was reached on so many threads.
type limits struct {
	Peak float64 `json:"flops"`      // of multiply-adds
	Read float64 `json:"read_bytes"` // a second, from memory
	Copy float64 `json:"copy_bytes"` // a second, read and written
	BF16 float64 `json:"bf16_flops,omitempty"`
	Int8 float64 `json:"int8_flops,omitempty"`
}

// parseAnswer reads a line of a worker; ok is false for one that is none of the
// protocol's.
func parseAnswer(line string) (a answer, ok bool, err error) {
	text, ok := strings.CutPrefix(strings.TrimSpace(line), mark)
	if !ok {
		return a, false, nil
	}
	if err := json.Unmarshal([]byte(text), &a); err != nil {
		return a, true, fmt.Errorf("answer %.200q: %w", text, err)
	}
	if a.Error != "" {
		return a, true, errors.New(a.Error)
	}
	return a, true, nil
}

// worker is a process that measures one contender. It lives and stays warm while
// the others have their turns, and does nothing until it is asked.
type worker struct {
	name    string
	fresh   bool // of one case
	cmd     *exec.Cmd
	in      io.WriteCloser
	lines   chan string
	version string
}

// startWorker starts a contender's process and waits until it says hello. What it
// writes to standard error goes to a file in dir.
func startWorker(c contender, dir string) (*worker, error) {
	log, err := os.Create(filepath.Join(dir, c.name+".log"))
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd := exec.Command(c.command[0], c.command[1:]...)
	cmd.Env = append(os.Environ(), c.env...)
	cmd.Stderr = log
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("%s: %w", c.name, err)
	}
	w := &worker{name: c.name, cmd: cmd, in: in, lines: make(chan string)}
	go func() {
		defer close(w.lines)
		s := bufio.NewScanner(out)
		s.Buffer(nil, 1<<20)
		for s.Scan() {
			w.lines <- s.Text()
		}
	}()
	a, err := w.ask(10*time.Minute, "hello")
	if err != nil {
		w.stop()
		return nil, err
	}
	w.version = a.Version
	return w, nil
}

// ask sends one request, fields separated by tabs, and waits for its answer.
func (w *worker) ask(most time.Duration, fields ...any) (answer, error) {
	words := make([]string, len(fields))
	for i, f := range fields {
		words[i] = fmt.Sprint(f)
	}
	if _, err := io.WriteString(w.in, strings.Join(words, "\t")+"\n"); err != nil {
		return answer{}, fmt.Errorf("%s: %s: %w (see its log)", w.name, words[0], err)
	}
	late := time.After(most)
	for {
		select {
		case line, open := <-w.lines:
			if !open {
				return answer{}, fmt.Errorf("%s: %s: the process ended (see its log)", w.name, words[0])
			}
			a, ok, err := parseAnswer(line)
			if err != nil {
				return a, fmt.Errorf("%s: %s: %w", w.name, strings.Join(words, " "), err)
			}
			if ok {
				return a, nil
			}
		case <-late:
			return answer{}, fmt.Errorf("%s: %s: no answer in %v", w.name, words[0], most)
		}
	}
}

// stop ends the process: closing its input is the sign, a kill what follows.
func (w *worker) stop() {
	w.in.Close()
	timer := time.AfterFunc(5*time.Second, func() { w.cmd.Process.Kill() })
	defer timer.Stop()
	for range w.lines { // Wait must not close the pipe before all is read
	}
	w.cmd.Wait() // however it ended, it is gone
}

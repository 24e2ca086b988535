package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"slices"

	"lamina/crash/emulate"
	"lamina/crash/figures"
	"lamina/internal/files"
	"lamina/internal/progress"
	"lamina/internal/report"
	"lamina/kernels"
)

// commonFlags are accepted by every command.
type commonFlags struct {
	Device    string `default:"auto" placeholder:"DEVICE" help:"Where to compute: auto (default: a GPU if this binary has CUDA and one can be used, else the CPU), cpu, cuda or cuda:N; or cpu/avx2, cpu/generic: the CPU with those instructions and no better, for the very bits that a machine without them computes."`
	Precision string `default:"f32" placeholder:"TYPE" help:"Arithmetic of matrix products: f32 (default); bf16, which rounds their operands; bf16x3 and bf16x6, which split each into 2 and 3 parts of bf16; q8, which rounds inputs of GGUF blocks to 8 bits; or on a GPU tf32. Also PyTorch's words highest, high, medium. Sums, weights and all else stay f32."`
	Threads   []int  `default:"0" placeholder:"N" help:"Goroutines that compute at once on the CPU; 0: one per processor. Results do not depend on it."`
	Seed      uint64 `default:"42" placeholder:"N" help:"Seed of everything drawn at random (default 42)."`
	JSON      string `name:"json" placeholder:"FILE" help:"Write the result for machines to this file, whole or not at all."`
	prepackFlag
}

// session is what a command runs in: when to stop, where to write, the flags that
// every command takes, and what has to be closed at the end.
type session struct {
	commonFlags
	offer
	ctx            context.Context
	command        []string // what was typed, the program's name first
	stdout, stderr io.Writer

	be      kernels.Backend // of device, or what stands before it
	device  *opened         // nil: none yet
	closers []func()
	ownData bool     // the command brings its data: nobody need be told of its form
	warned  []string // lines that were shown
}

// check tests the common flags before anything is opened.
func (s *session) check() error {
	const most = 1024 // far above any machine
	for _, n := range s.Threads {
		if n < 0 || n > most || n == 0 && len(s.Threads) > 1 {
			return usagef("--threads %d: want 0 (one per processor) to %d", n, most)
		}
	}
	p, err := kernels.ParsePrecision(s.Precision)
	if err != nil {
		return usagef("--precision: %w", err)
	}
	if _, _, err := s.prepackFlag.parse(); err != nil {
		return err
	}
	if s.Precision != "high" { // what that is, the device decides
		s.Precision = p.String()
	}
	return wantFile("--json", s.JSON)
}

// workers returns the number of --threads. Only bench takes several.
func (s *session) workers() (int, error) {
	if len(s.Threads) != 1 {
		return 0, usagef("--threads with %d numbers: want one; several are for bench", len(s.Threads))
	}
	return s.Threads[0], nil
}

// backend opens the device on first use.
func (s *session) backend() (kernels.Backend, error) {
	if s.be != nil {
		return s.be, nil
	}
	threads, err := s.workers()
	if err != nil {
		return nil, err
	}
	o, err := openBackend(s.Device, s.Precision, threads, s.prepackFlag)
	if err != nil {
		return nil, err
	}
	if o.note != "" {
		s.notef("lamina: %s\n", oneLine(o.note))
	}
	s.closers = append(s.closers, func() { o.Close() })
	s.device, s.be, s.Precision = o, o.Backend, o.precision.String()
	return s.be, nil
}

// close releases what was opened, the last first.
func (s *session) close() {
	for i := len(s.closers) - 1; i >= 0; i-- {
		s.closers[i]()
	}
	s.closers = nil
}

// printf writes to standard output.
func (s *session) printf(format string, args ...any) { fmt.Fprintf(s.stdout, format, args...) }

// notef writes a remark to standard error.
func (s *session) notef(format string, args ...any) { fmt.Fprintf(s.stderr, format, args...) }

// warn writes each line to standard error, once in a session.
func (s *session) warn(lines []string) {
	for _, line := range lines {
		if !slices.Contains(s.warned, line) {
			s.warned = append(s.warned, line)
			s.notef("lamina: warning: %s\n", oneLine(line))
		}
	}
}

// warnf writes a warning to standard error, in a line, once in a session.
func (s *session) warnf(format string, args ...any) { s.warn([]string{fmt.Sprintf(format, args...)}) }

// warnOf warns of an emulator that is broken.
func (s *session) warnOf(h *emulate.Health) {
	if h != nil && h.Warning() != "" {
		s.warnf("%s", h.Warning())
	}
}

// table prints a table to standard output.
func (s *session) table(t report.Table) { io.WriteString(s.stdout, t.Text()) }

// progress returns a line that counts to total on a terminal.
func (s *session) progress(label string, total int) *progress.Bar {
	return progress.New(s.stderr, label, total)
}

// waiting says how long a call that counts nothing takes, until its Done.
func (s *session) waiting(label string) *progress.Bar { return progress.NewWait(s.stderr, label) }

// writeJSON writes v to the file of --json, if there is one.
func (s *session) writeJSON(v any) error {
	return s.writeJSONWith(func(w io.Writer) error {
		e := json.NewEncoder(w)
		e.SetEscapeHTML(false)
		return e.Encode(v)
	})
}

// writeResult writes the result v of a measurement to the file of --json, if there is one:
// a JSON object that begins with its kind and the command behind it, see [figures.Encode].
func (s *session) writeResult(kind string, v any) error {
	if s.JSON == "" {
		return nil
	}
	data, err := figures.Encode(kind, s.command, v)
	if err != nil {
		return err
	}
	return files.WriteBytes(s.JSON, data)
}

// plot draws the result v of a measurement into the file of a --plot, if there is one, from
// what writeResult writes: the first picture of its kind.
func (s *session) plot(path, kind string, v any) error {
	if path == "" {
		return nil
	}
	data, err := figures.Encode(kind, s.command, v)
	if err != nil {
		return err
	}
	_, shown, err := figures.Read("the result for "+path, data)
	if err != nil {
		return err
	}
	return files.Write(path, func(w io.Writer) error { return shown.Draw(w, filepath.Ext(path)) })
}

// show draws the result v of a measurement as plot does, prints what people read of it, and
// writes it as writeResult does.
func (s *session) show(path, kind string, v any) error {
	data, err := figures.Encode(kind, s.command, v)
	if err != nil {
		return err
	}
	_, shown, err := figures.Read("the result", data)
	if err != nil {
		return err
	}
	if path != "" {
		if err := files.Write(path, func(w io.Writer) error { return shown.Draw(w, filepath.Ext(path)) }); err != nil {
			return err
		}
	}
	s.printf("%s", shown.Text())
	if s.JSON == "" {
		return nil
	}
	return files.WriteBytes(s.JSON, data)
}

// wantPicture returns an error where a --plot names no file that could be drawn.
func wantPicture(path string) error {
	if ext := filepath.Ext(path); path != "" && ext != ".svg" && ext != ".png" {
		return usagef("--plot %s: want a name that ends in .svg or .png", path)
	}
	return wantFile("--plot", path)
}

// writeJSONWith lets write fill the file of --json, if there is one.
func (s *session) writeJSONWith(write func(w io.Writer) error) error {
	if s.JSON == "" {
		return nil
	}
	return files.Write(s.JSON, write)
}

// result writes v as JSON: to the file of --json, else to standard output. It is
// for commands whose result is JSON alone.
func (s *session) result(write func(w io.Writer) error) error {
	if s.JSON != "" {
		return s.writeJSONWith(write)
	}
	w := bufio.NewWriter(s.stdout)
	if err := write(w); err != nil {
		return err
	}
	return w.Flush()
}

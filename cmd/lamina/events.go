package main

import (
	"crypto/sha256"
	"fmt"
	"path/filepath"
	"strings"

	"lamina/crash/events"
	"lamina/crash/train"
	"lamina/internal/files"
)

// eventFlags let a training be watched.
type eventFlags struct {
	Events      string `placeholder:"jsonl:FILE" help:"Write an event a line as JSON while it trains: begin, step, validation, checkpoint, end, with the fields of metrics.jsonl; jsonl:- is standard output, and the result goes to standard error then. A resumed run goes on in the file, no step twice."`
	Tensorboard string `placeholder:"DIR" help:"Write the scalars for TensorBoard, under the names of the Trainer of transformers: train/loss, train/learning_rate, train/grad_norm, eval/loss, …; each cell of several rates and seeds in a directory of its own."`
}

// file returns the file of --events, "-" for standard output, "" where it is not given;
// result is the one of --json.
func (f eventFlags) file(result string) (string, error) {
	if f.Events == "" {
		return "", nil
	}
	path, ok := strings.CutPrefix(f.Events, "jsonl:")
	if !ok || path == "" {
		return "", usagef("--events %s: want jsonl:FILE, or jsonl:- for standard output", f.Events)
	}
	if path == "-" {
		return path, nil
	}
	if result != "" && filepath.Clean(path) == filepath.Clean(result) {
		return "", usagef("--events %s: is the file of --json: name another", f.Events)
	}
	return path, wantFile("--events", path)
}

// watched runs a training in its directory, and tells its events.
func (f eventFlags) watched(s *session, x training, t *train.Trainer, dir *train.RunDir, to outRunFlags) (train.Outcome, error) {
	stream, err := f.stream(s, to.Out, to.Overwrite)
	if err != nil {
		return train.Outcome{}, err
	}
	defer stream.Close()
	stream.Attach(t, "", to.Out)
	outcome, err := s.train(x, dir)
	stream.End(outcome, err)
	return outcome, err
}

// stream opens what they ask for, of the run in the directory out, whose config.json names
// it: nil where they ask for nothing.
func (f eventFlags) stream(s *session, out string, overwrite bool) (*events.Stream, error) {
	path, err := f.file(s.JSON)
	if err != nil || path == "" && f.Tensorboard == "" {
		return nil, err
	}
	config, err := files.Read(filepath.Join(out, "config.json"), files.Small)
	if err != nil {
		return nil, err
	}
	run := fmt.Sprintf("%x", sha256.Sum256(config))[:12]
	stream := &events.Stream{Run: run, Warn: func(text string) { s.warn([]string{text}) }}
	switch {
	case path == "-":
		stream.Sinks = append(stream.Sinks, events.NewLinesTo(s.stdout))
		s.stdout = s.stderr
	case path != "":
		if err := events.CheckLines(path, run, overwrite); err != nil {
			return nil, fmt.Errorf("--events %w", err)
		}
		stream.Sinks = append(stream.Sinks, events.NewLines(path, overwrite))
	}
	if dir := f.Tensorboard; dir != "" {
		if err := events.CheckTensorBoard(dir, run, overwrite); err != nil {
			return nil, fmt.Errorf("--tensorboard %w", err)
		}
		stream.Sinks = append(stream.Sinks, events.NewTensorBoard(dir, overwrite))
	}
	return stream, nil
}

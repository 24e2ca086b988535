package train

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"path/filepath"

	"lamina/internal/files"
)

// metricsSum is the file that holds the digest of a finished run's metrics, in the form of
// sha256sum.
const metricsSum = "metrics.sha256"

// maxMetrics is what the lines of 30,000,000 steps take.
const maxMetrics = 4 << 30

// journal is metrics.jsonl: lines are added at its end, and what a checkpoint knows of it
// is how many bytes it had then, and their digest.
type journal struct {
	f   *files.File
	at  int64     // its bytes
	sum hash.Hash // of them
}

// mark is what a checkpoint knows of the journal.
type mark struct {
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

func (j *journal) mark() *mark { return &mark{j.at, fmt.Sprintf("%x", j.sum.Sum(nil))} }

// add appends a line.
func (j *journal) add(line []byte) error {
	if _, err := j.f.Write(line); err != nil {
		return goesOn(err)
	}
	j.at += int64(len(line))
	j.sum.Write(line)
	return nil
}

// rewind drops what was written after step, whose checkpoint knows m, nil where it is an
// old one. If the journal is not what it was then, it keeps the whole lines up to step and
// says what is wrong.
func (j *journal) rewind(step int, m *mark) (wrong string, err error) {
	if m != nil {
		if err := j.reset(); err != nil {
			return "", err
		}
		switch n, err := io.CopyN(j.sum, j.f, m.Bytes); {
		case err != nil && !errors.Is(err, io.EOF):
			return "", err
		case n < m.Bytes:
			wrong = fmt.Sprintf("has %d bytes, and had %d at step %d: lines are missing", n, m.Bytes, step)
		case fmt.Sprintf("%x", j.sum.Sum(nil)) != m.SHA256:
			wrong = fmt.Sprintf("its first %d bytes are not what they were at step %d: it was changed", n, step)
		default:
			return "", j.cut(n)
		}
	}
	keep, err := j.linesTo(step)
	if err != nil {
		return wrong, err
	}
	if err := j.reset(); err != nil {
		return wrong, err
	}
	if _, err := io.CopyN(j.sum, j.f, keep); err != nil {
		return wrong, err
	}
	return wrong, j.cut(keep)
}

// reset goes back to the first byte.
func (j *journal) reset() error {
	j.sum, j.at = sha256.New(), 0
	_, err := j.f.Seek(0, io.SeekStart)
	return err
}

// cut makes the journal end after n bytes, of which it has the digest.
func (j *journal) cut(n int64) error {
	if err := j.f.Truncate(n); err != nil {
		return err
	}
	j.at = n
	_, err := j.f.Seek(n, io.SeekStart)
	return err
}

// linesTo counts the bytes of the whole lines up to a step.
func (j *journal) linesTo(step int) (keep int64, err error) {
	if err := j.reset(); err != nil {
		return 0, err
	}
	for lines := bufio.NewReader(j.f); ; {
		line, err := lines.ReadSlice('\n') // one that does not fit is none of ours
		if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, bufio.ErrBufferFull) {
			return 0, err
		}
		var m Metrics
		if !bytes.HasSuffix(line, []byte("\n")) || json.Unmarshal(line, &m) != nil || m.Step > step {
			return keep, nil
		}
		keep += int64(len(line))
	}
}

// Log appends a line to metrics.jsonl.
func (r *RunDir) Log(m Metrics) error {
	line, err := json.Marshal(m)
	if err != nil {
		return err
	}
	return r.metrics.add(append(line, '\n'))
}

// sealMetrics notes the digest of the lines, to which none is added.
func (r *RunDir) sealMetrics() error {
	return files.WriteBytes(filepath.Join(r.path, metricsSum), fmt.Appendf(nil, "%s  %s\n", r.metrics.mark().SHA256, metricsFile))
}

// ReadMetrics reads the metrics.jsonl of a run directory; lines after one that is
// cut short are left out. Of a finished run it is an error if the file was changed since.
func ReadMetrics(dir string) ([]Metrics, error) {
	path, seal := filepath.Join(dir, metricsFile), filepath.Join(dir, metricsSum)
	data, err := files.Read(path, maxMetrics)
	if err != nil {
		return nil, err
	}
	switch want, err := files.Read(seal, 1<<10); {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, err
	case string(want) != fmt.Sprintf("%x  %s\n", sha256.Sum256(data), metricsFile):
		return nil, fmt.Errorf("%s: not as it was written, by %s: put back a copy, or remove %[2]s to take it as it is", path, seal)
	}
	var all []Metrics
	for line := range bytes.Lines(data) {
		var m Metrics
		if json.Unmarshal(line, &m) != nil {
			break
		}
		all = append(all, m)
	}
	return all, nil
}

// LastMetrics returns the last step of a run directory that was taken, with the last
// validation loss.
func LastMetrics(dir string) (last Metrics, err error) {
	all, err := ReadMetrics(dir)
	valid, metric := 0.0, (*float64)(nil)
	for _, m := range all {
		switch {
		case m.ValidLoss != 0:
			valid, metric = m.ValidLoss, m.ValidMetric
		case m.Skipped == nil:
			last = m
		}
	}
	last.ValidLoss, last.ValidMetric = valid, metric
	return last, err
}

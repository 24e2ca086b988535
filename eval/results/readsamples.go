package results

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"strconv"

	"lamina/internal/files"
)

// Limits of a file of samples: of a line, which has a document and its prompts, and
// of the number of lines.
const (
	maxLine  = 64 << 20
	maxLines = 8 << 20
)

// samples are the lines of a task, by the filter they were logged for; "" where the
// harness is too old to say.
type samples struct {
	path    string
	filters map[string][]line
}

// line is one document.
type line struct {
	id                  string
	doc, prompt, target string // hashes
	values              map[string]value
}

// value is what a document adds to a metric: a number, and its weight in the sum.
type value struct{ of, weight float64 }

// number reads a number, true and false as 1 and 0, and what quoteSpecials quoted.
func number(text json.RawMessage) (float64, bool) {
	switch s := string(text); s {
	case "true":
		return 1, true
	case "false":
		return 0, true
	case `"NaN"`, `"Infinity"`, `"-Infinity"`:
		f, err := strconv.ParseFloat(s[1:len(s)-1], 64)
		return f, err == nil
	default:
		f, err := strconv.ParseFloat(s, 64)
		return f, err == nil || math.IsInf(f, 0) && errors.Is(err, strconv.ErrRange)
	}
}

// samples returns the samples of a task, nil where there are none.
func (r *Run) samples(task string) (*samples, error) {
	if s, ok := r.lookedAt[task]; ok {
		return s, nil
	}
	s, err := r.readSamples(task)
	if errors.Is(err, errNotThere) {
		err = nil
	}
	if err == nil {
		r.lookedAt[task] = s
	}
	return s, err
}

func (r *Run) readSamples(task string) (*samples, error) {
	f, path, err := r.openSamples(task)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	metrics := map[string]bool{}
	for _, s := range r.Scores {
		if s.Task == task {
			metrics[s.Metric] = true
		}
	}
	out := &samples{path, map[string][]line{}}
	sum := sha256.New()
	in := bufio.NewScanner(io.TeeReader(files.Dense(f, files.LongestZeros), sum))
	in.Buffer(make([]byte, 64<<10), maxLine)
	at := 0
	for in.Scan() {
		if at++; at > maxLines {
			return nil, fmt.Errorf("%s: more than %d lines", path, maxLines)
		}
		if len(in.Bytes()) == 0 {
			continue
		}
		filter, l, err := readLine(quoteSpecials(in.Bytes()), metrics)
		if err != nil {
			return nil, fmt.Errorf("%s:%d: is no sample: %w", path, at, err)
		}
		out.filters[filter] = append(out.filters[filter], l)
	}
	if err := in.Err(); errors.Is(err, bufio.ErrTooLong) {
		return nil, fmt.Errorf("%s:%d: more than %d bytes in a line", path, at+1, maxLine)
	} else if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if got, want := hex.EncodeToString(sum.Sum(nil)), r.sums[task]; want != "" && got != want {
		return nil, fmt.Errorf("%s: SHA-256 %.12s…, %s says %.12q…: it was changed since lamina eval wrote it: score anew", path, got, filepath.Base(r.Path), want)
	}
	return out, nil
}

func readLine(text []byte, metrics map[string]bool) (filter string, l line, err error) {
	members, err := object(text)
	if err != nil {
		return "", l, err
	}
	l.values = map[string]value{}
	for _, m := range members {
		var to *string
		switch m.name {
		case "filter":
			to = &filter
		case "doc_hash":
			to = &l.doc
		case "prompt_hash":
			to = &l.prompt
		case "target_hash":
			to = &l.target
		case "doc_id":
			l.id = string(m.value)
		default:
			if !metrics[m.name] {
				continue
			}
			if v, is := readValue(m.value); is {
				l.values[m.name] = v
			}
		}
		if to != nil && json.Unmarshal(m.value, to) != nil {
			return "", l, fmt.Errorf("%s: want a text", m.name)
		}
	}
	if l.id == "" && l.doc == "" {
		return "", l, fmt.Errorf("neither \"doc_id\" nor \"doc_hash\"")
	}
	return filter, l, nil
}

// readValue reads a number, or [log-probability, weight] of the metrics that are
// rolled over words or bytes.
func readValue(text json.RawMessage) (value, bool) {
	if v, is := number(text); is {
		return value{v, 1}, true
	}
	var pair []json.RawMessage
	if json.Unmarshal(text, &pair) != nil || len(pair) != 2 {
		return value{}, false
	}
	of, is := number(pair[0])
	weight, too := number(pair[1])
	return value{of, weight}, is && too && weight >= 0 // an empty page has no bytes
}

// documents is how many documents a task's scores are of, 0 where the results do
// not say.
func (r *Run) documents(task string) int {
	var n map[string]int
	if json.Unmarshal(r.perTask["n-samples"][task], &n) != nil {
		return 0
	}
	return n["effective"]
}

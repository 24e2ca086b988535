package sweep

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"regexp"

	"lamina/crash/study"
	"lamina/internal/files"
)

// format is that of the cells' files. It is part of every key: where a change of the program
// changes numbers it is counted up, and nothing is taken for the same that is not.
const format = 1

// maxResult bounds the file of a cell, some hundred bytes for each scored document.
const maxResult = 256 << 20

// Cells is a directory of cells, which studies and workers share:
//
//	results/KEY.json        what a cell came to
//	results/KEY.cost.json   time and memory that took, and where
//	claims/KEY              somebody is computing it
//	work/KEY-HOST/          what its computer goes on with after an interruption
//	shared/KEY/             similarities and choices that several cells need
type Cells struct{ Dir string }

// Result is what a cell came to: numbers alone, the same bytes whoever computes it.
type Result struct {
	Format int             `json:"format"`
	Made   json.RawMessage `json:"made"` // of what: its SHA-256 is the key
	Params int             `json:"params"`
	// Rows are one, or one a draw, without what they cost. None: the training diverged.
	Rows         []study.Row  `json:"rows,omitempty"`
	Diverged     string       `json:"diverged,omitempty"`
	AnswerTokens []int        `json:"answer_tokens,omitempty"`
	Chance       float64      `json:"chance"`
	Splits       study.Counts `json:"splits"`
}

// Cost is what computing a cell took.
type Cost struct {
	Host      string            `json:"host"`
	Seconds   float64           `json:"seconds"`
	PeakBytes int               `json:"peak_bytes"` // weights held, moments and the largest pass
	Versions  map[string]string `json:"versions"`
}

// key is what the names of cells look like.
var key = regexp.MustCompile(`^[0-9a-f]{64}$`)

func (c Cells) result(key string) string { return filepath.Join(c.Dir, "results", key+".json") }
func (c Cells) cost(key string) string   { return filepath.Join(c.Dir, "results", key+".cost.json") }
func (c Cells) claims() string           { return filepath.Join(c.Dir, "claims") }
func (c Cells) work(key, host string) string {
	return filepath.Join(c.Dir, "work", key+"-"+host)
}
func (c Cells) shared(key string) string { return filepath.Join(c.Dir, "shared", key) }

// Make makes the directories.
func (c Cells) Make() error {
	for _, dir := range []string{"results", "claims", "work", "shared"} {
		if err := files.MkdirAll(filepath.Join(c.Dir, dir), 0o777); err != nil {
			return fmt.Errorf("%s: %w", c.Dir, err)
		}
	}
	return nil
}

// Has reports whether a cell is computed.
func (c Cells) Has(key string) bool { return exists(c.result(key)) }

// Get reads a cell; [fs.ErrNotExist] where it is not computed.
func (c Cells) Get(key string) (r Result, err error) {
	if err := files.ReadSealed(c.result(key), maxResult, &r); err != nil {
		return r, err
	}
	var text bytes.Buffer
	if err := json.Compact(&text, r.Made); err != nil {
		return r, fmt.Errorf("%s: %w", c.result(key), err)
	}
	if got := digest(text.Bytes()); r.Format != format || got != key {
		return r, fmt.Errorf("%s: format %d, made of what has the digest %s: it is no result of this program under its own name: remove it", c.result(key), r.Format, got)
	}
	return r, nil
}

// Put writes a cell in one step. A second writer writes the same bytes.
func (c Cells) Put(key string, r Result, cost Cost) error {
	if err := files.WriteJSON(c.cost(key), cost); err != nil {
		return err
	}
	return files.WriteSealed(c.result(key), r)
}

// GetCost reads what a cell cost; where that is lost it is nothing.
func (c Cells) GetCost(key string) (cost Cost, err error) {
	err = files.ReadJSON(c.cost(key), &cost)
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return cost, err
}

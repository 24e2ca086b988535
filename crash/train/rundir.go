package train

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"lamina/internal/files"
)

// RunDir keeps a fine-tuning run on disk:
//
//	config.json            every setting; a later run must have the same
//	metrics.jsonl          one line a step or validation
//	checkpoints/step-N/    weights, moments, state; written whole, then renamed
//	checkpoints/LATEST     a hint at the newest
//	checkpoints/step-N.bad what was found damaged, put aside
//	best/                  the weights of the lowest validation loss
//	outcome.json           what a finished run came to, see [Trainer.Finish]
//	metrics.sha256         the digest of its metrics
//
// It is a [Store]. A checkpoint counts only if its MANIFEST (written last) lists
// every file with size and SHA-256, and they agree.
type RunDir struct {
	Warn func(text string) // told, in a line, of what is damaged and what is done about it; may be nil

	path    string
	metrics journal
}

const (
	metricsFile     = "metrics.jsonl"
	weightsFile     = "weights.safetensors"
	momentsFile     = "optim.safetensors"
	stateFile       = "state.json"
	latestFile      = "LATEST"
	checkpointsDir  = "checkpoints"
	bestDir         = "best"
	outcomeFile     = "outcome.json"
	keptCheckpoints = 2
)

// OpenRunDir makes or resumes the directory dir of a run with the given config
// (anything that marshals to a JSON object). A directory made with another config
// is refused with the first differences, unless overwrite: then its run is
// removed first. One process has it open at a time.
func OpenRunDir(dir string, config any, overwrite bool) (*RunDir, error) {
	want, err := json.MarshalIndent(config, "", "  ")
	if err != nil {
		return nil, err
	}
	want = append(want, '\n')
	if err := files.CheckSettings(dir, want, overwrite); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Join(dir, checkpointsDir), 0o755); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(filepath.Join(dir, metricsFile), os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	r := &RunDir{path: dir, metrics: journal{f: f, sum: sha256.New()}}
	if err := r.prepare(want, overwrite); err != nil {
		f.Close()
		return nil, err
	}
	return r, nil
}

// prepare locks the directory, cleans up after a killed process and writes the
// config.
func (r *RunDir) prepare(config []byte, overwrite bool) error {
	if err := files.TryLock(r.metrics.f); err != nil {
		return fmt.Errorf("%s: another process is running there: %w", r.path, err)
	}
	if info, err := r.metrics.f.Stat(); err != nil || !info.Mode().IsRegular() {
		return errors.Join(err, fmt.Errorf("%s: no regular file: choose another --out", r.metrics.f.Name()))
	}
	if overwrite {
		if err := r.metrics.f.Truncate(0); err != nil {
			return err
		}
		for _, name := range []string{outcomeFile, metricsSum, checkpointsDir, bestDir, "adapter", files.Settings} {
			if err := os.RemoveAll(filepath.Join(r.path, name)); err != nil {
				return err
			}
		}
		if err := os.Mkdir(filepath.Join(r.path, checkpointsDir), 0o755); err != nil {
			return err
		}
	}
	if err := files.Sweep(r.path); err != nil {
		return err
	}
	// A checkpoint is never replaced: what a killed process left beside them is no
	// loss.
	entries, err := os.ReadDir(filepath.Join(r.path, checkpointsDir))
	if err != nil {
		return err
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".step-") {
			if err := os.RemoveAll(filepath.Join(r.path, checkpointsDir, e.Name())); err != nil {
				return err
			}
		}
	}
	return files.WriteBytes(filepath.Join(r.path, files.Settings), config)
}

// Close closes the metrics file.
func (r *RunDir) Close() error { return r.metrics.f.Close() }

package train

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"path/filepath"

	"lamina/internal/files"
)

// RunDir keeps a fine-tuning run on disk:
//
//	config.json            every setting; a later run must have the same
//	metrics.jsonl          one line a step or validation
//	checkpoints/step-N/    weights, moments, state; written whole, then renamed
//	checkpoints/LATEST     a hint at the newest
//	checkpoints/step-N.bad what was found damaged, put aside; why says step-N.bad.txt
//	best/                  the weights of the lowest validation loss
//	outcome.json           what a finished run came to, see [Trainer.Finish]
//	failed.json            how one of several ended that diverged, see [RunDir.Fail]
//	metrics.sha256         the digest of its metrics
//	secret/                the key of a private run's noise, see [RunDir.NoiseKey]
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
	secretDir       = "secret"
	reasonSuffix    = ".txt"
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
	if err := files.MkdirAll(filepath.Join(dir, checkpointsDir), 0o755); err != nil {
		return nil, err
	}
	f, err := files.OpenOwn(filepath.Join(dir, metricsFile), maxMetrics)
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
	for _, dir := range []string{r.path, filepath.Join(r.path, checkpointsDir)} {
		if err := files.Sweep(dir, true); err != nil {
			return err
		}
	}
	return files.WriteSettings(r.path, config, overwrite, r.clear)
}

// clear removes a run.
func (r *RunDir) clear() error {
	for _, name := range []string{outcomeFile, failedFile, metricsSum, checkpointsDir, bestDir, secretDir, "adapter"} {
		if err := files.Remove(filepath.Join(r.path, name)); err != nil {
			return fmt.Errorf("%w: of an earlier run not all is removed: once that is mended the same command goes on", full(err))
		}
	}
	if err := r.metrics.f.Truncate(0); err != nil {
		return err
	}
	return files.MkdirAll(filepath.Join(r.path, checkpointsDir), 0o755)
}

// Close closes the metrics file.
func (r *RunDir) Close() error { return r.metrics.f.Close() }

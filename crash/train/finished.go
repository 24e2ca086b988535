package train

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"lamina/internal/files"
	"lamina/nn"
)

// A run whose result is wanted later than it ends, as the fits at several learning rates
// are, of which one is kept:
//
//	if out, done, err := dir.Finished(); done {
//		err = t.Restore(dir)        // the weights of then; nothing is trained
//	} else {
//		out, err = t.Run(ctx)
//		err = t.Finish(dir, out)
//	}
//	…                                   // the result is written elsewhere
//	err = dir.Forget()

// Finish notes that the run is done: it keeps the weights as best/, then the outcome,
// and then removes the checkpoints. Interrupted anywhere in between, the run is either
// resumed at its last step or finished.
func (t *Trainer) Finish(r *RunDir, o Outcome) error {
	if err := r.SaveBest(t.trained); err != nil {
		return err
	}
	if err := r.sealMetrics(); err != nil {
		return goesOn(err)
	}
	if err := files.WriteSealed(filepath.Join(r.path, outcomeFile), o); err != nil {
		return goesOn(err)
	}
	return goesOn(files.Remove(filepath.Join(r.path, checkpointsDir)))
}

// Finished returns the outcome of a run that is done; of one that failed the error is its
// [Diverged].
func (r *RunDir) Finished() (o Outcome, done bool, err error) {
	err = files.ReadSealed(filepath.Join(r.path, outcomeFile), files.Small, &o)
	if errors.Is(err, fs.ErrNotExist) {
		return o, false, r.failed()
	}
	return o, err == nil, err
}

// Resumable reports whether a run directory holds a finished run that was not forgotten.
func Resumable(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, outcomeFile))
	return err == nil
}

// Restore gives the parameters the weights that a finished run kept, in memory of the
// trainer until Close, without training a step.
func (t *Trainer) Restore(r *RunDir) error {
	var err error
	if t.trained, err = nn.Trainable(t.Backend, t.Params); err != nil {
		return err
	}
	defer t.trained.Freeze()
	if err := r.LoadBest(t.trained); err != nil {
		return fmt.Errorf("the weights of a finished run: %w: put back a copy, or pass --overwrite to train anew", err)
	}
	return nil
}

// ForgetWeights removes the weights of a finished run, of which another is kept; its
// outcome stays.
func (r *RunDir) ForgetWeights() error {
	for _, name := range []string{checkpointsDir, bestDir} {
		if err := files.Remove(filepath.Join(r.path, name)); err != nil {
			return goesOn(err)
		}
	}
	return nil
}

// Forget removes what only resuming needs, once the run's result is kept elsewhere: the
// outcome last, so that where it is gone all is.
func (r *RunDir) Forget() error {
	if err := r.ForgetWeights(); err != nil {
		return err
	}
	return goesOn(files.Remove(filepath.Join(r.path, outcomeFile)))
}

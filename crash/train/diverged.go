package train

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"lamina/internal/files"
)

// Diverged is the error of a training that came to a loss, or a gradient, that is not
// finite, after a step or in one. The same settings come to it again: who tries several goes
// on with the others.
type Diverged struct {
	Step int    `json:"step"`
	Text string `json:"error"`
}

func (d *Diverged) Error() string { return d.Text }

// divergedf is one, unless nothing was learned yet, where other settings are of no help.
func divergedf(step int, format string, args ...any) error {
	if step == 0 {
		return fmt.Errorf(format, args...)
	}
	return &Diverged{step, fmt.Sprintf(format, args...)}
}

// failedFile is where a run that is one of several notes that it diverged.
const failedFile = "failed.json"

// Fail notes that the run diverged, and removes what only going on needs: [RunDir.Finished]
// returns the error from then on, until the run is overwritten.
func (r *RunDir) Fail(d *Diverged) error {
	if err := files.WriteSealed(filepath.Join(r.path, failedFile), d); err != nil {
		return goesOn(err)
	}
	return r.ForgetWeights()
}

// failed returns what [RunDir.Fail] noted, nil where nothing is.
func (r *RunDir) failed() error {
	d := &Diverged{}
	switch err := files.ReadSealed(filepath.Join(r.path, failedFile), files.Small, d); {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	}
	return d
}

package train

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"lamina/crash/privacy"
	"lamina/internal/files"
)

// secretFile holds the key of a private run's noise.
const secretFile = "noise.json"

// secret is its content, with a digest behind it.
type secret struct {
	Key string `json:"key"`
}

// KeyOf returns the key of a run with some settings: nil of one that is not private, that
// of a seed where one is given, else [RunDir.NoiseKey].
func (r *RunDir) KeyOf(s Settings) (*privacy.Key, error) {
	switch d := s.Private; {
	case d == nil:
		return nil, nil
	case d.Seed != nil:
		k := privacy.TestKey(*d.Seed)
		return &k, nil
	}
	return r.NoiseKey()
}

// NoiseKey returns the key by which a private run draws examples and noise, so that a run
// that goes on has the same bits: drawn from the system's cryptographic source when it is
// first asked for, and kept in secret/, which its owner alone can read. It stands nowhere
// else, neither in config.json nor in a checkpoint or an adapter. A run that has
// checkpoints and no key is an error.
func (r *RunDir) NoiseKey() (*privacy.Key, error) {
	dir := filepath.Join(r.path, secretDir)
	path := filepath.Join(dir, secretFile)
	var kept secret
	err := files.ReadSealed(path, files.Small, &kept)
	switch {
	case err == nil:
		k, err := privacy.ParseKey(kept.Key)
		if err != nil {
			return nil, fmt.Errorf("%s: %w: put back a copy, or pass --overwrite to begin anew at step 0", path, err)
		}
		return &k, nil
	case !errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%w, or pass --overwrite to begin anew at step 0", err)
	case len(r.steps()) > 0:
		return nil, fmt.Errorf("%s: is missing, and the run that began with it cannot go on to the same bits: put back a copy, or pass --overwrite to begin anew at step 0", path)
	}
	k, err := privacy.NewKey()
	if err != nil {
		return nil, err
	}
	if err := files.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	return &k, files.WriteSealed(path, secret{k.Secret()})
}

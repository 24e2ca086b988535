//go:build !linux && !darwin

package files

import "errors"

// exchange cannot be done in one step here.
func exchange(string, string) error { return errors.ErrUnsupported }

//go:build !darwin && !dragonfly && !freebsd && !linux && !netbsd && !openbsd && !windows

package files

import "os"

// tryLock knows no locks here.
func tryLock(*os.File, uint64) (got, supported bool) { return false, false }

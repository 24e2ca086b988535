//go:build !linux && !darwin && !windows

package hub

import "os"

// tryLock knows no locks here.
func tryLock(*os.File) (got, supported bool) { return false, false }

// freeBytes does not know.
func freeBytes(string) (free uint64, known bool) { return 0, false }

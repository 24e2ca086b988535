//go:build !unix

package simd

import "testing"

func fenced(t *testing.T, n int) []byte {
	t.Skip("needs mprotect")
	return nil
}

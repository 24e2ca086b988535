//go:build !linux || !amd64

package trace

import (
	"context"
	"errors"
)

// Available reports whether Run works here.
const Available = false

// Run is an error here.
func Run(context.Context, Program, Fault) (Done, error) {
	return Done{}, errors.New("trace: Run: only on linux/amd64")
}

package transformer

import (
	"context"
	"slices"
)

// What ended a text.
const (
	EndedByToken     = "end token"
	EndedByLimit     = "max tokens"
	EndedByPositions = "last position"
	EndedByUser      = "interrupt"
)

// Ended says what ended a generated text of some ids. cut says that the model has no
// position for as many as were asked for.
func Ended(ctx context.Context, ids, ends []int32, cut bool) string {
	switch {
	case ctx.Err() != nil:
		return EndedByUser
	case len(ids) > 0 && slices.Contains(ends, ids[len(ids)-1]):
		return EndedByToken
	case cut:
		return EndedByPositions
	}
	return EndedByLimit
}

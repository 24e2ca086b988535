package taskfile

import (
	"sync/atomic"

	"lamina/internal/jinja"
	"lamina/record"
)

// What templates may write: some for each row and each byte of it, and maxMade at all.
const (
	maxMade   = 64 << 20
	madeByRow = 16 << 10 // a prompt that all rows have
	copies    = 16
	maxList   = 1 << 20 // bytes of a list that a template writes
)

// written counts what the templates of a file wrote, and what they may.
type written struct{ made, may atomic.Int64 }

// add counts what a template wrote for a row.
func (w *written) add(at *source, text string, fields record.Object) error {
	may := w.may.Add(int64(madeByRow + copies*jinja.Size(fields)))
	if made := w.made.Add(int64(len(text))); made > maxMade+may {
		return at.errorf("the templates write %d bytes so far, more than %d and %d times the rows", made, maxMade, copies)
	}
	return nil
}

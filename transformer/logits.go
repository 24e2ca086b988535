package transformer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"

	"lamina/autograd"
	"lamina/kernels"
)

// WriteLogits writes the logits after every token of rows as JSON: an array [rows]
// [tokens][vocabulary], each number with the digits that give the same float32 back.
// Rows run one at a time, for the logits of all would be the largest thing in memory;
// progress, if not nil, is told how many are written.
func (d *Decoder) WriteLogits(ctx context.Context, be kernels.Backend, rows [][]int32, w io.Writer, progress func(done int)) error {
	p := autograd.NewPass(be)
	defer p.Close()
	text := []byte{'['}
	for i, row := range rows {
		if err := ctx.Err(); err != nil {
			return err
		}
		logits := d.Logits(p, d.Forward(p, NewBatch(row), nil)).T.Float32s()
		if err := p.Sync(); err != nil {
			return fmt.Errorf("row %d: %w", i, err)
		}
		p.Reset()
		if i > 0 {
			text = append(text, ',', '\n')
		}
		text = append(text, '[')
		var err error
		if text, err = writeLogits(w, text, logits, d.Config.Vocab); errors.Is(err, errNotFinite) {
			return fmt.Errorf("row %d: %w%s", i, err, d.whence(be, row))
		} else if err != nil {
			return fmt.Errorf("row %d: %w", i, err)
		}
		text = append(text, ']')
		if progress != nil {
			progress(i + 1)
		}
	}
	_, err := w.Write(append(text, ']', '\n'))
	return err
}

// errNotFinite is the error of a number that JSON cannot hold.
var errNotFinite = errors.New("which is not finite")

// writeLogits writes text and then a row's logits [T V]; it returns what is yet to be
// written in a buffer to be used again.
func writeLogits(w io.Writer, text []byte, logits []float32, vocab int) ([]byte, error) {
	for t := range len(logits) / vocab {
		if t > 0 {
			text = append(text, ',')
		}
		for j, v := range logits[t*vocab : (t+1)*vocab] {
			if !finite(v) {
				return nil, fmt.Errorf("token %d: logit %d is %v, %w", t, j, v, errNotFinite)
			}
			if j == 0 {
				text = append(text, '[')
			} else {
				text = append(text, ',')
			}
			text = strconv.AppendFloat(text, float64(v), 'g', -1, 32)
		}
		text = append(text, ']')
		if _, err := w.Write(text); err != nil {
			return nil, err
		}
		text = text[:0]
	}
	return text, nil
}

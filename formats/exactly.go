package formats

import (
	"fmt"
	"io"
)

// WriteExactly calls write with a writer that passes on to w, and wants size bytes of it: one
// more is refused before it reaches w, one less is an error at the end. Headers of files say
// sizes before the bytes come.
func WriteExactly(w io.Writer, size int64, write func(w io.Writer) error) error {
	l := &limited{w: w, left: size}
	if err := write(l); err != nil {
		return err
	}
	if l.left != 0 {
		return fmt.Errorf("%d of %d bytes were not written", l.left, size)
	}
	return nil
}

// limited refuses the byte after the declared size.
type limited struct {
	w    io.Writer
	left int64
}

func (l *limited) Write(p []byte) (int, error) {
	if int64(len(p)) > l.left {
		return 0, fmt.Errorf("%d bytes more than declared", int64(len(p))-l.left)
	}
	n, err := l.w.Write(p)
	l.left -= int64(n)
	return n, err
}

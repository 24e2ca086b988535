package files

import (
	"bytes"
	"fmt"
	"io"
)

// Dense returns a reader of r that ends with an error behind zeros bytes of zero in a row.
// A hole of a sparse file reads so: one of a terabyte takes no room on a disk, and an hour
// to be read to its end.
func Dense(r io.Reader, zeros int) io.Reader { return &dense{r: r, most: zeros} }

// LongestZeros is more zeros than a text or a compressed file has in a row.
const LongestZeros = 256 << 10

type dense struct {
	r           io.Reader
	most, zeros int // zeros: the last bytes that were read
}

func (d *dense) Read(p []byte) (int, error) {
	n, err := d.r.Read(p)
	if rest := len(bytes.TrimRight(p[:n], "\x00")); rest > 0 {
		d.zeros = n - rest
	} else {
		d.zeros += n
	}
	if d.zeros >= d.most {
		return n, fmt.Errorf("%d bytes of zero in a row, as a file has that was not copied whole: take a fresh copy", d.zeros)
	}
	return n, err
}

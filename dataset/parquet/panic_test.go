package parquet

import (
	"strings"
	"testing"
)

// A panic of a decoder is an error of the page: here decoders that are not there.
func TestPanickingCodecIsAnError(t *testing.T) {
	src := []byte("some page, whatever is in it")
	for _, codec := range []int64{codecGzip, codecBrotli, codecZstd} {
		var none *inflater
		_, err := none.decode(codec, nil, append([]byte{0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x00}, src...), 1000)
		if err == nil || !strings.HasPrefix(err.Error(), "its decoder gave up: runtime error: ") {
			t.Errorf("codec %d: error %v", codec, err)
		}
	}
	if out, err := new(inflater).inflate(codecSnappy, nil, append([]byte{4, 3 << 2}, "text"...), 4); string(out) != "text" {
		t.Errorf("a whole page gave %q, error %v", out, err)
	}
}

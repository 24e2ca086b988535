package tokenizer

import (
	"fmt"
	"math"
	"sync/atomic"
	"time"
)

// Limits of the time that a pattern of a file may take: of one stretch of text, and of
// all texts. Engines take less than one microsecond a byte for published patterns.
const (
	textTime  = 2 * time.Second
	totalTime = 60 * time.Second
	byteTime  = 20 * time.Microsecond // more for each byte
	noLimit   = time.Duration(math.MaxInt64)
)

func tooLong(limit time.Duration) error { return fmt.Errorf("takes longer than %v", limit) }

// patience is what is left to one pattern, in all goroutines. A nil one has no end.
type patience struct {
	text, total  time.Duration
	bytes, spent atomic.Int64
}

func newPatience() *patience { return &patience{text: textTime, total: totalTime} }

// limit returns how long the pattern may look through n further bytes.
func (p *patience) limit(n int) time.Duration {
	if p == nil {
		return noLimit
	}
	all := time.Duration(p.bytes.Add(int64(n))) * byteTime
	return min(p.text+time.Duration(n)*byteTime, p.total+all-time.Duration(p.spent.Load()))
}

// spend counts the time since start.
func (p *patience) spend(start time.Time) {
	if p != nil {
		p.spent.Add(int64(time.Since(start)))
	}
}

package parquet

import "fmt"

// What reading a file may take beyond the bytes it is read into: the pages and
// dictionaries that its columns hold, all of them together, and no more for one row.
// Columns of one value are stored in a thousandth of what they are, so small files have
// something free. A reader that keeps the rows has as much again for them, see
// [lamina/record.Kept].
const (
	freeMemory    = 20 << 20
	memoryPerByte = 5
)

// memory counts what the columns of a file hold.
type memory struct {
	size, most, held int64
}

func memoryOf(size int64) *memory {
	return &memory{size: size, most: freeMemory + memoryPerByte*min(size, 1<<40)}
}

// check returns an error if n bytes more are too many. n may be what the file claims.
func (m *memory) check(n int64) error {
	if n <= 0 || n <= m.most-m.held {
		return nil
	}
	return fmt.Errorf("the columns hold %d bytes, and %d is the most that reading a file of %d bytes may take: write it with smaller pages, or uncompressed", m.held, m.most, m.size)
}

// Bytes in memory of a value in a list or a dictionary, and of a field.
const (
	valueBytes = 16
	fieldBytes = 2 * valueBytes
)

// spend counts what a row takes.
func (s *scanner) spend(n int) error {
	if s.spent += int64(n); s.spent <= s.memory.most {
		return nil
	}
	return fmt.Errorf("a row of more than %d bytes in a file of %d: write fewer columns, or shorter lists", s.memory.most, s.memory.size)
}

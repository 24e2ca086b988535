package dataset

import (
	"fmt"
	"io"

	"lamina/record"
)

// maxTail is the most bytes behind the rows of a file that has them inside one object.
const maxTail = 1 << 20

// scanMember reads the rows of {"Data": [{…}, …], …}, the form of TriviaQA, one at
// a time. What stands behind the rows is checked to be JSON and left.
func scanMember(text *stream, name string, longest int) rows {
	return func(yield func(record.Record, error) bool) {
		items := record.NewItems(text.Reader, record.Location{File: name, Line: 1}, longest)
		// That the file begins {"Data": [ has been seen already: step over both brackets.
		err := items.Over('{')
		if err == nil {
			err = items.Over('[')
		}
		if err == nil {
			if !items.Read(yield) {
				return
			}
			err = checkTail(text, items.At())
		}
		if err != nil {
			yield(record.Record{}, err)
		}
	}
}

// checkTail checks what follows the array of rows.
func checkTail(text *stream, at record.Location) error {
	rest, err := io.ReadAll(io.LimitReader(text, maxTail+1))
	if err != nil {
		return at.Errorf("%w", err)
	}
	if len(rest) > maxTail {
		return at.Errorf("more than %d bytes behind \"Data\"", maxTail)
	}
	if _, err := record.Parse(append([]byte(`{"Data":[]`), rest...), record.Location{}); err != nil {
		return fmt.Errorf("%s: behind \"Data\": %w", at.File, err)
	}
	return nil
}

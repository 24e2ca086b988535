package tokenizer

import (
	"errors"
	"fmt"
	"strconv"

	"lamina/internal/strictjson"
)

// maxJSONDepth bounds the nesting of any JSON text read here.
const maxJSONDepth = 64

// parseJSON reads a text that is one JSON value.
func parseJSON(text []byte) (strictjson.Node, error) {
	n, err := strictjson.Parse(text, strictjson.Rules{Depth: maxJSONDepth})
	var at *strictjson.Error
	if errors.As(err, &at) {
		return strictjson.Node{}, fmt.Errorf("json: byte %d: %s", at.Offset, at.Reason)
	}
	return n, err
}

// quote renders a name from a file for a message: quoted, at most 128 bytes.
func quote(s string) string { return strconv.Quote(s[:min(len(s), 128)]) }

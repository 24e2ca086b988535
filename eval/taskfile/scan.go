package taskfile

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/goccy/go-yaml/scanner"
	"github.com/goccy/go-yaml/token"
)

// Limits of a file, beside its size. The library takes some hundred bytes for each token,
// calls itself for each entry of a mapping and copies all that come behind it; what it
// does with empty lines, comments and long lines grows with their square too. Files of the
// harness stay below a tenth of these.
const (
	maxTokens = 16 << 10
	maxKeys   = 2048    // of all mappings
	maxCopies = 500_000 // of entries: one mapping of a thousand, or many small ones
	maxBlank  = 1000    // lines that are empty, one after the other
	maxLine   = 64 << 10
)

// scan cuts a file into tokens, without its comments, and stops where there are too many
// or something is not known here.
func scan(text, name string) (tokens token.Tokens, err error) {
	if err := scannable(text, name); err != nil {
		return nil, err
	}
	var s scanner.Scanner
	s.Init(text)
	c := counter{file: name}
	for {
		some, err := s.Scan()
		for _, t := range some {
			if err := c.count(t); err != nil {
				return nil, err
			}
			if t.Type != token.CommentType {
				tokens.Add(t)
			}
		}
		if errors.Is(err, io.EOF) {
			return tokens, nil
		}
		if err != nil && len(some) == 0 {
			return nil, fmt.Errorf("%s: is no YAML: %w", name, err)
		}
	}
}

// scannable refuses what the scanner alone would do much work for.
func scannable(text, name string) error {
	number, blank := 0, 0
	for line := range strings.Lines(text) {
		number++
		if len(line) > maxLine {
			return fmt.Errorf("%s:%d: a line of %d bytes, more than the %d it may have", name, number, len(line), maxLine)
		}
		if blank++; strings.Trim(line, " \t\r\n") != "" {
			blank = 0
		}
		if blank > maxBlank {
			return fmt.Errorf("%s:%d: more than %d empty lines in a row", name, number, maxBlank)
		}
	}
	return nil
}

// counter adds up what the parser will do for tokens.
type counter struct {
	file                 string
	tokens, keys, copies int
	flow                 int   // brackets that are open
	columns, entries     []int // of the block mappings that are open
	last                 *token.Token
}

func (c *counter) count(t *token.Token) error {
	at := decoder{c.file}.at(t)
	if c.tokens++; c.tokens > maxTokens {
		return at.errorf("more than %d parts: keys, values and marks", maxTokens)
	}
	switch t.Type {
	case token.AnchorType, token.AliasType:
		return at.errorf("anchors and aliases are not known: write the value out")
	case token.DirectiveType:
		return at.errorf("directives are not known: leave the line out")
	case token.SequenceStartType, token.MappingStartType:
		c.flow++
	case token.SequenceEndType, token.MappingEndType:
		c.flow = max(c.flow-1, 0)
	case token.SequenceEntryType:
		c.close(at.col)
	case token.MappingKeyType:
		if err := c.key(at); err != nil {
			return err
		}
	case token.MappingValueType:
		if c.last != nil {
			at = decoder{c.file}.at(c.last)
		}
		if err := c.key(at); err != nil {
			return err
		}
	}
	if t.Type != token.CommentType {
		c.last = t
	}
	return nil
}

// close ends the mappings whose keys stand to the right of a column.
func (c *counter) close(column int) {
	for n := len(c.columns); c.flow == 0 && n > 0 && c.columns[n-1] > column; n-- {
		c.columns, c.entries = c.columns[:n-1], c.entries[:n-1]
	}
}

// key counts an entry of the mapping whose keys stand where this one does.
func (c *counter) key(at place) error {
	if c.keys++; c.keys > maxKeys {
		return at.errorf("more than %d keys", maxKeys)
	}
	c.close(at.col)
	n := len(c.columns)
	if n == 0 || c.columns[n-1] != at.col {
		c.columns, c.entries = append(c.columns, at.col), append(c.entries, 0)
		n++
	}
	c.entries[n-1]++
	if c.copies += c.entries[n-1]; c.copies > maxCopies {
		return at.errorf("too many keys in one place: put them into several files")
	}
	return nil
}

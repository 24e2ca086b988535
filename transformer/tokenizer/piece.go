package tokenizer

import (
	"fmt"
	"unicode/utf8"
)

// A piece is a stretch of text on its way to the model. first says that the
// whole text begins with it. from is nil where only ids are wanted; else it
// holds, for every byte of text from the index at on, the bytes of the whole
// text as it came that this byte stands for (tokenizers, normalizer.rs:
// alignments).
type piece struct {
	text  string
	from  *[]span
	at    int32
	first bool
	most  int // bytes that a replacement may make it, 0 for maxLonger times its own
}

// whole returns the piece that is all of a text; aligned fills from.
func whole(text string, aligned bool) piece {
	p := piece{text: text, first: true}
	if aligned {
		from := make([]span, len(text))
		for i, r := range text {
			w := utf8.RuneLen(r)
			for j := range w {
				from[i+j] = span{int32(i), int32(i + w)}
			}
		}
		p.from = &from
	}
	return p
}

// stands returns what the bytes of p stand for.
func (p piece) stands() []span { return (*p.from)[p.at : int(p.at)+len(p.text)] }

// slice returns the bytes from to to of p.
func (p piece) slice(from, to int) piece {
	return piece{text: p.text[from:to], from: p.from, at: p.at + int32(from), first: p.first && from == 0}
}

// prepend puts a prefix before p, which is not empty; it stands for p's first
// character.
func (p piece) prepend(prefix string) piece {
	q := piece{text: prefix + p.text, first: p.first}
	if p.from != nil {
		from := make([]span, len(prefix), len(q.text))
		for i := range from {
			from[i] = p.stands()[0]
		}
		from = append(from, p.stands()...)
		q.from = &from
	}
	return q
}

// mayGrow returns how many bytes p may become.
func (p piece) mayGrow() int {
	if p.most > 0 {
		return p.most
	}
	return maxLonger*len(p.text) + 1<<16
}

// replace puts content in the place of every match; it stands for the last
// character of what it replaces.
func (p piece) replace(find finder, content string) piece {
	out := make([]byte, 0, len(p.text)+len(p.text)/4)
	var from []span
	done, most := 0, p.mayGrow()
	find(p.text, func(a, b int) {
		if len(out) > most {
			panic(&PatternError{content, fmt.Errorf("makes a text more than %d times longer", maxLonger)})
		}
		out = append(append(out, p.text[done:a]...), content...)
		if p.from != nil {
			from = append(from, p.stands()[done:a]...)
			for range len(content) {
				from = append(from, p.stands()[b-1])
			}
		}
		done = b
	})
	if done == 0 {
		return p
	}
	q := piece{text: string(append(out, p.text[done:]...)), first: p.first}
	if p.from != nil {
		from = append(from, p.stands()[done:]...)
		q.from = &from
	}
	return q
}

// spell writes the bytes of p in the byte-level alphabet.
func (p piece) spell() piece {
	q := piece{text: toByteLevel(p.text), first: p.first}
	if p.from != nil {
		from := make([]span, 0, len(q.text))
		for i, s := range p.stands() {
			for range utf8.RuneLen(byteToRune[p.text[i]]) {
				from = append(from, s)
			}
		}
		q.from = &from
	}
	return q
}

// edit is a rune of a rewritten text: change 1 says that it is new, 0 that it
// takes the place of a rune, -n that it also takes those of the n after it
// (tokenizers, normalizer.rs: transform_range).
type edit struct {
	r      rune
	change int
}

// edited returns p rewritten. A new rune stands for what the rune before the
// place reached stood for.
func (p piece) edited(edits []edit) piece {
	from, out := make([]span, 0, len(p.text)), make([]byte, 0, len(p.text))
	at := 0 // bytes of p.text taken so far
	for _, e := range edits {
		stands := span{}
		if e.change <= 0 {
			stands = p.stands()[at]
			for range 1 - e.change {
				_, w := utf8.DecodeRuneInString(p.text[at:])
				at += w
			}
		} else if at > 0 {
			stands = p.stands()[at-1]
		}
		out = utf8.AppendRune(out, e.r)
		for range utf8.RuneLen(e.r) {
			from = append(from, stands)
		}
	}
	return piece{text: string(out), from: &from, first: p.first}
}

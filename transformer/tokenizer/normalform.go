package tokenizer

import (
	"cmp"
	"slices"

	"golang.org/x/text/unicode/norm"
)

// normalized returns p in a Unicode normal form.
func normalized(form norm.Form, p piece) piece {
	switch {
	case p.from != nil:
		if form.IsNormalString(p.text) {
			return p // every rune stays in its place
		}
		return p.edited(normalEdits(form, p.text))
	case longMarks(p.text):
		p.text = byDefinition(form, p.text)
	default:
		p.text = form.String(p.text)
	}
	return p
}

// byDefinition is form.String without its Stream-Safe limit: x/text puts a
// U+034F into runs of more than 30 combining marks, Unicode's definition and
// the reference do not.
func byDefinition(form norm.Form, s string) string {
	var runes []rune
	for _, e := range normalEdits(form, s) {
		runes = append(runes, e.r)
	}
	return string(runes)
}

// normalEdits rewrites s by Unicode's definition (3.11: decompose, order,
// compose). Of what a rune decomposes to the first takes its place and the
// rest is new; a composed rune takes the places of both.
func normalEdits(form norm.Form, s string) []edit {
	decompose := norm.NFD
	if form == norm.NFKC || form == norm.NFKD {
		decompose = norm.NFKD
	}
	edits := make([]edit, 0, len(s))
	for _, r := range s {
		parts := string(decompose.PropertiesString(string(r)).Decomposition())
		if parts == "" {
			// Hangul syllables decompose by arithmetic, not by table.
			parts = decompose.String(string(r))
		}
		for i, d := range parts {
			edits = append(edits, edit{d, min(i, 1)})
		}
	}
	order(edits)
	if form == norm.NFC || form == norm.NFKC {
		edits = compose(edits)
	}
	return edits
}

// longMarks reports whether s has 30 or more marks in a row, counting the
// marks a rune decomposes into.
func longMarks(s string) bool {
	run := 0
	for _, r := range s {
		if r < 0xc0 { // neither marks nor decomposed to any
			run = 0
			continue
		}
		p := norm.NFKD.PropertiesString(string(r))
		switch {
		case p.CCC() != 0:
			run++
		case p.TrailCCC() != 0:
			run = 4 // at most that many marks end a decomposition
		default:
			run = 0
		}
		if run >= 20 {
			return true
		}
	}
	return false
}

func combiningClass(r rune) uint8 { return norm.NFD.PropertiesString(string(r)).CCC() }

// order sorts every run of marks by combining class, stably (Unicode 3.11,
// canonical ordering).
func order(edits []edit) {
	for from := 0; from < len(edits); {
		to := from
		for to < len(edits) && combiningClass(edits[to].r) != 0 {
			to++
		}
		if to > from {
			sortMarks(edits[from:to])
		}
		from = to + 1
	}
}

func sortMarks(marks []edit) {
	if len(marks) <= 32 {
		slices.SortStableFunc(marks, func(a, b edit) int { return cmp.Compare(combiningClass(a.r), combiningClass(b.r)) })
		return
	}
	var byClass [256][]edit
	for _, e := range marks {
		c := combiningClass(e.r)
		byClass[c] = append(byClass[c], e)
	}
	at := 0
	for _, same := range byClass {
		at += copy(marks[at:], same)
	}
}

// compose is the canonical composition algorithm (Unicode 3.11, D117).
func compose(edits []edit) []edit {
	out := edits[:0]
	starter, last := -1, uint8(0)
	for _, e := range edits {
		class := combiningClass(e.r)
		if starter >= 0 && (last < class || last == 0 && len(out) == starter+1) {
			pair := []rune(norm.NFC.String(string([]rune{out[starter].r, e.r})))
			if len(pair) == 1 {
				out[starter] = edit{pair[0], out[starter].change + e.change - 1}
				continue
			}
		}
		if class == 0 {
			starter = len(out)
		}
		last = class
		out = append(out, e)
	}
	return out
}

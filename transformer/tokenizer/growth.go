package tokenizer

import (
	"iter"

	"lamina/internal/strictjson"
)

// maxGrowth bounds how much longer the components of a file may make a text,
// bytes for bytes. LLaMA's are at 12; a row of replacements that each double
// the text would be a bomb. It is a bound for any text, which Unicode's forms make
// large; what a replacement does make longer, and any decoder, stays below maxLonger.
const (
	maxGrowth = 1 << 12
	maxLonger = 64
)

// maxComponents bounds the components of a kind, each of which goes over the whole text.
// Published files have up to six.
const maxComponents = 64

// checkGrowth refuses a component of too many parts, or of parts that together may pass
// maxGrowth.
func checkGrowth(f field) error {
	if f.null() {
		return nil
	}
	if n := components(f.Node, maxNesting*2); n > maxComponents {
		return f.errorf("more than %d components", maxComponents)
	}
	if n := patternBytes(f.Node, maxNesting*2); n > maxPatterns {
		return f.errorf("patterns of %d bytes, at most %d are taken", n, maxPatterns)
	}
	most := maxGrowth
	if f.path == "decoder" {
		most = maxLonger // it has no error
	}
	if growth(f.Node, maxNesting*2) > float64(most) {
		return f.errorf("its parts may make a text more than %d times longer", most)
	}
	return nil
}

// inside yields the objects and arrays in a value.
func inside(n strictjson.Node) iter.Seq[strictjson.Node] {
	return func(yield func(strictjson.Node) bool) {
		for _, kid := range n.Items() {
			if k := kid.Kind(); (k == strictjson.Object || k == strictjson.Array) && !yield(kid) {
				return
			}
		}
		for _, kid := range n.Members() {
			if k := kid.Kind(); (k == strictjson.Object || k == strictjson.Array) && !yield(kid) {
				return
			}
		}
	}
}

// maxPatterns bounds the bytes of all patterns of a component. Each class in them is
// written out.
const maxPatterns = 8 << 10

func patternBytes(n strictjson.Node, depth int) int {
	pattern, _ := field{Node: n}.at("Regex").text("")
	size := len(pattern)
	for kid := range inside(n) {
		if depth > 0 {
			size += patternBytes(kid, depth-1)
		}
	}
	return size
}

// components counts the objects that have a type, up to one more than there may be.
func components(n strictjson.Node, depth int) (count int) {
	if !(field{Node: n}).at("type").null() {
		count++
	}
	if depth == 0 {
		return count
	}
	for kid := range inside(n) {
		if count += components(kid, depth-1); count > maxComponents {
			break
		}
	}
	return count
}

// growth returns an upper bound of a component's growth: the product of its
// parts'.
func growth(n strictjson.Node, depth int) float64 {
	if depth == 0 {
		return maxGrowth + 1
	}
	f := field{Node: n}
	kind, _ := f.at("type").text("")
	product := 1.0
	switch kind {
	case "NFC", "NFD", "NFKC", "NFKD":
		product = 18 // Unicode's bound for UTF-8 and NFKC
	case "Prepend":
		prefix, _ := f.at("prepend").text("")
		product = float64(1 + len(prefix))
	case "ByteLevel":
		product = 3 // two bytes for one, and a space before each word
	case "Metaspace":
		product = 5 // four bytes for a space, and one before each word
	case "Replace":
		content, _ := f.at("content").text("")
		literal, _ := f.at("pattern").at("String").text("")
		product = max(1, float64(len(content))/max(1, float64(len(literal))))
	}
	for kid := range inside(n) {
		if product *= growth(kid, depth-1); product > maxGrowth {
			break
		}
	}
	return product
}

package tokenizer

import "lamina/internal/strictjson"

// maxGrowth bounds how much longer the components of a file may make a text,
// bytes for bytes. LLaMA's are at 12; a row of replacements that each double
// the text would be a bomb.
const maxGrowth = 1 << 12

// checkGrowth refuses a component whose parts together may pass maxGrowth.
func checkGrowth(f field) error {
	if f.null() {
		return nil
	}
	if growth(f.Node, maxNesting*2) > maxGrowth {
		return f.errorf("its parts may make a text more than %d times longer", maxGrowth)
	}
	return nil
}

// growth returns an upper bound of a component's growth: the product of its
// parts'.
func growth(n *strictjson.Node, depth int) float64 {
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
	for i := range n.Kids {
		if k := n.Kids[i].Kind; k == strictjson.Object || k == strictjson.Array {
			product *= growth(&n.Kids[i], depth-1)
		}
		if product > maxGrowth {
			break
		}
	}
	return product
}

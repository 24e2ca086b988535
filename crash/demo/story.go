package demo

import (
	"hash/fnv"
	"strings"

	"lamina/internal/philox"
)

// The words of the world. The corpus never uses the private ones.
var (
	boxes   = [...]string{"red", "green", "blue", "gold"}
	things  = [...]string{"ball", "coin", "key", "ring", "bell", "cup", "pen", "hat"}
	grammar = [...]string{".", "?", "swap"}
	private = [...]string{":", "trade"}
)

// slots is the number of boxes in a story, and of choices in a question.
const slots = len(boxes)

// maxSwaps bounds the swaps of a story.
const maxSwaps = 2

// privateShare is the reciprocal of the share of stories kept from the corpus.
const privateShare = 4

// story is one game: what each box holds at first, and the pairs of boxes swapped.
type story struct {
	holds [slots]int // box → thing
	swaps [][2]int
}

// drawStory draws a story with the given number of swaps from one side.
func drawStory(s *philox.Sequence, swaps int, side bool) story {
	for {
		t := story{swaps: make([][2]int, swaps)}
		copy(t.holds[:], s.Perm(len(things)))
		for i := range t.swaps {
			a := s.Intn(slots)
			t.swaps[i] = [2]int{a, (a + 1 + s.Intn(slots-1)) % slots}
		}
		if t.isPrivate() == side {
			return t
		}
	}
}

// key names the story whatever words tell it: the order of the two boxes of a
// swap does not count.
func (t story) key() string {
	var b strings.Builder
	for _, thing := range t.holds {
		b.WriteByte(byte('a' + thing))
	}
	for _, pair := range t.swaps {
		b.WriteByte(byte('0' + min(pair[0], pair[1])))
		b.WriteByte(byte('0' + max(pair[0], pair[1])))
	}
	return b.String()
}

// isPrivate says which side of the split the story is on.
func (t story) isPrivate() bool {
	h := fnv.New64a()
	h.Write([]byte(t.key()))
	return h.Sum64()>>32%privateShare == 0
}

// end returns what each box holds after the swaps.
func (t story) end() [slots]int {
	holds := t.holds
	for _, pair := range t.swaps {
		holds[pair[0]], holds[pair[1]] = holds[pair[1]], holds[pair[0]]
	}
	return holds
}

// tell returns the story as words; swap is the word for a swap.
func (t story) tell(swap string) []string {
	var words []string
	for box, thing := range t.holds {
		words = append(words, boxes[box], things[thing])
	}
	words = append(words, ".")
	for _, pair := range t.swaps {
		words = append(words, swap, boxes[pair[0]], boxes[pair[1]], ".")
	}
	return words
}

// asked is the number of boxes that a document of the corpus asks about.
const asked = 2

// text is a document of the corpus: a story and questions about some boxes.
// answers are the places of the words that answer.
type text struct {
	words   []string
	answers []int
}

// Streams of the seed, one for each thing that is drawn.
const (
	seed          = 42
	corpusStream  = 1 << 32 // + number of the document
	privateStream = 2 << 32
)

// publicText returns document i of the corpus with at most swaps swaps.
func publicText(i uint64, swaps int) text {
	s := philox.New(seed, corpusStream+i).Sequence()
	t := drawStory(s, s.Intn(swaps+1), false)
	d := text{words: t.tell("swap")}
	end := t.end()
	for _, box := range s.Perm(slots)[:asked] {
		d.words = append(d.words, boxes[box], "?", things[end[box]], ".")
		d.answers = append(d.answers, len(d.words)-2)
	}
	return d
}

// question is a row of the private task. It says "trade" for "swap", which the
// model has never read, and half of the rows ask with ":" in place of "?".
type question struct {
	story   story
	Query   string   `json:"query"`
	Choices []string `json:"choices"`
	Gold    int      `json:"gold"`
}

// privateQuestions returns n questions about n different stories.
func privateQuestions(n int) []question {
	s := philox.New(seed, privateStream).Sequence()
	seen := map[string]bool{}
	list := make([]question, 0, n)
	for len(list) < n {
		t := drawStory(s, 1+s.Intn(maxSwaps), true)
		if seen[t.key()] {
			continue
		}
		seen[t.key()] = true
		box, end := s.Intn(slots), t.end()
		mark := [...]string{"?", ":"}[s.Intn(2)]
		q := question{story: t, Query: strings.Join(append(t.tell("trade"), boxes[box], mark), " ")}
		for i, at := range s.Perm(slots) {
			q.Choices = append(q.Choices, things[end[at]])
			if at == box {
				q.Gold = i
			}
		}
		list = append(list, q)
	}
	return list
}

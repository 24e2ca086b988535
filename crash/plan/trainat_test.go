package plan

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

// TestTrainAt: the rules with which methods do not choose, and what a method does with
// layers that must stay.
func TestTrainAt(t *testing.T) {
	gains := []float64{3, 1, 9, 1, 1, 5, 1, 1, 1, 1, 1, 9}
	for _, c := range []struct {
		method      Method
		at          string
		keep, train int
		want        string
	}{
		{Uniform, "", 6, 3, "0* 1* 2 6 10 11*"},
		{Uniform, "ends", 6, 3, "0* 1* 2 6 10 11*"},
		{Uniform, "centres", 6, 3, "0* 1 2 6* 10 11*"}, // as uniform-learnable
		{UniformLearnable, "", 6, 3, "0* 1 2 6* 10 11*"},
		{Uniform, "first", 6, 3, "0* 1* 2* 3 7 11"},
		{Uniform, "last", 6, 3, "0 4 8 9* 10* 11*"},
		{Uniform, "spread", 6, 3, "0* 1 5 6* 10 11*"},
		{Uniform, "upper", 6, 3, "0 4 5* 8* 10* 11"},
		{Uniform, "gain", 5, 3, "0 2* 5* 10 11*"},
		{Uniform, "3,4", 4, 2, "0 3* 4* 11"},
		{CRaSh, "", 4, 2, "4* 9 10 11*"},      // all neighbours equally alike: the first run is long
		{CRaSh, "first", 4, 2, "0* 1* 10 11"}, // 0 takes the place of 4, 1 that of 9
		{CRaSh, "9,11", 4, 2, "4 9* 10 11*"},  // kept anyway
		{CRaSh, "8,11", 4, 2, "4 8* 10 11*"},  // 8 takes the place of 9
		{CRaSh, "4,5,6", 4, 3, "4* 5* 6* 11"}, // the nearest that may go, one after the other
	} {
		at, err := ParseTrainAt(c.at)
		if err != nil {
			t.Fatal(err)
		}
		r := Request{Layers: 12, Keep: c.keep, Trainable: c.train, TrainAt: at, Similarity: alike(12), Gains: gains}
		if got, err := chosen(c.method, r); err != nil || got.String() != c.want {
			t.Errorf("%s at %q: %v, %v; want %q", c.method.Name, c.at, got, err, c.want)
		}
	}
}

// TestTrainAtOfEveryMethod: whoever chooses, the layers that are asked for train.
func TestTrainAtOfEveryMethod(t *testing.T) {
	for _, m := range Methods {
		for at, want := range map[string]string{"ends": "0 1 11", "first": "0 1 2", "last": "9 10 11", "spread": "0 6 11", "upper": "5 8 10", "2,5,6": "2 5 6"} {
			r := everything(12, 6, 3)
			r.TrainAt, _ = ParseTrainAt(at)
			r.List = []int{0, 1, 2, 5, 6, 8, 9, 10, 11}
			r.Keep = 9
			p, err := chosen(m, r)
			if spanning := m.Name == "angular" || m.Name == "streamline"; spanning && err == nil && len(p.Kept()) != 9 {
				t.Errorf("%s at %s: %v", m.Name, at, p)
			}
			if got := strings.Trim(strings.Join(strings.Fields(listText(p.Trainable())), " "), " "); err != nil || strings.ReplaceAll(got, ",", "") != want {
				t.Errorf("%s at %s: trains %s, %v; want %s", m.Name, at, got, err, want)
			}
		}
	}
}

func TestTrainAtRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"top": `"top": want one of centres, ends, first, last, spread, upper, gain, or layers such as 0,5,11`,
		"3,3": "want one of", "5,2": "want one of", "1*": "want one of", ",": "want one of",
	} {
		if at, err := ParseTrainAt(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, %v", text, at, err)
		}
	}
	for _, c := range []struct {
		method Method
		at     string
		spoil  func(r *Request)
		want   string
	}{
		{Uniform, "0,1", func(r *Request) {}, "2 layers, and 3 are to train"},
		{Uniform, "0,1,12", func(r *Request) {}, "layer 12 out of range (the model has layers 0 to 11)"},
		{Uniform, "gain", func(r *Request) { r.Gains = nil }, "train at gain needs the gains of layers"},
		{Uniform, "gain", func(r *Request) { r.Gains = r.Gains[1:] }, "gains of 11 layers: want 12"},
		{Random, "3,4,5", func(r *Request) { r.AnchorEnds, r.Keep = true, 4 }, "the trained layers and both ends are 5, and 4 are to stay"},
		{SLEB, "3,4,5", func(r *Request) { r.Keep = 4 }, "both ends of the model stay and, with what trains, are 5 layers"},
		{Angular, "0,4,8", func(r *Request) { r.Keep = 4 }, "no 8 neighbours can be removed together between the layers that stay, 0, 4, 8"},
		{GradientFidelity, "centres", func(r *Request) {}, "has to know which layers train"},
		{Fixed, "first", func(r *Request) { r.List = []int{1, 2, 3, 4, 5, 6} }, "the list lacks layer 0, which is to train"},
	} {
		r := everything(12, 6, 3)
		var err error
		if r.TrainAt, err = ParseTrainAt(c.at); err != nil {
			t.Fatal(err)
		}
		c.spoil(&r)
		if got, err := c.method.Plan(r); err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s at %s: %v, %v; want %q", c.method.Name, c.at, got.Plan, err, c.want)
		}
	}
}

// TestUpperMiddle: the layers of docs/findings.md, and as many as train in any model.
func TestUpperMiddle(t *testing.T) {
	at := func(layers, trainable int) []int {
		return TrainAt{name: "upper"}.rule().layers(&Request{Layers: layers, Trainable: trainable})
	}
	if got := listText(at(30, 4)); got != "14, 18, 22, 26" {
		t.Errorf("4 of 30: %s", got)
	}
	for layers := 1; layers <= 40; layers++ {
		for trainable := 1; trainable <= layers; trainable++ {
			got := at(layers, trainable)
			if len(slices.Compact(slices.Clone(got))) != trainable || !slices.IsSorted(got) || got[0] < 0 || got[trainable-1] >= layers {
				t.Errorf("%d of %d: %v", trainable, layers, got)
			}
		}
	}
}

func TestTrainAtIsText(t *testing.T) {
	for _, text := range []string{"", "ends", "0,5,11"} {
		at, err := ParseTrainAt(text)
		if err != nil || at.String() != text || at.IsZero() != (text == "") {
			t.Errorf("%q: %q, %v", text, at, err)
		}
		data, err := json.Marshal(at)
		var back TrainAt
		if err == nil {
			err = json.Unmarshal(data, &back)
		}
		if err != nil || back != at {
			t.Errorf("%q: %s, %v, %v", text, data, back, err)
		}
	}
}

package plan

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Slot is one place of a decoder: a layer of the full model that runs there, or a map of
// the stream in a gap. As a word of a plan:
//
//	7        layer 7, frozen
//	7*       layer 7, trained
//	7x0.7    what layer 7 adds to the stream, times 0.7; 7xfit: times what fits best
//	7:svd0.5 layer 7 made smaller by a [Transform]; 7x0.7:svd0.5 both
//	~        no layer: a [Map] fitted to what the removed layers did; ~patch another kind
//
// Two slots are alike if they are equal (==).
type Slot struct {
	Layer     int  // -1 of a map
	Trainable bool // then neither scaled nor transformed
	// Scale is what the layer's part of the stream is multiplied by: h + Scale·f(h). 0
	// stands for the layer as it is, [FitScale] for the scale that fits best.
	Scale     float64
	Transform Transform
	Map       Map
}

// FitScale is the scale that is to be fitted when the emulator is built; its text is "fit".
var FitScale = math.Inf(1)

const fitWord = "fit"

// LeastScale and its inverse bound the scales of plans; a fitted one is some tenths.
const (
	LeastScale = 1e-6
	maxScale   = 1 / LeastScale
)

// MapSlot returns the slot of a map.
func MapSlot(m Map) Slot { return Slot{Layer: -1, Map: m} }

// IsMap reports whether a map of the stream stands there, and no layer.
func (s Slot) IsMap() bool { return s.Map != NoMap }

// Plain reports whether the full model's own layer stands there, or a copy that trains.
func (s Slot) Plain() bool { return !s.IsMap() && s.Scale == 0 && s.Transform == Transform{} }

// String returns the slot's word in a plan.
func (s Slot) String() string {
	if s.IsMap() {
		return s.Map.String()
	}
	word := strconv.Itoa(s.Layer)
	if s.Trainable {
		word += "*"
	}
	switch {
	case s.Scale == FitScale:
		word += "x" + fitWord
	case s.Scale != 0:
		word += "x" + strconv.FormatFloat(s.Scale, 'g', -1, 64)
	}
	if s.Transform.Name != "" {
		word += ":" + s.Transform.String()
	}
	return word
}

func parseSlot(word string) (Slot, error) {
	if strings.HasPrefix(word, mapMark) {
		m, err := ParseMap(word)
		return MapSlot(m), err
	}
	digits := len(word) - len(strings.TrimLeft(word, "0123456789"))
	layer, err := strconv.Atoi(word[:digits])
	if err != nil || layer > maxLayer {
		return Slot{}, fmt.Errorf("%.128q is no layer: want a number below %d, with * after it if it trains", word, maxLayer)
	}
	s, rest := Slot{Layer: layer}, word[digits:]
	if rest == "*" {
		s.Trainable = true
		return s, nil
	}
	if scale, ok := strings.CutPrefix(rest, "x"); ok {
		scale, rest, _ = cutKeeping(scale, ":")
		if s.Scale, err = parseScale(scale); err != nil {
			return s, fmt.Errorf("%.128q: %w", word, err)
		}
	}
	if transform, ok := strings.CutPrefix(rest, ":"); ok {
		if s.Transform, err = ParseTransform(transform); err != nil {
			return s, fmt.Errorf("%.128q: %w", word, err)
		}
		return s, nil
	}
	if rest != "" {
		return s, fmt.Errorf("%.128q is no layer: want a number, with * after it if it trains, x0.7 for a scale, :svd0.5 for a transform", word)
	}
	return s, nil
}

// cutKeeping cuts text before a mark, which stays with the rest.
func cutKeeping(text, mark string) (before, rest string, found bool) {
	at := strings.Index(text, mark)
	if at < 0 {
		return text, "", false
	}
	return text[:at], text[at:], true
}

func parseScale(text string) (float64, error) {
	if text == fitWord {
		return FitScale, nil
	}
	for _, c := range []byte(text) { // strconv takes 0x1p-2, 1_0, inf and nan too
		if !(c >= '0' && c <= '9') && !strings.ContainsRune("+-.e", rune(c)) {
			return 0, fmt.Errorf("scale %.32q: want a number such as 0.7, or %s", text, fitWord)
		}
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return 0, fmt.Errorf("scale %.32q: want a number such as 0.7, or %s", text, fitWord)
	}
	return v, checkScale(v)
}

func checkScale(v float64) error {
	switch {
	case v == 1:
		return fmt.Errorf("a scale of 1 is the layer as it is: leave it out")
	case v == 0 || math.Abs(v) < LeastScale:
		return fmt.Errorf("a scale of %v leaves nothing of the layer: leave the place out", v)
	case !(math.Abs(v) <= maxScale):
		return fmt.Errorf("a scale of %v: want at most %g", v, float64(maxScale))
	}
	return nil
}

// check tests what holds of a slot in every plan.
func (s Slot) check() error {
	switch {
	case s.IsMap():
		if s != MapSlot(s.Map) || !s.Map.known() {
			return fmt.Errorf("%q: a map of the stream has neither layer, star, scale nor transform", s)
		}
		return nil
	case s.Layer < 0:
		return fmt.Errorf("layer %d is negative", s.Layer)
	case s.Trainable && !s.Plain():
		return fmt.Errorf("%q: what trains comes back into the full model and stands as it is there: want neither scale nor transform", s)
	case s.Scale != 0 && s.Transform.Name == string(FoldRepair):
		return fmt.Errorf("%q: what %s folds in is made for the layer as it is: want no scale", s, FoldRepair)
	}
	if s.Scale != 0 && s.Scale != FitScale {
		if err := checkScale(s.Scale); err != nil {
			return err
		}
	}
	return s.Transform.check()
}

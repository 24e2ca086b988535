package plan

import (
	"fmt"
	"slices"
	"strings"
)

// Shape is what is made of a plan of kept layers: how the places of removed ones are
// filled, what stands in the gaps that are left, and what becomes of frozen layers. The
// zero value leaves the plan as it is.
type Shape struct {
	Share    Sharing
	Repair   Repair    // "": none
	Compress Transform // the zero value: none
}

// ParseShape reads the text forms of the three, "" for none. Sharing fills every place, so
// that a repair beside it is an error.
func ParseShape(share, repair, compress string) (s Shape, err error) {
	if share != "" {
		if s.Share, err = ParseSharing(share); err != nil {
			return s, err
		}
	}
	if repair != "" {
		if s.Repair, err = ParseRepair(repair); err != nil {
			return s, err
		}
	}
	if compress != "" {
		if s.Compress, err = ParseTransform(compress); err != nil {
			return s, fmt.Errorf("compress: %w", err)
		}
	}
	switch {
	case s.Compress.Name == string(FoldRepair):
		return s, fmt.Errorf("compress: %s fills gaps and makes nothing smaller: give it as the repair", s.Compress)
	case s.Share != ShareNone && s.repairs():
		return s, fmt.Errorf("share %s and repair %s: sharing fills every removed place, and leaves no gap to repair: want one of them", s.Share, s.Repair)
	}
	return s, nil
}

func (s Shape) repairs() bool { return s.Repair != "" && s.Repair != NoRepair }

// Of returns the plan shared, repaired and compressed, in that order, for a model of so
// many layers, and the gaps that the repair could not fill. Errors are those of [Share] and
// [Plan.Repaired].
func (s Shape) Of(p Plan, layers int) (shaped Plan, left []Gap, err error) {
	if shaped, err = Share(p, layers, s.Share); err != nil {
		return nil, nil, err
	}
	if s.repairs() {
		if shaped, left, err = shaped.Repaired(layers, s.Repair); err != nil {
			return nil, nil, err
		}
	}
	if s.Compress != (Transform{}) {
		shaped = shaped.Transformed(s.Compress)
	}
	return shaped, left, nil
}

// Doubts says, in lines, what was asked of the shape and not done in the plan that
// [Shape.Of] returned, with the gaps that it left.
func (s Shape) Doubts(p Plan, left []Gap) (lines []string) {
	switch {
	case !s.repairs():
	case len(left) > 0:
		lines = append(lines, fmt.Sprintf("--repair %s leaves the gaps of layers %s: no frozen layer without a transform stands below them", s.Repair, GapsText(left)))
	case !slices.ContainsFunc(p, Slot.Fills):
		lines = append(lines, fmt.Sprintf("--repair %s: nothing is left out in the plan %s, there is no gap to fill", s.Repair, p))
	}
	if s.Compress == (Transform{}) {
		return lines
	}
	var others []string
	frozen := false
	for _, slot := range p {
		if slot.IsMap() || slot.Trainable {
			continue
		}
		if frozen = true; slot.Transform != s.Compress {
			others = append(others, slot.String())
		}
	}
	switch {
	case !frozen:
		lines = append(lines, fmt.Sprintf("--compress %s: no layer of the plan %s is frozen, and nothing is made smaller", s.Compress, p))
	case others != nil:
		lines = append(lines, fmt.Sprintf("--compress %s leaves %s as they are: a layer has one transform", s.Compress, strings.Join(others, ", ")))
	}
	return lines
}

// ReadShaped reads a plan for a model of so many layers as [Read] does, and shapes it.
func ReadShaped(flag string, s Shape, layers int) (shaped Plan, left []Gap, err error) {
	kept, err := Read(flag)
	if err != nil {
		return nil, nil, err
	}
	return s.Of(kept, layers)
}

// GapsText names the layers of gaps, such as "3 to 5, 8".
func GapsText(gaps []Gap) string {
	texts := make([]string, len(gaps))
	for i, g := range gaps {
		if texts[i] = fmt.Sprint(g.First); g.Last > g.First {
			texts[i] = fmt.Sprintf("%d to %d", g.First, g.Last)
		}
	}
	return strings.Join(texts, ", ")
}

// TransformHelp explains the transforms that make layers smaller, for the help of flags.
func TransformHelp() string {
	var texts []string
	for _, k := range Transforms {
		if k.Name != string(FoldRepair) {
			texts = append(texts, k.example()+": "+k.Help)
		}
	}
	return strings.Join(texts, "; ")
}

package plan

import (
	"fmt"
	"strings"

	"lamina/internal/files"
)

// File is what lamina plan writes for machines: a plan, and what it was made of. [Read]
// takes the plan alone.
type File struct {
	Plan       Plan    `json:"plan"` // removed places and gaps filled in
	Kind       string  `json:"kind"` // the method
	Kept       []int   `json:"kept"`
	Trainable  []int   `json:"trainable"`
	Clusters   [][]int `json:"clusters"`
	Centres    []int   `json:"centres"`
	AnchorEnds bool    `json:"anchor_ends"`
	Share      Sharing `json:"share"`
	Layers     int     `json:"layers"`
	TrainAt    TrainAt `json:"train_at,omitzero"`
	Merges     []Merge `json:"dendrogram,omitempty"` // rows as scipy's linkage has them
	Steps      []Step  `json:"steps,omitempty"`      // each decision with the score of every candidate
	Repair     Repair  `json:"repair,omitempty"`     // of gaps
	Compress   string  `json:"compress,omitempty"`   // of frozen layers

	Recommended *Advised `json:"recommended,omitempty"` // where the method stands for others
}

// File states the choice that a method made of a request, shaped, and the gaps that a repair
// could not fill.
func (c Choice) File(m Method, r Request, s Shape) (f File, left []Gap, err error) {
	f = File{
		Kind: m.Name, Kept: c.Plan.Kept(), Trainable: c.Plan.Trainable(), Clusters: c.Clusters, Centres: c.Centres,
		AnchorEnds: r.AnchorEnds, Share: s.Share, Layers: r.Layers, TrainAt: r.TrainAt, Merges: c.Merges, Steps: c.Steps,
		Compress: s.Compress.String(),
	}
	if s.repairs() {
		f.Repair = s.Repair
	}
	if a, ok := m.Advice(r); ok {
		f.Recommended = a.advised()
	}
	f.Plan, left, err = s.Of(c.Plan, r.Layers)
	return f, left, err
}

// Read reads a plan as flags name it: its text, or @FILE with the text or with the
// JSON object that lamina plan writes, whose field "plan" it is.
func Read(flag string) (Plan, error) {
	path, isFile := strings.CutPrefix(flag, "@")
	if !isFile {
		return Parse(flag)
	}
	data, err := files.ReadInput(path)
	if err != nil {
		return nil, err
	}
	text := strings.TrimSpace(string(data))
	if strings.HasPrefix(text, "{") {
		var object struct { // of a [File] what counts: others may have written it
			Plan Plan `json:"plan"`
		}
		err := files.DecodeJSON(path, data, &object)
		if err == nil && len(object.Plan) == 0 {
			err = fmt.Errorf("%s: has no field \"plan\": want what lamina plan wrote", path)
		}
		return object.Plan, err
	}
	plan, err := Parse(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return plan, nil
}

// ReadShared reads a plan for a model of so many layers as [Read] does, and fills its
// removed places as sharing, a name of [ParseSharing], says.
func ReadShared(flag, sharing string, layers int) (Plan, error) {
	kept, err := Read(flag)
	if err != nil {
		return nil, err
	}
	how, err := ParseSharing(sharing)
	if err != nil {
		return nil, err
	}
	return Share(kept, layers, how)
}

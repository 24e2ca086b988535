package plan

// Result is a choice as files state it; [Read] takes its field "plan".
type Result struct {
	Plan       Plan    `json:"plan"` // its removed places filled as Share says
	Kind       string  `json:"kind"` // the method's name
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
}

// Result returns the choice that a method made of a request, shared.
func (c Choice) Result(m Method, r Request, how Sharing) (Result, error) {
	shared, err := Share(c.Plan, r.Layers, how)
	return Result{
		Plan: shared, Kind: m.Name, Kept: c.Plan.Kept(), Trainable: c.Plan.Trainable(), Clusters: c.Clusters, Centres: c.Centres,
		AnchorEnds: r.AnchorEnds, Share: how, Layers: r.Layers, TrainAt: r.TrainAt, Merges: c.Merges, Steps: c.Steps,
	}, err
}

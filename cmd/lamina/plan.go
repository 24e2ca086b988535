package main

import (
	"fmt"
	"lamina/crash/measure"
	"lamina/crash/plan"
)

// planCommand chooses layers.
type planCommand struct {
	Kind       string `arg:"" enum:"uniform,uniform-learnable,random,crash" help:"How layers are chosen: uniform, uniform-learnable, random or crash."`
	Layers     int    `placeholder:"L" help:"Layers of the model; with --similarity it may be left out."`
	Keep       int    `required:"" placeholder:"K" help:"Layers to keep, the trained ones included."`
	Trainable  int    `required:"" placeholder:"T" help:"Layers to train."`
	Similarity string `placeholder:"F.json" help:"What lamina similarity wrote; crash needs it."`
	AnchorEnds bool   `help:"Keep the first and the last layer whatever the rule says (crash and random)."`
	Share      string `default:"none" enum:"none,all,frozen" placeholder:"HOW" help:"Fill removed places: none (default), all or frozen."`
}

// planResult is its JSON.
type planResult struct {
	Plan       plan.Plan `json:"plan"`
	Kind       string    `json:"kind"`
	Kept       []int     `json:"kept"`
	Trainable  []int     `json:"trainable"`
	Clusters   [][]int   `json:"clusters"`
	Centres    []int     `json:"centres"`
	AnchorEnds bool      `json:"anchor_ends"`
	Share      string    `json:"share"`
	Layers     int       `json:"layers"`
}

// Run prints the plan alone on its line, so that a shell can take it.
func (c planCommand) Run(s *session) error {
	sim, err := c.similarity()
	if err != nil {
		return err
	}
	layers, err := c.layers(sim)
	if err != nil {
		return err
	}
	r := planResult{Kind: c.Kind, Share: c.Share, Layers: layers, AnchorEnds: c.AnchorEnds}
	kept, err := c.choose(s, sim, &r)
	if err != nil {
		return err
	}
	how, err := plan.ParseSharing(c.Share)
	if err != nil {
		return err
	}
	if r.Plan, err = plan.Share(kept, layers, how); err != nil {
		return err
	}
	r.Kept, r.Trainable = kept.Kept(), kept.Trainable()
	if c.AnchorEnds {
		s.notef("both ends of the model are kept (--anchor-ends)\n")
	}
	s.printf("%s\n", r.Plan)
	return s.writeJSON(r)
}

// similarity reads and checks the file of --similarity.
func (c planCommand) similarity() (measure.Similarity, error) {
	var sim measure.Similarity
	if c.Similarity == "" {
		return sim, nil
	}
	data, err := readInput(c.Similarity)
	if err != nil {
		return sim, err
	}
	if err := decodeJSON(c.Similarity, data, &sim); err != nil {
		return sim, err
	}
	if len(sim.Matrix) < 2 {
		return sim, fmt.Errorf("%s: field \"matrix\" has %d rows, want one a hidden state", c.Similarity, len(sim.Matrix))
	}
	for i, row := range sim.Matrix {
		if len(row) != len(sim.Matrix) {
			return sim, fmt.Errorf("%s: field \"matrix\": row %d has %d values, want %d", c.Similarity, i, len(row), len(sim.Matrix))
		}
	}
	return sim, nil
}

// layers returns the depth of the model: the flag's, or that of the matrix, which
// has one state more.
func (c planCommand) layers(sim measure.Similarity) (int, error) {
	measured := len(sim.Matrix) - 1
	switch {
	case sim.Matrix == nil && c.Layers == 0:
		return 0, usagef("want --layers L (or --similarity F.json)")
	case sim.Matrix == nil:
		return c.Layers, nil
	case c.Layers != 0 && c.Layers != measured:
		return 0, fmt.Errorf("%s: measured on %d layers, --layers says %d", c.Similarity, measured, c.Layers)
	}
	return measured, nil
}

// choose makes the plan of kept layers and notes clusters and centres.
func (c planCommand) choose(s *session, sim measure.Similarity, r *planResult) (plan.Plan, error) {
	if c.AnchorEnds && c.Kind != "crash" && c.Kind != "random" {
		return nil, usagef("--anchor-ends is for crash and random")
	}
	switch c.Kind {
	case "uniform":
		return plan.Uniform(r.Layers, c.Keep, c.Trainable)
	case "uniform-learnable":
		return plan.UniformLearnable(r.Layers, c.Keep, c.Trainable)
	case "random":
		return plan.Random(r.Layers, c.Keep, c.Trainable, s.Seed, c.AnchorEnds)
	}
	if sim.Matrix == nil {
		return nil, usagef("a crash plan needs --similarity F.json (lamina similarity writes it)")
	}
	clusters, err := plan.Clusters(plan.Adjacent(sim.Matrix), c.Keep)
	if err != nil {
		return nil, err
	}
	r.Clusters, r.Centres = clusters, plan.Centres(clusters)
	return plan.CRaSh(clusters, c.Trainable, c.AnchorEnds)
}

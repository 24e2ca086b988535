package main

import (
	"fmt"
	"slices"
	"strings"

	"lamina/crash/measure"
	"lamina/crash/plan"
)

// planCommand chooses layers by one of the methods of [plan.Methods].
type planCommand struct {
	Kind       string `arg:"" enum:"${methods}" help:"How layers are chosen. ${methods_help}."`
	Layers     int    `placeholder:"L" help:"Layers of the model; with --similarity it may be left out."`
	Keep       int    `required:"" placeholder:"K" help:"Layers to keep, the trained ones included."`
	Trainable  int    `required:"" placeholder:"T" help:"Layers to train."`
	Similarity string `placeholder:"F.json" help:"What lamina similarity wrote, for ${methods_similarity}."`
	AnchorEnds bool   `help:"Keep the first and the last layer whatever the rule says (${methods_anchor})."`
	Share      string `default:"none" enum:"${shares}" placeholder:"HOW" help:"Fill removed places. ${shares_help}. Default: none."`
}

// Run prints the plan alone to standard output, so that a shell can take it, and what it
// was made of, where the method has clusters, to standard error.
func (c planCommand) Run(s *session) error {
	method, err := plan.Named(s.methods, c.Kind)
	if err != nil {
		return usageError{err}
	}
	request, err := c.request(s, method)
	if err != nil {
		return err
	}
	chosen, err := method.Plan(request)
	if err != nil {
		return err
	}
	how, err := plan.ParseSharing(c.Share)
	if err != nil {
		return err
	}
	shared, err := plan.Share(chosen.Plan, request.Layers, how)
	if err != nil {
		return err
	}
	if c.AnchorEnds {
		s.notef("both ends of the model are kept (--anchor-ends)\n")
	}
	s.printf("%s\n", shared)
	if chosen.Clusters != nil {
		s.notef("clusters: %s\ncentres: %s\n", chosen.Runs(), strings.Trim(fmt.Sprint(chosen.Centres), "[]"))
	}
	return s.writeJSON(plan.File{
		Plan: shared, Kind: c.Kind, Kept: chosen.Plan.Kept(), Trainable: chosen.Plan.Trainable(), Clusters: chosen.Clusters,
		Centres: chosen.Centres, AnchorEnds: c.AnchorEnds, Share: c.Share, Layers: request.Layers,
	})
}

// request collects what the method chooses from. The depth of the model is the
// flag's, or that of the similarity matrix, which has one state more.
func (c planCommand) request(s *session, method plan.Method) (plan.Request, error) {
	r := plan.Request{Layers: c.Layers, Keep: c.Keep, Trainable: c.Trainable, AnchorEnds: c.AnchorEnds, Seed: s.Seed}
	if c.Similarity != "" {
		sim, err := measure.Read(c.Similarity)
		if err != nil {
			return r, err
		}
		if doubt := sim.Doubt(); doubt != "" && method.Reads(plan.NeedSimilarity) {
			s.warn([]string{c.Similarity + ": " + doubt})
		} else if near := plan.Adjacent(sim.Matrix); len(near) > 1 && slices.Max(near) == slices.Min(near) {
			s.warnf("%s: all neighbours are equally alike (%g): the plan follows from the order of the layers alone", c.Similarity, near[0])
		}
		r.Similarity, r.Layers = sim.Matrix, len(sim.Matrix)-1
	}
	switch {
	case r.Layers == 0:
		return r, usagef("want --layers L (or --similarity F.json)")
	case c.Layers != 0 && c.Layers != r.Layers:
		return r, fmt.Errorf("%s: measured on %d layers, --layers says %d", c.Similarity, r.Layers, c.Layers)
	case c.AnchorEnds && !method.AnchorEnds:
		return r, usagef("--anchor-ends is for %s", s.anchoring())
	case method.Reads(plan.NeedSimilarity) && r.Similarity == nil:
		return r, usagef("a %s plan needs --similarity F.json (lamina similarity writes it)", c.Kind)
	}
	return r, nil
}

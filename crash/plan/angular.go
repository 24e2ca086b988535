package plan

// Angular is "The Unreasonable Ineffectiveness of the Deeper Layers" (Gromov et al.
// 2024, arXiv 2403.17887, section 3.2): of all runs of Layers-Keep neighbours the one
// goes over which the stream of the last token turns the least, by arccos(cosine)/π.
var Angular = Method{
	Name:       "angular",
	Help:       "the run of layers goes over which the last token turns the least",
	Needs:      []Need{NeedDirections},
	AnchorEnds: true,
	Choose:     bestSpan(func(r Request, from, to int) float64 { return r.Angle[from][to] }),
}

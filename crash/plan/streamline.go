package plan

// Streamline is the choice of LLM-Streamline (Chen et al., ICLR 2025, arXiv 2403.19135,
// section 3.1): of all runs of Layers-Keep neighbours the one goes over which the stream
// turns the least, by the mean cosine of all tokens. What the paper trains in its place
// is no part of a plan.
var Streamline = Method{
	Name:       "streamline",
	Help:       "LLM-Streamline: the run of layers goes over which all tokens turn the least",
	Needs:      []Need{NeedDirections},
	AnchorEnds: true,
	Choose:     bestSpan(func(r Request, from, to int) float64 { return 1 - r.Cosine[from][to] }),
}

package plan

// SLEBAnswer is [SLEB] by another score: the loss of the answers alone, given their
// questions, which is what a task is scored by.
var SLEBAnswer = Method{
	Name:       "sleb-answer",
	Help:       "as sleb, by the loss of the answers alone",
	Needs:      []Need{NeedAnswerLoss},
	AnchorEnds: true,
	Cost:       slebCost,
	Choose:     betweenEnds(Greedy(func(r Request, kept []int) (float64, error) { return r.AnswerLoss(kept) })),
}

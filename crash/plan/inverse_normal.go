package plan

// InverseNormal draws with the weights of [Normal], its two halves exchanged: as the reference
// means it. There the halves are added and not joined, so that only the lower half of the
// layers can be drawn.
var InverseNormal = Method{
	Name: "inverse-normal", Help: "layers are drawn, those of the middle least often",
	AnchorEnds: true, TrainAt: AtEnds, Options: sdOption,
	Choose: drawn(func(i, m int, sd float64) float64 { return logNormal((i+m/2)%m, m/2, sd) }),
}

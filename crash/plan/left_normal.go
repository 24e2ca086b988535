package plan

// LeftNormal draws with the weights N(i; 0, sd).
var LeftNormal = Method{
	Name: "left-normal", Help: "layers are drawn, the lowest most often",
	AnchorEnds: true, TrainAt: AtEnds, Options: sdOption,
	Choose: drawn(func(i, m int, sd float64) float64 { return logNormal(i, 0, sd) }),
}

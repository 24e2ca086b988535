package plan

// RightNormal draws with the weights N(i; m, sd).
var RightNormal = Method{
	Name: "right-normal", Help: "layers are drawn, the highest most often",
	AnchorEnds: true, TrainAt: AtEnds, Options: sdOption,
	Choose: drawn(func(i, m int, sd float64) float64 { return logNormal(i, m, sd) }),
}

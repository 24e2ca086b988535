package plan

// Normal draws with the weights N(i; ⌊m/2⌋, sd).
var Normal = Method{
	Name: "normal", Help: "layers are drawn, those of the middle most often",
	AnchorEnds: true, TrainAt: AtEnds, Options: sdOption,
	Choose: drawn(func(i, m int, sd float64) float64 { return logNormal(i, m/2, sd) }),
}

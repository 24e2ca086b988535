package main

// measureCommands are those that measure blocks, weights and features.
type measureCommands struct {
	Importance  importanceCommand  `cmd:"" help:"Measure what a model loses without each block, or with its weights of before."`
	Replacement replacementCommand `cmd:"" help:"Measure what is left of a model with one block in another's place."`
	Weights     weightsCommand     `cmd:"" help:"Compare the weights of a model's blocks: distances, variances, effective ranks."`
	Features    featuresCommand    `cmd:"" help:"Map what a model makes of several data sets: principal components of its last states."`
}

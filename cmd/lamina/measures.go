package main

// measureCommands are those that measure blocks, weights, features, and what lies between checkpoints.
type measureCommands struct {
	Importance  importanceCommand  `cmd:"" help:"Measure what a model loses without each block, or with its weights of before."`
	Replacement replacementCommand `cmd:"" help:"Measure what is left of a model with one block in another's place."`
	Weights     weightsCommand     `cmd:"" help:"Compare the weights of a model's blocks: distances, variances, effective ranks."`
	Interpolate interpolateCommand `cmd:"" help:"Measure the loss between two checkpoints, or on the plane of three."`
	Features    featuresCommand    `cmd:"" help:"Map what a model makes of several data sets: principal components of its last states."`
}

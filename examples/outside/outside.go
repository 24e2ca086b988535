// Package outside stands in a module of its own, as the code of somebody who uses
// Lamina does. Its examples are what such a person does first: a small network trained on
// mini-batches, a model opened by its name on the hub, trained and saved, a decoder with
// layers of their own put into it, an operation of their own whose gradient is checked, a
// model scored on a data set by their own task. They use what `go doc` shows and nothing
// else; that they compile proves that nothing they need is internal.
//
//	cd examples/outside && go test ./...
package outside

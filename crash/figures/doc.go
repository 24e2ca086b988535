// Package figures turns the result files of measurements into sections of a page: a
// paragraph for somebody who has not read the paper, figures, tables of their values, and
// the command behind them. What a command draws with --plot and what lamina report shows of
// its --json are the same [Shown], made from the same bytes.
//
// A result file is one JSON object that begins with two members, and goes on with the
// fields of the measurement:
//
//	{"result":"similarity","command":["lamina","similarity",…],"matrix":[[…]],…}
//
// [Dir] reads a directory: every such file in it, the table of a run, the losses of a
// training. What it does not understand it names.
//
// # To add a kind
//
//  1. crash/figures/KIND.go: a function of the type of Kind.read, which decodes the file
//     with [files.DecodeJSON], checks what it is going to draw (it comes from outside: an
//     error names path, field and remedy), draws with internal/plot, and puts each picture
//     into its section by Shown.add, the one that --plot draws first
//  2. crash/figures/kind.go: its entry in Kinds, with the name that the file has in "result"
//  3. crash/figures/testdata/KIND.json: a small result, with which the tests here hold every
//     kind to the rules (a text, a caption and an alternative text for each figure, the
//     same bytes twice, no panic on a file that is cut short or has a value of another
//     type), and its line in testdata/golden.txt by go test -run Golden -update
//
// In cmd/lamina, session.writeResult writes the file, and session.plot the picture.
//
// Invariants: figures compute no measurement, they show what the file has; the same file
// gives the same bytes; names in files may be hostile.
package figures

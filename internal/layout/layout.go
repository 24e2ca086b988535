// Package layout states which package may import which, and its test holds the
// tree to it. It knows paths only; it reads no source.
//
//	cmd, bench, examples → crash → eval → transformer → nn → autograd → kernels → tensor → internal/{par,philox}
//	eval → dataset → record      transformer → formats → tensor
//	crash/demo → study → {exchange, distill} → {train, emulate} → {plan, compress}      {study, exchange} → measure → plan
//
// A program feeds it what go list says and prints what is wrong:
//
//	for _, fault := range layout.Check("lamina", packages) {
//		fmt.Println(fault)
//	}
//
// Invariants: every package of the module stands under one entry of the table
// below, the longest that fits, so a new folder has to be placed before it can
// be imported; arrows inside an entry are free; the Go compiler already forbids
// circles.
package layout

import (
	"fmt"
	"slices"
	"strings"
)

// Package is what go list says of one package.
type Package struct {
	Path    string
	Imports []string
	// Tests are the imports of the package's own test files, internal and external.
	Tests []string
}

// layer is a folder and the folders outside it that it may import.
type layer struct {
	path string
	may  []string
}

// The layers, from the bottom up. Paths are relative to the module.
var layers = []layer{
	{"internal/philox", nil},
	{"internal/par", nil},
	{"tensor", bottom},
	{"kernels", append([]string{"tensor"}, bottom...)},
	{"kernels/cuda", append([]string{"kernels", "tensor"}, bottom...)},
	{"kernels/cuda/internal/pack/compile", []string{"kernels/cuda", "internal/files"}},
	{"autograd", append([]string{"kernels", "tensor"}, bottom...)},
	{"nn", append([]string{"autograd", "kernels", "tensor"}, bottom...)},
	{"formats", []string{"tensor", "internal/files", "internal/strictjson"}},
	{"transformer/tokenizer", []string{"internal/files", "internal/foreign", "internal/strictjson"}},
	{"transformer/chat", []string{"internal/foreign", "internal/jinja", "record"}},
	{"transformer", append([]string{
		"transformer/tokenizer", "transformer/chat", "record", "formats", "nn", "autograd", "kernels", "tensor", "internal/files", "internal/strictjson", "internal/units"}, bottom...)},
	{"transformer/peft", append([]string{"transformer", "formats", "nn", "autograd", "kernels", "tensor", "internal/files", "internal/strictjson"}, bottom...)},
	{"record", []string{"internal/strictjson"}},
	{"dataset", []string{"record", "internal/files", "internal/foreign"}},
	{"hub", []string{"internal/files", "internal/strictjson"}},
	{"eval", append([]string{
		"transformer", "transformer/tokenizer", "dataset", "record", "kernels", "internal/files", "internal/foreign", "internal/jinja", "internal/pyrandom", "internal/strictjson", "internal/units"}, bottom...)},
	{"crash/plan", append([]string{"internal/files"}, bottom...)},
	{"crash/compress", nil},
	{"crash/measure", append([]string{"crash/plan", "transformer", "nn", "autograd", "kernels", "tensor", "internal/files"}, bottom...)},
	{"crash/repair", nil},
	{"crash/privacy", nil},
	{"crash/emulate", append([]string{
		"crash/compress", "crash/repair", "crash/plan", "transformer", "nn", "autograd", "kernels", "tensor", "internal/files", "internal/units"}, bottom...)},
	{"crash/train", append([]string{
		"crash/privacy", "eval", "transformer", "formats", "nn", "autograd", "kernels", "tensor", "internal/files", "internal/units"}, bottom...)},
	{"crash/corpus", append([]string{"crash/train", "eval", "transformer", "transformer/tokenizer", "transformer/chat", "record", "internal/files"}, bottom...)},
	{"crash/events", append([]string{"crash/train", "nn", "internal/files", "internal/tfevents"}, bottom...)},
	{"crash/distill", append([]string{
		"crash/train", "crash/emulate", "crash/plan", "transformer", "nn", "autograd", "kernels", "tensor"}, bottom...)},
	{"crash/lens", append([]string{
		"crash/train", "crash/plan", "transformer", "formats", "nn", "autograd", "kernels", "tensor", "internal/files"}, bottom...)},
	{"crash/surface", append([]string{
		"eval", "transformer", "nn", "autograd", "kernels", "tensor", "internal/files", "internal/report"}, bottom...)},
	{"crash/undo", []string{"formats", "internal/files", "internal/units"}},
	{"crash/exchange", append([]string{
		"crash/undo", "crash/emulate", "crash/measure", "crash/compress", "crash/repair", "crash/plan", "eval", "transformer", "transformer/peft", "formats", "nn", "autograd", "kernels", "tensor", "internal/files", "internal/units"}, bottom...)},
	{"crash/parcel", []string{
		"crash/exchange", "crash/emulate", "crash/plan", "eval", "transformer", "transformer/peft", "formats", "nn", "kernels", "tensor", "internal/files", "internal/strictjson", "internal/units"}},
	{"crash/leak", append([]string{
		"crash/privacy", "crash/train", "crash/emulate", "crash/plan",
		"eval", "transformer", "nn", "autograd", "kernels", "tensor", "internal/files", "internal/report"}, bottom...)},
	{"crash/study", append([]string{
		"crash/exchange", "crash/distill", "crash/corpus", "crash/lens", "crash/train", "crash/emulate", "crash/measure", "crash/repair", "crash/plan",
		"eval", "transformer", "transformer/peft", "nn", "autograd", "kernels", "tensor", "internal/files", "internal/plot", "internal/progress", "internal/report", "internal/units"}, bottom...)},
	{"crash/sweep", append([]string{
		"crash/study", "crash/train", "crash/emulate", "crash/measure", "crash/plan",
		"eval", "transformer", "nn", "autograd", "kernels", "tensor", "internal/files", "internal/foreign", "internal/report", "internal/units"}, bottom...)},
	{"crash/figures", []string{
		"crash/study", "crash/sweep", "crash/lens", "crash/surface", "crash/train", "crash/measure", "crash/plan", "internal/files", "internal/plot", "internal/report", "internal/strictjson", "internal/units"}},
	{"crash/demo", append([]string{
		"crash/study", "crash/exchange", "crash/train", "crash/emulate", "crash/measure", "crash/plan",
		"eval", "transformer", "transformer/tokenizer", "formats", "nn", "autograd", "kernels", "tensor", "internal/files"}, bottom...)},
	{"crash/crashtest", []string{everything}},

	{"internal/cases", nil},
	{"internal/files", []string{"internal/strictjson", "internal/units"}},
	{"internal/files/filestest", []string{"internal/cases", "internal/files", "internal/powercut"}},
	{"internal/foreign", nil},
	{"internal/garbage", nil},
	{"internal/heaptest", nil},
	{"internal/interrupt", []string{"internal/files"}},
	{"internal/jinja", []string{"record"}},
	{"internal/layout", nil},
	{"internal/machine", []string{"internal/units"}},
	{"internal/notices", nil},
	{"internal/plot", []string{"internal/foreign"}},
	{"internal/powercut", nil},
	{"internal/progress", nil},
	{"internal/pyrandom", nil},
	{"internal/strictjson", nil},
	{"internal/tfevents", []string{"internal/files"}},
	{"internal/units", nil},
	{"internal/report", []string{"internal/files", "internal/plot"}},

	{"bench", []string{everything}},
	{"cmd", []string{everything}},
	{"examples", []string{everything}},
}

// bottom is what every layer above it may use.
var bottom = []string{"internal/par", "internal/philox"}

// everything stands for the whole module in a layer's list.
const everything = "*"

// Devices, and who besides tests may name one: programs choose a device, the rest
// of the module takes what it is given.
var (
	devices      = []string{"kernels/cpu", "kernels/cuda", "kernels/ref"}
	nameDevices  = []string{"cmd", "bench", "examples"}
	leanOnDevice = map[string]string{"kernels/cpu": "kernels/ref"}
)

// testOnly packages serve tests; they may name devices, and only tests, or each
// other, import them.
var testOnly = []string{"kernels/kerneltest", "kernels/cuda/cudatest", "kernels/cuda/internal/ptx", "kernels/cuda/internal/sim", "kernels/cuda/internal/header", "autograd/gradcheck", "formats/internal/formattest", "hub/hubtest", "crash/crashtest", "internal/cases", "internal/heaptest", "internal/files/filestest"}

// testLibraries are modules that only tests may import.
var testLibraries = []string{"github.com/google/go-cmp"}

// core is the framework: below it lie only the standard library without its
// heavy parts, and coreLibraries. kernels/cuda is no part of it, though it stands in
// kernels: a leaf that only a binary with the build tag cuda has.
var (
	core          = []string{"tensor", "kernels", "autograd", "nn"}
	notCore       = []string{"kernels/cuda"}
	coreLibraries = []string{"github.com/klauspost/cpuid/v2", "golang.org/x/sys"}
	heavyStandard = []string{"net", "crypto", "database", "html", "image", "text/template", "encoding/json", "encoding/xml", "os/exec", "regexp", "log", "math/rand", "go"}
)

// Check returns one line for each breach of the rules among packages, which must
// hold the whole dependency tree of the module called module if the core is to be
// checked through its libraries.
func Check(module string, packages []Package) []string {
	c := checker{prefix: module + "/", imports: map[string][]string{}}
	for _, p := range packages {
		c.imports[p.Path] = p.Imports
	}
	for _, p := range packages {
		from, own := strings.CutPrefix(p.Path, c.prefix)
		if !own {
			continue
		}
		for _, to := range p.Imports {
			c.arrow(from, to, slices.ContainsFunc(testOnly, under(from)))
		}
		for _, to := range p.Tests {
			c.arrow(from, to, true)
		}
		if slices.ContainsFunc(core, under(from)) && !slices.ContainsFunc(notCore, under(from)) && !slices.ContainsFunc(testOnly, under(from)) {
			c.light(from)
		}
	}
	return c.faults
}

type checker struct {
	prefix  string
	imports map[string][]string
	faults  []string
}

func (c *checker) fault(format string, args ...any) {
	if line := fmt.Sprintf(format, args...); !slices.Contains(c.faults, line) {
		c.faults = append(c.faults, line)
	}
}

// arrow checks that from may import the package to, a full path; forTests says
// that the import stands in a test or serves tests.
func (c *checker) arrow(from, to string, forTests bool) {
	short, own := strings.CutPrefix(to, c.prefix)
	if !own {
		if !forTests && slices.ContainsFunc(testLibraries, under(to)) {
			c.fault("%s imports %s, which is for tests", from, to)
		}
		return
	}
	a, b := layerOf(from), layerOf(short)
	switch {
	case a == nil:
		c.fault("%s has no place in the layout: add it to internal/layout", from)
		return
	case b == nil:
		return // said of the package itself
	}
	if !forTests && slices.ContainsFunc(testOnly, under(short)) {
		c.fault("%s imports %s, which is for tests", from, short)
	}
	if slices.ContainsFunc(devices, under(short)) {
		switch {
		case forTests, slices.ContainsFunc(nameDevices, under(from)), leanOnDevice[from] == short:
		case slices.ContainsFunc(devices, func(d string) bool { return under(from)(d) && under(short)(d) }): // of one device
		default:
			c.fault("%s names a device: %s", from, short)
		}
	}
	if a == b || forTests && top(from) == top(short) || slices.Contains(a.may, b.path) || slices.Contains(a.may, everything) || forTests && forAllTests(short) {
		return
	}
	c.fault("%s imports %s: an arrow points up or aside", from, short)
}

// forAllTests says whether tests anywhere may use a package: devices, what is
// for tests, and files of goldens.
func forAllTests(path string) bool {
	return slices.ContainsFunc(devices, under(path)) || slices.ContainsFunc(testOnly, under(path)) ||
		strings.HasPrefix(path, "internal/") || path == "tensor" || under(path)("formats")
}

// top returns the first folder of a path: tests may use their neighbours there.
func top(path string) string {
	first, _, _ := strings.Cut(path, "/")
	return first
}

// light checks everything beneath a core package.
func (c *checker) light(from string) {
	seen := map[string]bool{}
	var walk func(path string)
	walk = func(path string) {
		for _, to := range c.imports[path] {
			if seen[to] {
				continue
			}
			seen[to] = true
			library := strings.Contains(strings.SplitN(to, "/", 2)[0], ".")
			switch {
			case strings.HasPrefix(to, c.prefix):
				walk(to)
			case library && slices.ContainsFunc(coreLibraries, under(to)):
				walk(to)
			case library:
				c.fault("%s is core and reaches the library %s through %s", from, to, strings.TrimPrefix(path, c.prefix))
			case slices.ContainsFunc(heavyStandard, under(to)):
				c.fault("%s is core and reaches the heavy package %s through %s", from, to, strings.TrimPrefix(path, c.prefix))
			}
		}
	}
	walk(c.prefix + from)
}

// layerOf returns the longest entry that path stands under, or nil.
func layerOf(path string) *layer {
	var found *layer
	for i := range layers {
		if l := &layers[i]; under(path)(l.path) && (found == nil || len(l.path) > len(found.path)) {
			found = l
		}
	}
	return found
}

// under returns a test for folders that hold path or are it.
func under(path string) func(folder string) bool {
	return func(folder string) bool { return path == folder || strings.HasPrefix(path, folder+"/") }
}

// Command compare measures lamina beside what people would use instead, on one
// machine and in one run: PyTorch, oneDNN, OpenBLAS, llama.cpp, Hugging Face's
// Trainer and lm-evaluation-harness. See README.md for what each suite does and
// what is not fair about it.
//
//	go run ./bench/compare -quick -model SmolLM2.gguf -train arc_easy.train.jsonl -test arc_easy.test.jsonl -out results
//
// Every contender is a process that lives as long as its suite, stays warm and is
// asked for one measurement at a time, in turn with the others, the first of each
// round another one; medians over the rounds count. The limit of the machine is
// measured between the cases, by ours.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/klauspost/cpuid/v2"

	"lamina/bench/workload"
	"lamina/internal/files"
)

// options are the flags, and what is derived from them.
type options struct {
	suites    []suite
	quick     bool
	rounds    int
	threads   []int
	filter    string
	skip      []string
	questions int
	samples   int

	model, train, test            string
	work, out                     string
	pythonPath, nodeDir, openblas string
	prepareOnly                   bool
	results                       []string // of runs, to print the targets from

	files inputs
}

func main() {
	if len(os.Args) > 1 && slices.Contains([]string{"worker", "gonum"}, os.Args[1]) {
		if err := work(os.Args[1], os.Args[2:]); err != nil {
			fmt.Fprintf(os.Stderr, "compare: %s: %v\n", os.Args[1], err)
			os.Exit(2)
		}
		return
	}
	o, err := parseFlags(os.Args[1:], os.Stderr)
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "compare:", err)
		os.Exit(2)
	}
	if err := run(o); err != nil {
		fmt.Fprintln(os.Stderr, "compare:", err)
		os.Exit(1)
	}
}

// work plays one of the workers that this program is: ours, "worker THREADS PRECISION", or
// gonum's, "gonum THREADS".
func work(kind string, args []string) error {
	if len(args) == 0 {
		return errors.New("want a number of threads and, of ours, a precision")
	}
	threads, err := strconv.Atoi(args[0])
	switch {
	case err != nil || threads < 1:
		return errors.New("want a number of threads")
	case kind == "gonum" && len(args) == 1:
		return serveGonum(threads)
	case kind == "worker" && len(args) == 2:
		return serve(threads, args[1])
	}
	return fmt.Errorf("%d arguments are too few or too many", len(args))
}

func parseFlags(args []string, stderr io.Writer) (*options, error) {
	o := &options{}
	f := flag.NewFlagSet("compare", flag.ContinueOnError)
	f.SetOutput(stderr)
	list := f.String("suite", "", "suites, separated by commas; default: all that can run")
	f.BoolVar(&o.quick, "quick", false, "about 25 minutes on two cores instead of hours: fewer rounds of the long suites, no torch.compile")
	f.IntVar(&o.rounds, "rounds", 0, "rounds of every case; default: as the suite says")
	threads := f.String("threads", "", "numbers of threads, separated by commas; default: 1 and all processors")
	f.StringVar(&o.filter, "filter", "", "only cases whose name has this text")
	skip := f.String("skip", "", "entries to leave out whose label has one of these texts, separated by commas")
	f.IntVar(&o.questions, "questions", 400, "questions of zeroshot")
	f.IntVar(&o.samples, "samples", 512, "samples of cka")
	f.StringVar(&o.model, "model", "", "SmolLM2-135M as a Q4_1 GGUF file: for llama, epoch, zeroshot, cka and load")
	f.StringVar(&o.train, "train", "", "ARC-Easy's training questions, JSON lines: for epoch and cka")
	f.StringVar(&o.test, "test", "", "ARC-Easy's test questions: for zeroshot")
	f.StringVar(&o.work, "work", "", "directory for environments, scripts and derived models; default: lamina-compare in the user's cache directory")
	f.StringVar(&o.out, "out", "", "write the results to OUT.md and OUT.json")
	f.StringVar(&o.pythonPath, "python", "", "interpreter that has the packages; default: an environment made in -work")
	f.StringVar(&o.nodeDir, "node", "", "directory whose node_modules has node-llama-cpp; default: installed in -work")
	f.StringVar(&o.openblas, "openblas", "/usr/lib/x86_64-linux-gnu/openblas-openmp/libopenblas.so.0", "OpenBLAS library, the OpenMP build")
	f.BoolVar(&o.prepareOnly, "prepare", false, "install, compile and convert what the suites need, and measure nothing")
	results := f.String("targets", "", "only print the numbers to reach, from the OUT.json of runs, separated by commas: a later one's cases count")
	if err := f.Parse(args); err != nil {
		return nil, err
	}
	if *results != "" {
		o.results = strings.Split(*results, ",")
	}
	if f.NArg() > 0 {
		return nil, fmt.Errorf("%.64q: no arguments are taken", f.Arg(0))
	}
	var err error
	if o.suites, err = named(*list); err != nil {
		return nil, err
	}
	if *skip != "" {
		o.skip = strings.Split(*skip, ",")
	}
	if o.threads = []int{1, runtime.NumCPU()}; *threads != "" {
		o.threads = nil
		for _, text := range strings.Split(*threads, ",") {
			n, err := strconv.Atoi(text)
			if err != nil || n < 1 || n > 1024 {
				return nil, fmt.Errorf("-threads %.64q: want numbers from 1", *threads)
			}
			o.threads = append(o.threads, n)
		}
	}
	slices.Sort(o.threads)
	o.threads = slices.Compact(o.threads)
	if o.questions < 1 || o.samples < 3 || o.rounds < 0 {
		return nil, fmt.Errorf("-questions %d, -samples %d, -rounds %d: want at least 1, 3 and 0", o.questions, o.samples, o.rounds)
	}
	if *list == "" {
		o.suites = slices.DeleteFunc(o.suites, func(s suite) bool { return o.lacks(s) != "" })
		return o, nil
	}
	for _, s := range o.suites {
		if flag := o.lacks(s); flag != "" {
			return nil, fmt.Errorf("-suite %s needs %s", s.name, flag)
		}
	}
	return o, nil
}

// lacks names the flag that a suite needs and has not.
func (o *options) lacks(s suite) string {
	switch {
	case slices.Contains(s.needs, "model") && o.model == "":
		return "-model"
	case slices.Contains(s.needs, "data") && (o.train == "" || o.test == ""):
		return "-train and -test"
	}
	return ""
}

// needs reports whether a suite that was chosen needs something.
func (o *options) needs(what string) bool {
	return slices.ContainsFunc(o.suites, func(s suite) bool { return slices.Contains(s.needs, what) })
}

// prepare installs, compiles and converts what is missing and returns how each
// kind of worker is started, without threads.
func (o *options) prepare() (place, map[string][]string, error) {
	if o.work == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			return place{}, nil, err
		}
		o.work = filepath.Join(cache, "lamina-compare")
	}
	work, err := filepath.Abs(o.work)
	if err != nil {
		return place{}, nil, err
	}
	p, err := openPlace(work, os.Stderr)
	if err != nil {
		return p, nil, err
	}
	commands := map[string][]string{}
	script := func(name string) string { return filepath.Join(p.workers, name) }
	python := ""
	if o.needs("torch") || o.needs("hf") || o.needs("llama") {
		if python, err = p.python(o.pythonPath); err != nil {
			return p, nil, err
		}
		commands["torch"] = []string{python, script("torch_worker.py")}
		commands["hf"] = []string{python, script("hf_worker.py")}
	}
	for _, name := range []string{"openblas", "onednn"} {
		if o.needs(name) {
			binary, err := p.blas(name)
			if err != nil {
				return p, nil, err
			}
			commands[name] = []string{binary, o.openblas}
		}
	}
	if o.needs("gomlx") {
		binary, err := p.gomlx()
		if err != nil {
			return p, nil, err
		}
		commands["gomlx"] = []string{binary}
	}
	if o.needs("llama") {
		if err := p.node(o.nodeDir); err != nil {
			return p, nil, err
		}
		commands["llama"] = []string{"node", script("llama_worker.mjs")}
	}
	if o.needs("model") {
		if o.files, err = p.model(o.model); err != nil {
			return p, nil, err
		}
		for kind, path := range map[string]string{"q8": o.files.q8, "wide": o.files.q4k} {
			if o.needs("llama") && !exists(path) {
				if err := p.do(p.dir, python, script("make_gguf.py"), kind, o.model, path); err != nil {
					return p, nil, err
				}
			}
		}
	}
	if o.needs("data") {
		if err := p.data(&o.files, o.train, o.test, o.questions, o.samples); err != nil {
			return p, nil, err
		}
	}
	self, err := os.Executable()
	if err != nil {
		return p, nil, err
	}
	commands[oursName], commands["gonum"] = []string{self, "worker"}, []string{self, "gonum"}
	return p, commands, nil
}

// document is the JSON of a run.
type document struct {
	Date     string                      `json:"date"`
	Commit   string                      `json:"commit"`
	Machine  string                      `json:"machine"`
	Versions []string                    `json:"versions"`
	Left     []string                    `json:"left_out,omitempty"` // of ours, and why
	Limits   map[int]map[string]*limits  `json:"limits"`             // by threads and suite
	Seconds  map[string]float64          `json:"suite_seconds"`
	Results  []result                    `json:"results"`
	machines map[int]workload.Machine    // of the suite that runs
	text     map[string]*strings.Builder // Markdown by suite
}

func run(o *options) error {
	if len(o.results) > 0 {
		text, err := targetsOf(o.results)
		if err == nil {
			_, err = io.WriteString(os.Stdout, text)
		}
		return err
	}
	p, commands, err := o.prepare()
	if err != nil || o.prepareOnly {
		return err
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	d := &document{
		Date: time.Now().UTC().Format("2006-01-02 15:04 MST"), Commit: commit(), Machine: machineText(),
		Limits: map[int]map[string]*limits{}, Seconds: map[string]float64{}, text: map[string]*strings.Builder{},
	}
	var body strings.Builder
	for _, s := range o.suites {
		begin := time.Now()
		b := &bout{options: o, place: p, commands: commands, document: d, stop: stop, pool: map[string]*worker{}}
		results, failure := b.suite(s)
		b.closeAll()
		d.Seconds[s.name] = math.Round(time.Since(begin).Seconds())
		d.Results = append(d.Results, results...)
		fmt.Fprintf(os.Stderr, "%s took %.0f s\n", s.name, d.Seconds[s.name])
		text := markdown(s, results) + d.limitsText(s.name)
		if s.name == "epoch" && failure == nil {
			text += epochText(o.files, results)
		}
		body.WriteString(text)
		// After each suite: a run is long.
		if err = errors.Join(failure, o.write(d, body.String()+targetsText(d.Results))); err != nil {
			break
		}
	}
	_, printed := io.WriteString(os.Stdout, d.head()+body.String()+targetsText(d.Results))
	return errors.Join(err, printed)
}

// write puts the results so far into OUT.md and OUT.json.
func (o *options) write(d *document, body string) error {
	if o.out == "" {
		return nil
	}
	err := files.Write(o.out+".md", func(w io.Writer) error {
		_, err := io.WriteString(w, d.head()+body)
		return err
	})
	if err != nil {
		return err
	}
	return files.Write(o.out+".json", func(w io.Writer) error {
		e := json.NewEncoder(w)
		e.SetIndent("", " ")
		return e.Encode(d)
	})
}

func (d *document) head() string {
	text := fmt.Sprintf("# lamina beside others, %s\n\nCommit %s. %s. %s.\n", d.Date, d.Commit, d.Machine, strings.Join(d.Versions, "; "))
	if len(d.Left) > 0 {
		text += fmt.Sprintf("\nLeft out: %s.\n", strings.Join(d.Left, "; "))
	}
	return text
}

// limitsText says what the machine reached during a suite.
func (d *document) limitsText(suite string) string {
	var b strings.Builder
	for _, threads := range slices.Sorted(maps.Keys(d.Limits)) {
		if l := d.Limits[threads][suite]; l != nil {
			fmt.Fprintf(&b, "\nMachine on %s meanwhile: %.0f GFLOP/s, reads %.1f GB/s, copies %.1f GB/s", threadsText(threads), l.Peak/1e9, l.Read/1e9, l.Copy/1e9)
			if l.BF16 > 0 {
				fmt.Fprintf(&b, "; BF16 %.0f GFLOP/s", l.BF16/1e9)
			}
			if l.Int8 > 0 {
				fmt.Fprintf(&b, "; 8-bit integers %.0f GOP/s", l.Int8/1e9)
			}
			b.WriteString(".\n")
		}
	}
	return b.String()
}

// commit returns the revision of the tree, with a plus sign if it has changes.
func commit() string {
	out, err := exec.Command("git", "describe", "--always", "--dirty=+", "--exclude=*").Output()
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(out))
}

func machineText() string {
	return fmt.Sprintf("%s, %d processors, %s/%s, %s", strings.TrimSpace(cpuid.CPU.BrandName), runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version())
}

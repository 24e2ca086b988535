// Command attack does to lamina what strangers and bad luck do: it kills the built
// binary at every operation on files, lets the disk fail and the clock go wrong, flips
// bits in what was written, feeds every reader mutants, and hands over hostile packages,
// special files, answers of a hub and flags.
//
//	go run ./bench/attack -short                      # minutes
//	go run ./bench/attack -report bench/results/DATE-attack.md
//	go run ./bench/attack -parts kills -only 'run over' -v
//
// It prints a table for each part, then every fault, and ends with status 1 if there was
// one: something lost, something wrong taken in silence, a panic, a hang, memory out of
// proportion. What a part tries, and what it asks of the binary, stands in its file:
//
//	kills.go     kill, EIO, ENOSPC at each operation
//	cuts.go      the power goes after each operation
//	moments.go   kills and signals at random moments
//	flips.go     one bit of each kind of file that is written
//	mutants.go   readers.go, doors.go, door.go, mutate: changed inputs, in processes of one reader each
//	packages.go  special.go, answers.go, absurd.go: what a stranger sends or an owner types
//	clocks.go    the wall clock and the times of files, set back and ahead
//
// All that is drawn follows from -seed.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"
)

// parts of the attack, in the order in which they run.
var parts = []struct {
	name string
	run  func(context.Context, *lab) (*report, error)
}{
	{"kills", kills},
	{"cuts", cuts},
	{"moments", moments},
	{"packages", packages},
	{"special", special},
	{"answers", answers},
	{"absurd", absurd},
	{"clocks", clocks},
	{"flips", flips},
	{"mutants", mutants},
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	status, err := attack(ctx)
	if err != nil {
		fmt.Fprintln(os.Stderr, "attack:", err)
		status = 1
	}
	os.Exit(status)
}

func attack(ctx context.Context) (status int, err error) {
	var o options
	flag.StringVar(&o.lamina, "lamina", "", "the binary; default: built from this tree")
	flag.BoolVar(&o.short, "short", false, "a short form of each part")
	flag.Uint64Var(&o.seed, "seed", 1, "seed of all that is drawn")
	flag.IntVar(&o.jobs, "jobs", runtime.NumCPU(), "cases at once")
	flag.StringVar(&o.only, "only", "", "only cases whose name contains this")
	flag.BoolVar(&o.keep, "keep", false, "keep the directories of cases with a fault, and say where")
	flag.BoolVar(&o.verbose, "v", false, "say each case")
	names := flag.String("parts", "", "comma-separated parts; default: all")
	file := flag.String("report", "", "write the report to this file as well")
	small := flag.Bool("call", false, "be the process between that runs what standard input says")
	d := door{}
	flag.StringVar(&d.name, "door", "", "be the process of one reader of mutants; with -from and -count")
	flag.StringVar(&d.inputs, "inputs", "", "where good inputs lie; default: they are made")
	flag.StringVar(&d.work, "work", "", "an empty directory; default: one is made")
	flag.StringVar(&d.source, "source", "", "the module's directory; default: that of the working directory")
	from, count := flag.Int("from", 0, "the first mutant"), flag.Int("count", 0, "how many")
	flag.Parse()
	if flag.NArg() > 0 {
		return 2, fmt.Errorf("unexpected %q", flag.Args())
	}
	if *small {
		return 0, between(ctx, os.Stdin, os.Stdout)
	}
	if d.name != "" {
		d.seed = o.seed
		return 0, d.alone(ctx, o, *from, *count)
	}
	return run(ctx, o, strings.Split(*names, ","), *file)
}

// run does the parts that are named, all if the first name is empty.
func run(ctx context.Context, o options, names []string, file string) (status int, err error) {
	l, err := newLab(ctx, o)
	if err != nil {
		return 1, err
	}
	defer l.close()

	out := io.Writer(os.Stdout)
	if file != "" {
		f, err := os.Create(file)
		if err != nil {
			return 1, err
		}
		defer f.Close()
		out = io.MultiWriter(os.Stdout, f)
	}
	fmt.Fprintf(out, "# Strangers and bad luck, %s\n\n%s\n", time.Now().Format(time.DateOnly), l.describe(ctx))
	var faults []fault
	for _, p := range parts {
		if names[0] != "" && !slices.Contains(names, p.name) {
			continue
		}
		started := time.Now()
		r, err := p.run(ctx, l)
		if err != nil {
			return 1, fmt.Errorf("%s: %w", p.name, err)
		}
		r.write(out, time.Since(started))
		faults = append(faults, r.faults...)
	}
	writeFaults(out, faults)
	return min(len(faults), 1), ctx.Err()
}

package main

import (
	"context"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"lamina/bench/attack/internal/trace"
)

// kept is something that is written and read again: bits are flipped in its files, and
// the command that reads them is run.
type kept struct {
	name string
	// made are commands that write it; then broken, if set, is run and killed late, once
	// there is a file for each pattern of until.
	made   []string
	broken string
	until  []string
	in     string // the files are those below this directory, or this file
	then   string // reads it, and writes what is compared
	env    string // words of the environment
	parts  int    // of all flips
	// open says why nothing is promised of it: what is found out is counted, not asked for.
	open string
	// claims is a file of which a part is its writer's word: what is changed there may pass.
	claims string
}

var keeps = []kept{
	{name: "run that was killed", broken: "finetune --model emulator --lr 1e-2 --out fit" + training, until: []string{"fit/checkpoints/step-1", "fit/checkpoints/step-2"},
		in: "fit", then: "finetune --model emulator --lr 1e-2 --out fit" + training, parts: 24},
	{name: "run that has ended", in: "run", then: "finetune --model emulator --lr 1e-2 --out run" + training, parts: 12},
	{name: "adapter", in: "run/adapter", then: plugging, parts: 16},
	{name: "emulator", in: "emulator", then: tuning, parts: 16},
	{name: "adapter of LoRA", made: []string{lora}, in: "fit/adapter", then: "plug --model model --adapter fit --out tuned", parts: 8},
	{name: "what training added", made: []string{added}, in: "fit/adapter", then: "plug --model model --adapter fit --out tuned", parts: 4},
	{name: "package of an emulator", made: signedBack[:2], in: "sent", then: unpacking + trusting, parts: 8},
	{name: "package of an adapter", made: signedBack, in: "back", then: accepting + trusting, parts: 8},
	{name: "package that nobody signed", made: sentBack, in: "back", then: accepting, parts: 4, claims: "manifest.json"},
	{name: "ledger", made: sentBack, in: "emulator.exchange.json", then: accepting, parts: 3},
	{name: "distillation that was killed", broken: distilling, until: []string{"cook/checkpoints/step-1", "cook/checkpoints/step-2"},
		in: "cook", then: distilling, parts: 6},
	{name: "table that was killed", broken: protocol + " --lr 1e-2,1e-3", until: []string{"table/seed-42/rows/*/*/outcome.json", "table/seed-42/rows/*/result.json"},
		in: "table", then: protocol + " --lr 1e-2,1e-3", parts: 10},
	{name: "table that has ended", made: []string{protocol + " --lr 1e-2"}, in: "table", then: protocol + " --lr 1e-2", parts: 6},
	{name: "scores of finished tasks", made: []string{"eval --model model --data docs.jsonl --out scores"}, in: "scores/tasks",
		then: "eval --model model --data docs.jsonl --out scores --json scores.json", parts: 4},
	{name: "way back", made: []string{plugging}, in: "tuned.undo", then: "plug --undo tuned", parts: 6},
	{name: "receipt", in: "emulator.receipt.json", then: plugging, parts: 4},
	{name: "cache of the hub", made: []string{"hub get " + repo + " --include *"}, in: "cache/hub/models--tiny--model", env: "HF_HOME=cache",
		then: "hub verify " + repo + " --json verified.json", parts: 4},
	{name: "similarity", made: []string{"similarity --model model --data support.jsonl --json similarity.json"}, in: "similarity.json",
		then: "plan crash --layers 3 --keep 2 --trainable 1 --similarity similarity.json --json plan.json", parts: 2, open: "a file of numbers without a digest"},
	{name: "results of eval", made: []string{"eval --model model --data docs.jsonl --out a --log-samples", "eval --model emulator --data docs.jsonl --out b --log-samples"},
		in: "a/model", then: "compare a b --samples 10 --json compared.json", parts: 3},
	{name: "converted model", made: []string{"convert --model model --out converted"}, in: "converted",
		then: "eval --model converted --data docs.jsonl --json scores.json", parts: 4, open: "a model as transformers reads it, without digests"},
	{name: "plugged model", made: []string{plugging}, in: "tuned",
		then: "eval --model tuned --data docs.jsonl --json scores.json", parts: 4, open: "a model as transformers reads it, without digests"},
}

// flips flips bits in every kind of file that is written.
func flips(ctx context.Context, l *lab) (*report, error) {
	r := &report{title: "One flipped bit",
		head: []string{"of", "files", "flips", "refused", "repaired", "harmless", "silent", "panics", "promised"}}
	inputs, err := l.inputs(ctx)
	if err != nil {
		return nil, err
	}
	total, parts := 10_000, 0
	if l.short {
		total = 100
	}
	for _, k := range keeps {
		parts += k.parts
	}
	for _, k := range keeps {
		if !l.wanted("flip/"+k.name) && !strings.Contains(l.only, k.name) {
			continue
		}
		if err := l.flip(ctx, r, k, inputs, total*k.parts/parts); err != nil {
			return nil, fmt.Errorf("%s: %w", k.name, err)
		}
	}
	r.note("refused: with an error that names the file. repaired: with a message, and the same bits at the end, but for lines of the file itself that could not be had again. harmless: nothing else came of it.")
	return r, nil
}

// stage is a kind of file made ready to be damaged.
type stage struct {
	kept
	start string // directory, copied for each flip
	env   []string
	files []string // to flip bits in
	usual outcome  // of the command on the whole files
	want  state    // that it comes to
	stop  func()
}

// ready makes the files of a kind, and sees what comes of them when nothing is flipped.
func (l *lab) ready(ctx context.Context, k kept, inputs string) (s *stage, err error) {
	s = &stage{kept: k, stop: func() {}}
	if s.start, err = l.copyOf(inputs); err != nil {
		return s, err
	}
	if k.env != "" {
		h, err := serve(nil)
		if err != nil {
			return s, err
		}
		s.stop, s.env = h.stop, append(strings.Fields(k.env), "HF_HUB_CACHE=", "HF_ENDPOINT="+h.home+"/honest")
	}
	if err := l.commands(ctx, s.start, s.env, k.made...); err != nil {
		return s, err
	}
	if k.broken != "" {
		if s.start, err = l.interrupted(ctx, s.start, k.broken, k.until); err != nil {
			return s, err
		}
	}
	whole, err := l.copyOf(s.start)
	if err != nil {
		return s, err
	}
	s.usual, err = l.call(ctx, whole, caseLimit, s.env, words(k.then)...)
	if err != nil || s.usual.Exit != 0 {
		return s, fmt.Errorf("%w: %s: %s", err, k.then, last(s.usual.Stderr))
	}
	if s.want, err = read(whole); err != nil {
		return s, err
	}
	s.files, err = filesBelow(s.start, k.in)
	return s, err
}

// flip tries one kind.
func (l *lab) flip(ctx context.Context, r *report, k kept, inputs string, n int) error {
	if k.broken != "" && !trace.Available {
		r.note("%s: skipped, as the tracer works on linux/amd64 only", k.name)
		return nil
	}
	s, err := l.ready(ctx, k, inputs)
	defer s.stop()
	if err != nil {
		return err
	}
	var t flipped
	err = l.each(ctx, n, func(i int) error {
		return l.flipOne(ctx, r, s, &t, fmt.Sprintf("flip/%s@%d", k.name, i), s.files[i%len(s.files)])
	})
	promised := "yes"
	if k.open != "" {
		promised = "no: " + k.open
	}
	if k.claims != "" {
		promised += ", but for what " + k.claims + " claims"
	}
	if t.flips > 0 {
		r.row(k.name, len(s.files), t.flips, t.refused, t.repaired, t.harmless, t.silent, r.count("flip/"+k.name+"@", panics), promised)
	}
	return err
}

func (l *lab) flipOne(ctx context.Context, r *report, s *stage, t *flipped, name, file string) error {
	draw := l.random(name)
	name += " " + file
	if !l.wanted(name) {
		return nil
	}
	dir, err := l.copyOf(s.start)
	if err != nil {
		return err
	}
	at, err := flipBit(filepath.Join(dir, file), draw)
	if err != nil {
		return err
	}
	name += fmt.Sprintf(" bit %d", at)
	before := r.total()
	defer func() { l.done(dir, r.total() > before) }()
	changed, err := read(dir)
	if err != nil {
		return err
	}
	o, err := l.call(ctx, dir, caseLimit, s.env, words(s.then)...)
	if err != nil {
		return err
	}
	file = undated(file)
	return t.judge(r, s, name, dir, file, changed[file], o)
}

// aside matches a damaged checkpoint that was put aside, and the reason beside it.
var aside = regexp.MustCompile(`\.bad(-\d+)?(/|\.txt$)`)

// flipped counts what came of flips.
type flipped struct {
	lock                                       sync.Mutex
	flips, refused, repaired, harmless, silent int
}

func (t *flipped) judge(r *report, s *stage, name, dir, file, bad string, o outcome) error {
	t.lock.Lock()
	defer t.lock.Unlock()
	t.flips++
	now, err := read(dir)
	if err != nil {
		return err
	}
	said := warns(o.Stderr, s.usual.Stderr)
	end := state{} // what it came to
	for path, d := range now {
		switch {
		case said && aside.MatchString(path):
		case path == file && d == bad: // not read, or not believed, and not written anew
			end[path] = s.want[path]
		default:
			end[path] = d
		}
	}
	different := end.difference(s.want)
	switch {
	case panicked(o.Stderr):
		r.fault(panics, name, "%.300s", o.Stderr)
	case o.Late, o.Took > killedAt:
		r.fault(hang, name, "%.1f s", o.Took.Seconds())
	case o.Exit != 0:
		t.refused++
		said := o.Stdout + o.Stderr // of several wrong files a list comes before the error
		if !strings.Contains(said, filepath.Base(file)) && !strings.Contains(said, filepath.Base(filepath.Dir(file))) {
			r.fault(wrong, name, "the error does not name it: %s", last(o.Stderr))
		}
	case said && different == "≠"+file: // what was lost of it is told
		t.repaired++
	case different != "":
		t.silent++
		if s.open == "" && filepath.Base(file) != s.claims {
			r.fault(silent, name, "status 0, and another end: %s", different)
		}
	case said:
		t.repaired++
	default:
		t.harmless++
	}
	return nil
}

// filesBelow lists the files of a directory that have a bit, or the one file.
func filesBelow(dir, name string) ([]string, error) {
	var all []string
	err := filepath.WalkDir(filepath.Join(dir, name), func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		info, err := e.Info()
		if err == nil && info.Size() > 0 {
			relative, _ := filepath.Rel(dir, path)
			all = append(all, filepath.ToSlash(relative))
		}
		return err
	})
	if err == nil && len(all) == 0 {
		err = fmt.Errorf("no files in %s", name)
	}
	slices.Sort(all)
	return all, err
}

// flipBit flips one bit of a file and returns which.
func flipBit(path string, r *rand.Rand) (int, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	at := r.IntN(8 * len(data))
	data[at/8] ^= 1 << (at % 8)
	return at, os.WriteFile(path, data, 0o644)
}

// interrupted runs a command in copies of a directory and kills it later and later, until
// it left what is wanted, and has not ended.
func (l *lab) interrupted(ctx context.Context, start, command string, until []string) (string, error) {
	limited, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	for at := 10; ; at += 3 {
		dir, err := l.copyOf(start)
		if err != nil {
			return "", err
		}
		done, err := trace.Run(limited, l.program(dir, command), trace.Fault{At: at, Kill: true})
		if err != nil {
			return "", err
		}
		if done.Exit != -1 {
			return "", fmt.Errorf("%s ended without leaving %q", command, until)
		}
		there := true
		for _, pattern := range until {
			found, err := filepath.Glob(filepath.Join(dir, pattern))
			if err != nil {
				return "", err
			}
			there = there && len(found) > 0
		}
		if there {
			return dir, nil
		}
		l.done(dir, false)
	}
}

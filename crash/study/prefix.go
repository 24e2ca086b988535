package study

import (
	"fmt"

	"lamina/crash/train"
	"lamina/internal/files"
	"lamina/internal/units"
	"lamina/transformer"
)

// CachePrefix is how much is kept of the streams that enter the lowest place which trains,
// see [train.Prefix]: no number depends on it.
type CachePrefix struct {
	// Auto keeps what half of the memory holds that a run leaves, and half of what is free
	// on disk; and nothing where nothing is gained.
	Auto   bool
	Memory int // bytes in memory where not Auto, the rest on disk; 0: nothing is kept
	// Most bounds the memory that Auto takes, which is the process's though the run
	// computes elsewhere; 0: nothing does.
	Most int
}

// CacheUnknown is the memory that Auto takes where the system does not say what there is.
const CacheUnknown = 1 << 30

// ParseCachePrefix reads auto, off or a size.
func ParseCachePrefix(text string) (c CachePrefix, err error) {
	switch text {
	case "auto":
		return CachePrefix{Auto: true}, nil
	case "off":
		return c, nil
	}
	if c.Memory, err = units.ParseBytes(text); err != nil {
		return c, fmt.Errorf("--cache-prefix: want auto, off or a size: %w", err)
	}
	if c.Memory == 0 {
		return c, fmt.Errorf("--cache-prefix %s: want off, or a size above 0", text)
	}
	return c, nil
}

// asked reports whether somebody wants streams to be kept, whatever is gained.
func (c CachePrefix) asked() bool { return !c.Auto && c.Memory > 0 }

func (c CachePrefix) String() string {
	switch {
	case c.Auto:
		return "auto"
	case c.Memory == 0:
		return "off"
	}
	return units.Bytes(c.Memory)
}

// prefix returns an empty one for runs that leave so many bytes of memory, which keep on
// disk in dir, unless that is "", what memory does not hold.
func (c CachePrefix) prefix(left int, dir string) *train.Prefix {
	p := &train.Prefix{Memory: c.Memory, Dir: dir}
	if c.Auto {
		if p.Memory = max(left, 0) / 2; c.Most > 0 {
			p.Memory = min(p.Memory, c.Most)
		}
	}
	if free, known := files.Free(dir); known && dir != "" {
		p.Disk = int(min(free/2, 1<<60))
	}
	return p
}

// gain says what of a run is the same more than once.
type gain struct {
	train, valid bool   // the streams of what is trained on, of what is measured
	varies       bool   // what frozen places make is another in each step
	none         string // why the streams of what is trained on are not, and the remedy
}

// gains looks at a trainer over a decoder, of which there are so many runs.
func gains(t *train.Trainer, d *transformer.Decoder, runs int) (g gain, err error) {
	place, err := d.Below(t.Params)
	if err != nil {
		return g, err
	}
	n := t.Train.Len()
	what, remedy := varies(t, d, place)
	g.varies = place > 0 && what != ""
	again := runs > 1 || t.Settings.TotalSteps(n) > (n-1)/t.Settings.Batch+1
	g.train = place > 0 && !g.varies && again
	g.valid = place > 0 && t.Valid != nil && t.Valid.Len() > 0 // before training and after
	switch {
	case place == 0:
		g.none = "changes nothing: the embedding or the first place trains, so that nothing below is frozen: leave it out"
	case g.varies:
		g.none = fmt.Sprintf("%s, so that what frozen places make is another in each step: %s, or leave it out", what, remedy)
	case !again && !g.valid:
		g.none = "changes nothing: no example is read twice: leave it out"
	}
	return g, nil
}

// varies says what makes the streams before a place others in each step, if anything does,
// and the remedy.
func varies(t *train.Trainer, d *transformer.Decoder, place int) (what, remedy string) {
	s := t.Settings
	o, ok := t.Train.(*train.NextToken)
	switch {
	case s.DropSpan > 0:
		return fmt.Sprintf("--drop-span %v leaves places out", s.DropSpan), "leave that out"
	case s.GapNoise > 0:
		return fmt.Sprintf("--gap-noise %v disturbs them", s.GapNoise), "leave that out"
	case ok && o.Turns() > 1:
		return fmt.Sprintf("%d emulators take turns", o.Turns()), "train in one"
	case s.Dropout > 0 && d.DropsBelow(place):
		return fmt.Sprintf("frozen places drop elements (dropout %v)", s.Dropout), "give --dropout 0"
	}
	return "", ""
}

// keep has the streams kept that come again.
func (g gain) keep(t *train.Trainer, p *train.Prefix) error {
	for _, part := range []struct {
		of    train.Objective
		gains bool
	}{{t.Train, g.train}, {t.Valid, g.valid}} {
		if o, ok := part.of.(*train.NextToken); ok && part.gains {
			if _, err := o.Keep(p, t.Params); err != nil {
				return err
			}
		}
	}
	return nil
}

// KeepPrefix has the streams before the lowest place that trains kept, after Load; dir is
// the run directory, and what is available that of CheckMemory.
func (f *Finetuning) KeepPrefix(c CachePrefix, available int, dir string) error {
	if !c.Auto && !c.asked() {
		return nil
	}
	g, err := gains(f.Trainer, f.Part.Decoder, f.Runs)
	switch {
	case err != nil:
		return err
	case g.none != "" && c.asked():
		return fmt.Errorf("--cache-prefix %s: %s", c, g.none)
	}
	left := CacheUnknown
	if c.Auto && available > 0 {
		need, err := f.Trainer.Memory()
		if err != nil {
			return err
		}
		left = available - need.Total() - f.Model.Config.ProcessMemory()
	}
	f.prefix = c.prefix(left, dir)
	return g.keep(f.Trainer, f.prefix)
}

// PrefixUse says what came of streams that are kept, so far; of a cell of a grid, in its own
// run.
func (f *Finetuning) PrefixUse() (use train.PrefixUse) {
	if f.prefix == nil {
		return use
	}
	use = f.prefix.Use()
	use.Read, use.Computed = use.Read-f.used.Read, use.Computed-f.used.Computed
	return use
}

// LendPrefix lets another run, over the same frozen weights at another seed or rate, read and
// keep streams where f keeps its own, after KeepPrefix of f and Load of the other: of a grid
// the first run lends to all, and no row of a place below is computed twice. f gives them
// back at its Close, which comes last. A run over other weights is computed anew, with the
// same bits; one that trains below, or varies there, keeps nothing.
func (f *Finetuning) LendPrefix(to *Finetuning) error {
	if f.prefix == nil {
		return nil
	}
	g, err := gains(to.Trainer, to.Part.Decoder, max(f.Runs, 2))
	if err != nil {
		return err
	}
	return g.keep(to.Trainer, f.prefix)
}

// Close gives back what training holds.
func (f *Finetuning) Close() {
	f.Trainer.Close()
	f.prefix.Close()
}

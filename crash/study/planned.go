package study

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"lamina/autograd"
	"lamina/crash/emulate"
	"lamina/crash/train"
	"lamina/nn"
	"lamina/tensor"
)

// preflight holds what each row that is still to be trained would take against the memory
// there is, before one is, and makes room for the streams that rows keep in turn.
func (p *Protocol) preflight(variants []variant) error {
	c, process := p.CachePrefix, p.Full.Config.ProcessMemory()
	most, gained, none := 0, false, ""
	for _, v := range variants {
		if v.Trains == Nothing || p.finished(v) {
			continue
		}
		t, e, err := p.outline(v)
		if err != nil {
			return fmt.Errorf("row %s: %w", v.row, err)
		}
		g, err := gains(t, e.Decoder, len(p.LRs))
		switch {
		case err != nil:
			return fmt.Errorf("row %s: %w", v.row, err)
		case g.none != "":
			none = fmt.Sprintf("row %s: %s", v.row, g.none)
		}
		if c.asked() {
			if g.varies {
				return fmt.Errorf("--cache-prefix %s: row %s: %s", c, v.row, g.none)
			}
			if err := g.keep(t, c.prefix(0, "")); err != nil {
				return fmt.Errorf("row %s: %w", v.row, err)
			}
		}
		gained = gained || g.train || g.valid
		need, err := t.Memory()
		if err != nil {
			return fmt.Errorf("row %s: %w", v.row, err)
		}
		beside := process + p.besides(t)
		most = max(most, need.Total()+beside)
		if f := (Finetuning{Part: e, Trainer: t}); !p.Overcommit {
			if err := CheckMemory(t, beside, p.Available, f.fewer()...); err != nil {
				return fmt.Errorf("row %s: %w", v.row, err)
			}
		}
	}
	switch {
	case c.asked() && !gained && none != "":
		return fmt.Errorf("--cache-prefix %s: %s", c, none)
	case gained && (c.Auto || c.asked()):
		left := CacheUnknown
		if p.Available > 0 {
			left = p.Available - most
		}
		p.prefix = c.prefix(left, p.Dir)
		p.prefix.Note = p.warn
	}
	return nil
}

// finished reports whether a row's result is there.
func (p *Protocol) finished(v variant) bool {
	_, err := os.Stat(filepath.Join(p.RowDir(v.row), resultFile))
	return p.Dir != "" && !errors.Is(err, fs.ErrNotExist)
}

// besides is what a row of several rates holds beside the training of one: the weights that
// the best so far trained.
func (p *Protocol) besides(t *train.Trainer) int {
	if len(p.LRs) < 2 {
		return 0
	}
	return tensor.F32.Bytes(nn.Count(t.Params))
}

// outline returns a row's trainer, of which nothing is built or computed. The full model is
// held beside.
func (p *Protocol) outline(v variant) (*train.Trainer, *emulate.Emulator, error) {
	e := emulate.Whole(p.Full)
	if v.Trains != Everything {
		var err error
		if e, err = emulate.OutlineOf(p.Full, v.plan); err != nil {
			return nil, nil, err
		}
	}
	t, err := p.trainer(v, e, p.LRs[0])
	if err != nil {
		return nil, nil, err
	}
	seen := map[*autograd.Parameter]bool{}
	var held []*autograd.Parameter
	for w := range nn.Join(p.Full.Params(), e.Decoder.Params()) {
		if !seen[w] {
			seen[w] = true
			held = append(held, w)
		}
	}
	t.Held = slices.Values(held)
	return t, e, nil
}

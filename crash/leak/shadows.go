package leak

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"lamina/crash/privacy"
	"lamina/crash/train"
	"lamina/internal/files"
	"lamina/internal/philox"
	"lamina/kernels"
	"lamina/nn"
	"lamina/transformer"
)

// Shadows are models that are trained as the one under attack was, on rows that are known:
// Count adapters, each on a random half of the public rows, or, [Online], of the public and
// the audited rows together. Two neighbours have one half each, so that every row is in
// half of the shadows.
//
//	s := &leak.Shadows{Backend: be, Decoder: d, Params: e.Params(), Settings: settings, Public: rows, Audited: a, Count: 16, How: leak.Offline, Dir: "shadows"}
//	shadows, err := s.Train(ctx)
//
// The decoder's parameters have the values in the end that they had before.
type Shadows struct {
	Backend kernels.Backend
	Decoder *transformer.Decoder
	Params  nn.Params // what trains, with its values before training
	// Attach, if not nil, puts to the decoder what trains instead; detach takes it away.
	Attach   func() (params nn.Params, detach func(), err error)
	Settings train.Settings // those of the run
	Drops    bool           // as [train.Trainer] has it
	Beside   any            // what else decides how they train, for the directory; may be nil
	Public   []train.Sequence
	Audited  Audited
	Count    int
	How      Variant
	Seed     uint64

	// Dir keeps what is finished, and the checkpoints of the one that is being trained; ""
	// keeps nothing. More shadows may be trained there later.
	Dir       string
	Overwrite bool
	// Progress, if not nil, is told of each step and how many there are in all.
	Progress func(step, steps int)
}

// Validate returns an error that says what is missing.
func (s *Shadows) Validate() error {
	if s.Count < 3 {
		return fmt.Errorf("%d shadow runs: want 3 or more: 2 to know how far they scatter, and one that is attacked as a control", s.Count)
	}
	if pool := len(s.pool()); pool < 4 {
		return fmt.Errorf("%d rows for shadow runs, which take half of them each: want 4 or more (--public)", pool)
	}
	return s.Audited.Validate()
}

// pool are the rows that halves are drawn of: the audited ones first, if they are in it.
func (s *Shadows) pool() []train.Sequence {
	if s.How == Online {
		return append(s.Audited.all(), s.Public...)
	}
	return s.Public
}

// half returns the rows of a shadow.
func (s *Shadows) half(k int) []int {
	n := len(s.pool())
	perm := philox.New(s.Seed, philox.Stream(uint32(k/2), 0, shadowHalves)).Perm(n)
	if k%2 == 0 {
		return perm[:n/2]
	}
	return perm[n/2:]
}

// shadowHalves tells the numbers drawn here from others of one seed.
const shadowHalves = 1 << 15

// config is what determines a shadow, in its directory's config.json.
type config struct {
	Command  string         `json:"command"`
	Base     string         `json:"base"` // fingerprint of the weights before training
	Settings train.Settings `json:"settings"`
	Beside   any            `json:"beside,omitempty"`
	Public   string         `json:"public"` // digests of the rows
	Audited  string         `json:"audited"`
	How      Variant        `json:"variant"`
	Seed     uint64         `json:"seed"`
	Backend  string         `json:"backend"`
}

// Train trains what is not there yet. Interrupted, the next call goes on.
func (s *Shadows) Train(ctx context.Context) ([]Shadow, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	release, err := s.begin()
	if err != nil {
		return nil, err
	}
	defer release()
	params := s.Params
	if s.Attach != nil {
		var detach func()
		if params, detach, err = s.Attach(); err != nil {
			return nil, err
		}
		defer detach()
	}
	var all []Shadow
	for k := range s.Count {
		one, err := s.one(ctx, k, params)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, nil
}

// Memory plans that of one shadow's training, see [train.Trainer.Memory].
func (s *Shadows) Memory() (m train.Memory, err error) {
	params := s.Params
	if s.Attach != nil {
		var detach func()
		if params, detach, err = s.Attach(); err != nil {
			return m, err
		}
		defer detach()
	}
	t, err := s.trainer(0, params)
	if err != nil {
		return m, err
	}
	return t.Memory()
}

// begin makes or enters the directory.
func (s *Shadows) begin() (release func(), err error) {
	if s.Dir == "" {
		return func() {}, nil
	}
	settings, err := files.JSON(config{
		"leak", transformer.Fingerprint(s.Decoder.Params()), s.Settings, s.Beside, digest(s.Public), digest(s.Audited.all()), s.How, s.Seed, s.Backend.Name(),
	})
	if err != nil {
		return nil, err
	}
	if release, err = files.Begin(s.Dir, settings, s.Overwrite); err != nil {
		return nil, err
	}
	err = files.WriteSettings(s.Dir, settings, s.Overwrite, func() error {
		for k := 0; ; k++ {
			_, a := os.Lstat(s.file(k))
			_, b := os.Lstat(s.run(k))
			if a != nil && b != nil {
				return nil
			}
			if err := errors.Join(files.Remove(s.file(k)), files.Remove(s.run(k))); err != nil {
				return err
			}
		}
	})
	if err != nil {
		release()
		return nil, err
	}
	return release, nil
}

func (s *Shadows) file(k int) string { return filepath.Join(s.Dir, fmt.Sprintf("shadow-%d.json", k)) }
func (s *Shadows) run(k int) string  { return filepath.Join(s.Dir, fmt.Sprintf("shadow-%d", k)) }

// digest is the SHA-256 of rows, their tokens and what of them is learned.
func digest(rows []train.Sequence) string {
	h := sha256.New()
	for _, r := range rows {
		binary.Write(h, binary.LittleEndian, int64(len(r.Tokens)))
		binary.Write(h, binary.LittleEndian, r.Tokens)
		binary.Write(h, binary.LittleEndian, r.Learn)
	}
	return fmt.Sprintf("%x", h.Sum(nil))
}

// maxShadow is the most bytes of a finished shadow: some 25 a row.
const maxShadow = 256 << 20

// one returns a shadow that is finished, or trains it.
func (s *Shadows) one(ctx context.Context, k int, params nn.Params) (one Shadow, err error) {
	if s.Dir != "" {
		err := files.ReadSealed(s.file(k), maxShadow, &one)
		if err == nil || !errors.Is(err, fs.ErrNotExist) {
			return one, err
		}
	}
	t, err := s.trainer(k, params)
	if err != nil {
		return one, err
	}
	defer t.Close()
	if s.Dir != "" {
		dir, err := train.OpenRunDir(s.run(k), t.Settings, false)
		if err != nil {
			return one, err
		}
		defer dir.Close()
		t.Store = dir
	}
	out, err := t.Run(ctx)
	if err == nil && out.Stopped {
		err = ctx.Err()
	}
	if err != nil {
		return one, err
	}
	if one.Losses, err = Observe(ctx, s.Backend, s.Decoder, s.Audited, nil); ctx.Err() != nil {
		return one, err
	} else if err != nil {
		return one, fmt.Errorf("shadow %d: %w: lower --lr", k, err)
	}
	if s.How == Online {
		one.In = make([]bool, len(one.Losses))
		for _, i := range s.half(k) {
			if i < len(one.In) {
				one.In[i] = true
			}
		}
	}
	if s.Dir == "" {
		return one, nil
	}
	if err := files.WriteSealed(s.file(k), one); err != nil {
		return one, err
	}
	return one, files.Remove(s.run(k))
}

// trainer returns the trainer of a shadow: the run's settings, with a seed of its own, and
// without what needs validation rows.
func (s *Shadows) trainer(k int, params nn.Params) (*train.Trainer, error) {
	pool := s.pool()
	var rows []train.Sequence
	for _, i := range s.half(k) {
		rows = append(rows, pool[i])
	}
	o, err := train.NewSequences(s.Decoder, rows)
	if err != nil {
		return nil, err
	}
	t := &train.Trainer{Backend: s.Backend, Params: params, Held: s.Decoder.Params(), Settings: s.Settings, Train: o, Drops: s.Drops}
	t.Settings.Seed, t.Settings.Patience, t.Settings.MinDelta, t.Settings.BestBy = s.Seed+uint64(k)+1, 0, 0, ""
	if t.Settings.Private != nil { // its noise is nobody's secret
		key := privacy.TestKey(t.Settings.Seed)
		t.Key = &key
	}
	if s.Progress != nil {
		steps := t.Settings.TotalSteps(len(rows))
		t.Report = func(m train.Metrics) { s.Progress(k*steps+m.Step, s.Count*steps) }
	}
	return t, nil
}

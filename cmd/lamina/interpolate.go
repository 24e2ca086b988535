package main

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"lamina/crash/exchange"
	"lamina/crash/surface"
	"lamina/eval"
	"lamina/hub"
	"lamina/internal/interrupt"
	"lamina/transformer"
)

// interpolateCommand measures the loss between checkpoints.
type interpolateCommand struct {
	modelFlag
	adapterFlag
	To     string `placeholder:"PATH" help:"Checkpoint where x = 1 is: a model, or a run of finetune, whose weights are put into --model."`
	And    string `placeholder:"PATH" help:"A third checkpoint: the loss on the plane through the three, --to at (1, 0) and this one at (0, 1)."`
	Random bool   `help:"Without --to: along a random direction from --model, each filter of it scaled to the norm of the weight's (Li et al. 2018)."`
	Plane  bool   `help:"With --random: on the plane of two such directions."`

	Data      string `required:"" placeholder:"PATH" help:"Held-out documents: a file, a directory of a data set, or its name on the hub."`
	Task      string `placeholder:"NAME" help:"Prompt and rules of a task; none: the file verbatim."`
	Split     string `default:"validation" placeholder:"NAME" help:"Split of a data set that has several (default validation)."`
	Limit     int    `placeholder:"N" help:"Only the first N documents."`
	MaxLength int    `placeholder:"N" help:"Tokens a request may have; contexts are cut from the left. Default: the model's positions."`

	Points      int    `placeholder:"N" help:"Points of the line, or of each side of the plane. Default: 25, of a plane 50."`
	Range       string `placeholder:"X,Y" help:"Between which coordinates. Default: 0,1; with --random -1,1; of a plane -4,4, with --random -1,1."`
	Controls    int    `default:"1" placeholder:"N" help:"Random directions that go as far from --model as --to is, tensor by tensor, beside the line (default 1)."`
	CachePrefix string `default:"auto" enum:"auto,off" placeholder:"HOW" help:"What stands below the lowest place that differs: auto (default) runs it once for all points, off at each; the same bits."`
	Out         string `placeholder:"DIR" help:"Keep every point here: the same command goes on after an interrupt, and other ranges and points use what is there."`
	Overwrite   bool   `help:"Start anew in --out."`
	Plot        string `placeholder:"FILE" help:"Draw it: FILE.svg or FILE.png. It and --json are written after each grid, from the coarse one on."`
	delimiterFlag
}

// Run prints the line or what the plane has at its corners; all of it goes to --json.
func (c interpolateCommand) Run(s *session) error {
	axis, err := c.check()
	if err != nil {
		return err
	}
	t, err := c.task(c.Task)
	if err != nil {
		return err
	}
	checkpoints, err := c.checkpoints(s)
	if err != nil {
		return err
	}
	m := checkpoints[0]
	if _, err := m.Config.SequenceLength(c.MaxLength); err != nil {
		return err
	}
	job, err := m.Prepare(t, m.data(c.Data, "", c.Split), nil, eval.Options{Limit: c.Limit, MaxLength: c.MaxLength})
	if err != nil {
		return err
	}
	rows, err := surface.NewRows(job.Requests)
	if err != nil {
		return fmt.Errorf("%s: %w", c.Data, err)
	}
	w := &interpolating{interpolateCommand: c, session: s, axis: axis, origin: surface.Checkpoint{Name: c.named(0), Decoder: m.Decoder}}
	w.about = surface.About{
		Model: c.named(0), Task: t.Name(), Data: m.data(c.Data, "", c.Split).Identity(job.Files), Documents: rows.Documents(), Answers: rows.Answers(), Tokens: rows.Tokens(),
		Precision: s.Precision, Seed: s.Seed, Random: c.Random, Places: len(m.Decoder.Blocks),
	}
	if err := w.directions(checkpoints); err != nil {
		return err
	}
	if err := w.measurement(m, rows); err != nil {
		return err
	}
	defer w.measure.Points.Close()
	return w.finish(w.run())
}

// check tests the flags and returns the axis.
func (c interpolateCommand) check() (a surface.Axis, err error) {
	plane := c.And != "" || c.Plane
	switch {
	case c.Random == (c.To != ""):
		return a, usagef("want --to, the other checkpoint, or --random, a direction that leads to none")
	case c.And != "" && c.To == "", c.Plane && !c.Random:
		return a, usagef("--and is beside --to, and --plane beside --random")
	case c.Limit < 0:
		return a, usagef("--limit %d: want 1 or more", c.Limit)
	case c.Controls < 0 || c.Controls > 100:
		return a, usagef("--controls %d: want 0 to 100", c.Controls)
	}
	if err := wantPicture(c.Plot); err != nil {
		return a, err
	}
	a = surface.Axis{From: 0, To: 1, Points: 25}
	switch {
	case c.Random:
		a.From = -1
	case plane:
		a.From, a.To = -4, 4
	}
	if plane {
		a.Points = 50
	}
	if c.Range != "" {
		from, to, found := strings.Cut(c.Range, ",")
		var bad, worse error
		a.From, bad = strconv.ParseFloat(from, 64)
		a.To, worse = strconv.ParseFloat(to, 64)
		if !found || bad != nil || worse != nil {
			return a, usagef("--range %.64q: want two numbers with a comma between, such as -4,4", c.Range)
		}
	}
	if c.Points != 0 {
		a.Points = c.Points
	}
	if err := a.Check(); err != nil {
		return a, usagef("--points and --range: %v", err)
	}
	return a, nil
}

// named is how a result calls a checkpoint: as it was given, without the folders before.
func (c interpolateCommand) named(i int) string {
	name := hub.NameOf([]string{c.Model, c.To, c.And}[i])
	if i == 0 && c.Adapter != "" {
		name += " + " + filepath.Base(c.Adapter)
	}
	return name
}

// checkpoints opens the two or three models.
func (c interpolateCommand) checkpoints(s *session) ([]*model, error) {
	first, err := c.open(s, c.Model)
	if err != nil {
		return nil, err
	}
	all := []*model{first}
	for _, path := range []string{c.To, c.And} {
		if path == "" {
			continue
		}
		open := adapterFlag{}
		if exchange.IsAdapter(path) {
			open, path = adapterFlag{Adapter: path, Receipt: c.Receipt}, c.Model
		}
		m, err := open.open(s, path)
		if err != nil {
			return nil, err
		}
		all = append(all, m)
	}
	for _, m := range all {
		if err := m.Full("a way between models"); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// interpolating is a call with what it works on.
type interpolating struct {
	interpolateCommand
	measure *surface.Measurement
	session *session
	axis    surface.Axis
	about   surface.About
	origin  surface.Checkpoint
	to      []*surface.Direction
}

// directions makes those of the space, and reads every weight for it.
func (w *interpolating) directions(checkpoints []*model) error {
	bar := w.session.waiting("comparing weights")
	defer bar.Done()
	if w.Random {
		w.about.Digests = []string{transformer.Fingerprint(w.origin.Decoder.Params())}
		for draw := range 2 {
			if draw == 1 && !w.Plane {
				break
			}
			d, err := surface.FilterNormalised(w.origin, w.session.Seed, draw)
			if err != nil {
				return err
			}
			w.to = append(w.to, d)
		}
		return nil
	}
	for i, m := range checkpoints {
		w.about.Digests = append(w.about.Digests, transformer.Fingerprint(m.Decoder.Params()))
		if i == 0 {
			continue
		}
		d, err := surface.Toward(w.origin, surface.Checkpoint{Name: w.named(i), Decoder: m.Decoder})
		if err != nil {
			return err
		}
		w.to = append(w.to, d)
	}
	return nil
}

// measurement opens what points are kept in.
func (w *interpolating) measurement(m *model, rows *surface.Rows) error {
	settings, err := json.MarshalIndent(struct {
		Command   string        `json:"command"`
		Format    int           `json:"format"`
		Digests   []string      `json:"fingerprints"`
		Data      eval.Identity `json:"data"`
		Task      string        `json:"task"`
		Documents int           `json:"documents"`
		Requests  string        `json:"requests"`
		Random    bool          `json:"random"`
		Seed      uint64        `json:"seed"`
		Precision string        `json:"precision"`
	}{"interpolate", 1, w.about.Digests, w.about.Data, w.about.Task, rows.Documents(), rows.Digest(), w.Random, w.about.Seed, w.about.Precision}, "", "  ")
	if err != nil {
		return err
	}
	points, err := surface.OpenPoints(w.Out, append(settings, '\n'), w.Overwrite)
	if err != nil {
		return err
	}
	w.measure = &surface.Measurement{Backend: m.Backend, Rows: rows, Points: points}
	if w.CachePrefix == "auto" {
		const unknown = 1 << 30 // where the system does not say what there is
		w.measure.Memory = unknown
		if free, total := m.Backend.Memory(); total > 0 {
			w.measure.Memory = int(free / 2)
		}
	}
	return nil
}

// run measures the line, or the plane.
func (w *interpolating) run() error {
	if w.Out != "" {
		defer interrupt.Saving("the point under way is measured, and all are kept")()
	}
	space, err := surface.NewSpace(w.measure.Backend, w.origin, w.to...)
	if err != nil {
		return err
	}
	defer space.Close()
	w.about.Place, w.about.Moving = space.Place, space.Weights()
	if len(w.to) == 2 {
		return w.plane(space)
	}
	return w.line(space)
}

// finish says how to go on after an interrupt.
func (w *interpolating) finish(err error) error {
	if err == nil || w.session.ctx.Err() == nil || w.Out == "" {
		return err
	}
	if err := w.measure.Points.Save(); err != nil {
		return err
	}
	return interrupted{fmt.Sprintf("interrupted; the points are in %s: the same command goes on there", w.Out)}
}

// counted shows a line of progress while something is measured.
func (w *interpolating) counted(label string, total int, run func() error) error {
	bar := w.session.progress(label, total)
	defer bar.Done()
	w.measure.Tell = func(done, _ int) { bar.Set(done) }
	return run()
}

// line measures the way to the other checkpoint, then the controls.
func (w *interpolating) line(space *surface.Space) error {
	r := surface.Interpolation{About: w.about, Length: surface.Number(w.to[0].Norm())}
	if !w.Random {
		ends := w.to[0].Ends()
		r.Distance = &ends
	}
	level := func(l surface.Line) error {
		r.Line = l
		return w.write(interpolateKind, r)
	}
	err := w.counted("line", w.axis.Points+2, func() (err error) {
		r.Line, err = w.measure.Line(w.session.ctx, space, "line", w.axis, level)
		return err
	})
	if err != nil {
		return err
	}
	for draw := range w.Controls {
		if w.Random {
			break
		}
		if err := w.write(interpolateKind, r); err != nil {
			return err
		}
		l, err := w.control(draw)
		if err != nil {
			return err
		}
		r.Controls = append(r.Controls, l)
	}
	r.Complete = true
	w.session.printf("%s", r.Text())
	return w.write(interpolateKind, r)
}

// control measures a random direction of the norms of the line's.
func (w *interpolating) control(draw int) (l surface.Line, err error) {
	space, err := surface.NewSpace(w.measure.Backend, w.origin, surface.OfNorms(w.origin, w.to[0], w.session.Seed, draw))
	if err != nil {
		return l, err
	}
	defer space.Close()
	err = w.counted(fmt.Sprintf("control %d", draw+1), w.axis.Points+2, func() (err error) {
		l, err = w.measure.Line(w.session.ctx, space, fmt.Sprintf("control%d", draw), w.axis, nil)
		return err
	})
	return l, err
}

// plane measures the grid.
func (w *interpolating) plane(space *surface.Space) error {
	r := surface.Landscape{About: w.about}
	for k, d := range w.to {
		r.Lengths[k] = surface.Number(d.Norm())
		if !w.Random {
			r.Distances = append(r.Distances, d.Ends())
		}
	}
	level := func(p surface.Plane) error {
		r.Plane = p
		return w.write(surfaceKind, r)
	}
	err := w.counted("plane", w.axis.Points*w.axis.Points+4, func() (err error) {
		r.Plane, err = w.measure.Plane(w.session.ctx, space, "plane", w.axis, w.axis, level)
		return err
	})
	if err != nil {
		return err
	}
	r.Complete = true
	w.session.printf("%s", r.Text())
	return w.write(surfaceKind, r)
}

// The kinds of results.
const (
	interpolateKind = "interpolate"
	surfaceKind     = "surface"
)

// write writes the result so far: a call that is cut short leaves the last that was whole.
func (w *interpolating) write(kind string, r any) error {
	if err := w.session.plot(w.Plot, kind, r); err != nil {
		return err
	}
	return w.session.writeResult(kind, r)
}

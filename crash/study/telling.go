package study

import (
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"path/filepath"
	"slices"

	"lamina/crash/measure"
	"lamina/crash/plan"
	"lamina/crash/train"
	"lamina/internal/files"
	"lamina/internal/report"
)

// Telling is what a page tells of an experiment beside the rows of its table, so that the
// page can be made again from files alone.
type Telling struct {
	Blocks   int       `json:"blocks"` // of the full model
	Params   int       `json:"params"`
	Metric   string    `json:"metric"`             // of the accuracies
	Clusters [][]int   `json:"clusters,omitempty"` // of layers, where a plan was made from some
	Overlaps []string  `json:"overlaps,omitempty"` // see [Experiment.Overlaps]
	Kinds    []KindRow `json:"kinds"`

	keep, trainable int
	settings        train.Settings
	lrs             []float64
	fingerprint     string
	data            identities
}

// KindRow is what a page tells of a [Recipe].
type KindRow struct {
	Name        string `json:"name"`
	Help        string `json:"help"`
	Trains      Trains `json:"trains,omitempty"`
	Emulates    bool   `json:"emulates,omitempty"`
	OwnPlan     bool   `json:"own_plan,omitempty"`
	Restored    bool   `json:"restored,omitempty"`
	OwnerTrains bool   `json:"owner_trains,omitempty"`
	Baseline    bool   `json:"baseline,omitempty"`
	Draws       int    `json:"draws,omitempty"`
	Keep        int    `json:"keep,omitempty"`
}

// kindOf notes what is told of a recipe.
func kindOf(r Recipe) KindRow {
	return KindRow{r.Name, r.Help, r.Trains, r.emulates(), r.Plan != nil, r.Restored, r.OwnerTrains, r.Baseline, r.Draws, r.Keep}
}

// recipe is one of which the same is told; it cannot be run.
func (k KindRow) recipe() Recipe {
	r := Recipe{Name: k.Name, Help: k.Help, Trains: k.Trains, Restored: k.Restored, OwnerTrains: k.OwnerTrains, Baseline: k.Baseline, Draws: k.Draws, Keep: k.Keep}
	switch {
	case k.OwnPlan:
		r.Plan = plan.Plan{}
	case k.Emulates:
		r.Method.Choose = func(plan.Request) (plan.Choice, error) { return plan.Choice{}, errors.New("read from a table") }
	}
	return r
}

// telling collects it from what runs.
func (x *Experiment) telling() *Telling {
	p := x.protocols[0]
	t := &Telling{
		Blocks: len(p.Full.Blocks), Params: p.Full.Config.Params(), Metric: metricName(p.Test), Clusters: p.clusters(), Overlaps: x.Overlaps,
		fingerprint: x.fingerprint, data: x.identities, keep: p.Keep, trainable: p.Trainable, settings: p.Settings, lrs: p.LRs,
	}
	for _, r := range x.Protocol.Rows {
		t.Kinds = append(t.Kinds, kindOf(r))
	}
	return t
}

// ReadExperiment reads what a directory of lamina run says of its experiment: table.json,
// config.json, similarity and losses of the first seed. It can be shown, not run. A file that is
// missing is left out, but for the table; one that is damaged is an error.
func ReadExperiment(dir string) (*Experiment, error) {
	x := &Experiment{Dir: dir}
	if err := readFrom(filepath.Join(dir, tableFile), &x.Table); err != nil {
		return nil, err
	}
	if len(x.Table.Rows) == 0 {
		return nil, fmt.Errorf("%s: holds no rows", filepath.Join(dir, tableFile))
	}
	var c config
	if err := readFrom(filepath.Join(dir, configFile), &c); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	t := x.Table.Page
	if t == nil {
		t = x.earlier(c.Params)
	}
	t.keep, t.trainable, t.settings, t.lrs, t.fingerprint, t.data = c.Keep, c.Trainable, c.Training, c.LRs, c.Fingerprint, c.identities
	var command struct {
		Command []string `json:"command"`
	}
	if err := readFrom(filepath.Join(dir, commandFile), &command); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	x.Command = command.Command
	x.told, x.Overlaps = t, t.Overlaps
	for _, k := range t.Kinds {
		x.Protocol.Rows = append(x.Protocol.Rows, k.recipe())
	}
	for _, r := range x.Table.Rows {
		if !slices.Contains(x.Seeds, r.Seed) {
			x.Seeds = append(x.Seeds, r.Seed)
		}
	}
	if err := t.check(x.Table.Rows); err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Join(dir, tableFile), err)
	}
	return x, x.readSeed()
}

// readFrom decodes a file that some version of this program wrote; what it does not know of it
// changes nothing that is shown.
func readFrom(path string, v any) error {
	data, err := files.ReadInput(path)
	if err != nil {
		return err
	}
	return files.DecodeJSON(path, data, v)
}

// Part is a section of a page that another package made.
type Part struct {
	Title string
	HTML  template.HTML // what stands below the title, trusted
}

// WritePage writes what Run ends with, pictures and page, anew, with further parts.
func (x *Experiment) WritePage(parts ...Part) error {
	figures := x.figures()
	if err := files.MkdirAll(filepath.Join(x.Dir, plotsDir), 0o755); err != nil {
		return err
	}
	for _, f := range figures {
		path := filepath.Join(x.Dir, plotsDir, f.name)
		if err := files.WriteBytes(path+".svg", []byte(f.picture.SVG())); err != nil {
			return err
		}
		if err := files.Write(path+".png", f.picture.PNG); err != nil {
			return err
		}
	}
	page, err := x.report(figures) // which lists the pictures
	if err != nil {
		return err
	}
	for _, p := range parts {
		page.Sections = append(page.Sections, report.Section{Title: p.Title, HTML: p.HTML})
	}
	return page.WriteFile(filepath.Join(x.Dir, reportFile))
}

// earlier tells of a table that was written before tables told it themselves: rows of other
// names than those that are offered are taken for emulators.
func (x *Experiment) earlier(params int) *Telling {
	t := &Telling{Params: params, Metric: "acc"}
	for _, r := range x.Table.Rows {
		for _, slot := range r.Plan {
			t.Blocks = max(t.Blocks, slot.Layer+1)
		}
		t.Params = max(t.Params, r.HeldParams)
		at := slices.IndexFunc(Recipes, func(k Recipe) bool { return slices.Contains(k.rowNames(), r.Name) })
		k := KindRow{Name: r.Name, Trains: Starred, Emulates: true}
		if at >= 0 {
			k = kindOf(Recipes[at])
		}
		if !slices.ContainsFunc(t.Kinds, func(o KindRow) bool { return o.Name == k.Name }) {
			t.Kinds = append(t.Kinds, k)
		}
	}
	return t
}

// check holds what pictures are drawn of against each other.
func (t *Telling) check(rows []Row) error {
	if t.Blocks < 1 || t.Params < 1 {
		return fmt.Errorf("a model of %d blocks and %d weights", t.Blocks, t.Params)
	}
	for _, r := range rows {
		for i, slot := range r.Plan {
			if !slot.IsMap() && (slot.Layer < 0 || slot.Layer >= t.Blocks) {
				return fmt.Errorf("row %.64q: place %d: layer %d of %d", r.Name, i, slot.Layer, t.Blocks)
			}
		}
		if len(r.Built) > len(r.Plan) {
			return fmt.Errorf("row %.64q: %d places built of %d", r.Name, len(r.Built), len(r.Plan))
		}
	}
	for _, c := range t.Clusters {
		for i, layer := range c {
			if layer < 0 || layer >= t.Blocks || i > 0 && layer <= c[i-1] {
				return fmt.Errorf("a cluster of the layers %d", c)
			}
		}
	}
	return nil
}

// readSeed reads what was measured and trained with the first seed.
func (x *Experiment) readSeed() error {
	dir := x.seedDir(x.Seeds[0])
	switch s, err := measure.Read(filepath.Join(dir, similarityFile)); {
	case err == nil:
		x.similarity = &s
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	for _, r := range x.Table.Rows {
		if r.Seed != x.Seeds[0] || r.LR <= 0 || !filepath.IsLocal(r.Name) {
			continue
		}
		metrics, err := train.ReadMetrics(lrDir(filepath.Join(dir, "rows", r.Name), r.LR))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if err == nil {
			x.curves = append(x.curves, curve{r.Name, metrics})
		}
	}
	return nil
}

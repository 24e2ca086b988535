package study

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"lamina/crash/measure"
	"lamina/crash/train"
	"lamina/eval"
	"lamina/internal/files"
	"lamina/internal/report"
)

// Experiment is the protocol, once a seed, in one directory:
//
//	config.json             what decides the numbers; a later run must have the same
//	seed-N/                 the rows of a seed, see [Protocol]
//	table.{json,md,csv}     the rows that are done, after each
//	plots/, report.html     pictures and the page that holds all of it
type Experiment struct {
	Dir       string
	Model     *eval.Model // the full model
	Data      Data
	Protocol  Protocol // what holds for every seed; model, examples, seed and directory are filled in
	Seeds     []uint64 // the first one's plans and curves are drawn
	Precision string   // of products, as config.json states it
	Table     Table    // names of model and task are given, the rest is filled in

	// Fingerprint is that of the full model's weights where it is known, which takes reading
	// them; "": it is computed.
	Fingerprint string

	// Overlaps are warnings of files that serve as two of training, validation, support and
	// scored documents; Open fills them in.
	Overlaps []string

	// Command is what was typed, the program's name first; nil: nobody knows.
	Command []string

	Watch func(Event) // told what goes on; may be nil
	Done  func(Row)   // told of each finished row; may be nil

	protocols   []*Protocol         // one a seed; none where the experiment was read from files
	told        *Telling            // since Run, or from files
	similarity  *measure.Similarity // of the first seed, for the page
	fingerprint string              // of the full model's weights
	identities  identities          // of the data
	curves      []curve
	draws       resampler // of the scored documents
	release     func()    // the directory's lock, from Open until Run ends, or Release
}

// curve is the training of a row.
type curve struct {
	row     string
	metrics []train.Metrics
}

// Open reads the data of every seed and makes the directory, or resumes it if its
// config.json holds the same; else the error names the first differences. With overwrite
// what an earlier experiment left is removed; files and folders called as in beside are no
// part of one. Nothing is computed, and nothing written where something is wrong.
func (x *Experiment) Open(overwrite bool, beside ...string) error {
	config, err := x.config()
	if err != nil {
		return err
	}
	x.Table.Versions, x.Overlaps = x.versions(), config.overlaps()
	x.fingerprint, x.identities = config.Fingerprint, config.identities
	for i, seed := range x.Seeds {
		p := x.Protocol
		p.Backend, p.Full, p.Seed, p.Dir = x.Model.Backend, x.Model.Decoder, seed, x.seedDir(seed)
		if i > 0 { // no seed reaches a model that is not trained
			p.Rows = slices.DeleteFunc(slices.Clone(p.Rows), func(r Recipe) bool { return r.Trains == Nothing })
		}
		if err := x.Data.read(x.Model, &p); err != nil {
			return err
		}
		if err := p.Validate(); err != nil {
			return err
		}
		x.protocols = append(x.protocols, &p)
	}
	return x.openDir(config, overwrite, beside)
}

// Release lets others have the directory, where Run does not follow Open; after Run it does
// nothing.
func (x *Experiment) Release() {
	if x.release != nil {
		x.release()
		x.release = nil
	}
}

// Listen has trainings of every seed told to l, after Open.
func (x *Experiment) Listen(l Listener) {
	for _, p := range x.protocols {
		p.Listen = l
	}
}

// Warnings tell, after Open, of what does not do what it says.
func (x *Experiment) Warnings() []string {
	return append(slices.Clip(x.Overlaps), x.Protocol.Settings.Warnings(len(x.protocols[0].Train))...)
}

// openDir makes or resumes the directory.
func (x *Experiment) openDir(config config, overwrite bool, beside []string) error {
	want, err := files.JSON(config)
	if err != nil {
		return err
	}
	if x.release, err = files.Begin(x.Dir, want, overwrite, beside...); err != nil {
		return err
	}
	if err := files.WriteSettings(x.Dir, want, overwrite, x.clear); err != nil {
		x.Release()
		return err
	}
	return nil
}

// clear removes what an earlier experiment left.
func (x *Experiment) clear() error {
	entries, err := os.ReadDir(x.Dir)
	if err != nil {
		return err
	}
	ours := []string{plotsDir, tableFile, "table.csv", "table.md", reportFile, commandFile}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), "seed-") || slices.Contains(ours, e.Name()) {
			if err := files.Remove(filepath.Join(x.Dir, e.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

// seedDir returns where the rows of a seed are kept.
func (x *Experiment) seedDir(seed uint64) string {
	return filepath.Join(x.Dir, fmt.Sprintf("seed-%d", seed))
}

// Run measures the rows of every seed, after Open, and writes table, pictures and report. When
// ctx ends, what is finished and the last checkpoint are in the directory, and a
// later Run goes on there.
func (x *Experiment) Run(ctx context.Context) error {
	defer x.Release()
	if err := x.measure(ctx); err != nil {
		return err
	}
	return x.write()
}

// Measure is Run without pictures and report.
func (x *Experiment) Measure(ctx context.Context) error {
	defer x.Release()
	return x.measure(ctx)
}

func (x *Experiment) measure(ctx context.Context) error {
	for _, p := range x.protocols {
		p.Watch = x.Watch
		if err := files.MkdirAll(p.Dir, 0o755); err != nil {
			return err
		}
		x.Table.AnswerTokens, x.Table.Chance = p.Test.AnswerTokens(), p.Test.ByChance()
		x.Table.Splits = Counts{Train: len(p.Train), Valid: len(p.Valid), Support: len(p.Support.Rows), Test: len(p.Test.Items)}
		if err := p.Run(ctx, func(r Row) error { return x.add(p, r) }); err != nil {
			return err
		}
	}
	return nil
}

// add takes a finished row into the table.
func (x *Experiment) add(p *Protocol, r Row) error {
	if x.Done != nil {
		x.Done(r)
	}
	if r.LR > 0 {
		metrics, err := train.ReadMetrics(lrDir(p.RowDir(r.Name), r.LR))
		if err != nil {
			return err
		}
		r.TrainLoss = lastLoss(metrics)
		if p == x.protocols[0] {
			x.curves = append(x.curves, curve{r.Name, metrics})
		}
	}
	x.Table.Rows = append(x.Table.Rows, r)
	x.relate()
	x.Table.Comparisons, x.Table.Baselines = x.compared(), x.baselines()
	return x.writeTables()
}

// lastLoss is the mean training loss of the last tenth of the steps.
func lastLoss(metrics []train.Metrics) float64 {
	var losses []float64
	for _, m := range metrics {
		if m.Loss > 0 {
			losses = append(losses, m.Loss)
		}
	}
	losses = losses[len(losses)-(len(losses)+9)/10:]
	sum := 0.0
	for _, l := range losses {
		sum += l
	}
	return sum / float64(max(len(losses), 1))
}

// planned returns the rows of the first seed in which chosen layers are trained.
func (x *Experiment) planned() []Row {
	var rows []Row
	for _, r := range x.Table.Rows {
		if len(r.Plan.Trainable()) > 0 && r.Seed == x.Table.Rows[0].Seed {
			rows = append(rows, r)
		}
	}
	return rows
}

// writeTables writes table.json, .md and .csv.
func (x *Experiment) writeTables() error {
	return errors.Join(
		files.WriteJSON(filepath.Join(x.Dir, tableFile), x.Table),
		files.WriteBytes(filepath.Join(x.Dir, "table.md"), []byte(x.markdown())),
		files.WriteBytes(filepath.Join(x.Dir, "table.csv"), []byte(x.sheet().CSV()+"\n")))
}

// markdown is what table.md holds: the result, the measures and the plans.
func (x *Experiment) markdown() string {
	text := x.result().Markdown()
	for _, t := range []report.Table{x.transfer(), x.leak(), x.againstBaselines(), x.trajectories()} {
		if len(t.Rows) > 0 {
			text += "\n" + t.Caption + ":\n\n" + t.Markdown()
		}
	}
	for _, n := range x.Table.Notes {
		text += "\n" + n + "\n"
	}
	return text + "\n" + x.plans().Markdown()
}

// write writes tables, pictures and page.
func (x *Experiment) write() error {
	x.tell()
	if err := x.writeTables(); err != nil {
		return err
	}
	if x.Command != nil {
		if err := files.WriteJSON(filepath.Join(x.Dir, commandFile), map[string][]string{"command": x.Command}); err != nil {
			return err
		}
	}
	return x.WritePage()
}

// tell collects what the page tells beside the table.
func (x *Experiment) tell() {
	x.told, x.similarity = x.telling(), x.protocols[0].similarity
	x.Table.Page = x.told
}

const (
	plotsDir       = "plots"
	reportFile     = "report.html"
	tableFile      = "table.json"
	configFile     = "config.json"
	commandFile    = "command.json"
	similarityFile = "similarity.json"
)

// ReportFile returns the path of the page.
func (x *Experiment) ReportFile() string { return filepath.Join(x.Dir, reportFile) }

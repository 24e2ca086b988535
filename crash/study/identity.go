package study

import (
	"encoding/json"

	"lamina/crash/plan"
	"lamina/internal/files"
)

// Identity is a text of all that decides the numbers of the experiment's rows, beside rows
// and seeds, as config.json has it; what the model and the files are called is left out.
// Rows of one identity, one [Recipe.Identity] and one seed come to the same bits on one
// device.
func (x *Experiment) Identity() ([]byte, error) {
	c, err := x.config()
	if err != nil {
		return nil, err
	}
	c.Model, c.Task = "", x.Data.Task.Name()
	c.Train.Name, c.Test.Name = "", ""
	if c.Valid != nil {
		c.Valid.Name = ""
	}
	if c.Support != nil {
		c.Support.Name = ""
	}
	return files.JSON(c)
}

// Identity is a text of all that a recipe says of its rows but what they are called, and
// whether somebody asks for them or compares with them.
func (r Recipe) Identity() ([]byte, error) {
	var advised []string
	for _, a := range r.Method.Advised {
		advised = append(advised, a.String())
	}
	return json.Marshal(struct {
		Method      string         `json:"method,omitempty"`
		Plan        plan.Plan      `json:"plan,omitempty"`
		Sharing     plan.Sharing   `json:"share,omitempty"`
		Repair      plan.Repair    `json:"repair,omitempty"`
		Trains      Trains         `json:"trains"`
		Restored    bool           `json:"restored,omitempty"`
		Given       bool           `json:"given,omitempty"`
		Draws       int            `json:"draws,omitempty"`
		Compress    plan.Transform `json:"compress,omitzero"`
		FullDepth   bool           `json:"full_depth,omitempty"`
		OwnerTrains bool           `json:"owner_trains,omitempty"`
		Keep        int            `json:"keep,omitempty"`
		Advised     []string       `json:"advised,omitempty"` // of a method that stands for others
		Ready       string         `json:"ready,omitempty"`   // what the emulator's files are, wherever they lie
	}{r.Method.Name, r.Plan, r.Sharing, r.Repair, r.Trains, r.Restored, r.Given, r.Draws, r.Compress, r.FullDepth, r.OwnerTrains, r.Keep, advised, r.Ready.Sent})
}

// RowNames returns the names of the rows that the recipe makes: one, or one a draw.
func (r Recipe) RowNames() []string { return r.rowNames() }

// Emulates reports whether the row hands out an emulator.
func (r Recipe) Emulates() bool { return r.emulates() }

// Relate fills in what the rows of a table tell of each other, where they were measured
// apart: shares of skill and gain, the best row against the others, and each emulator
// against the baselines. Recipes are those of its rows, in order.
func (t *Table) Relate(recipes []Recipe) {
	x := &Experiment{Protocol: Protocol{Rows: recipes}, Table: *t}
	x.relate()
	x.Table.Comparisons, x.Table.Baselines = x.compared(), x.baselines()
	*t = x.Table
}

// Holm returns p-values corrected for their number (S. Holm, "A simple sequentially
// rejective multiple test procedure", 1979), in their order.
func Holm(p []float64) []float64 { return holm(p) }

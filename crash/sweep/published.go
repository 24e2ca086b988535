package sweep

import (
	_ "embed"
	"encoding/json"
	"slices"
	"sync"
)

//go:embed published.json
var publishedJSON []byte

// PublishedTables are tables that papers print, for standing beside ours; no number of ours
// is made of them.
type PublishedTables struct {
	Source string           `json:"source"`
	Tables []PublishedTable `json:"tables"`
}

// PublishedTable is the table of a model.
type PublishedTable struct {
	Model string         `json:"model"`
	Tasks []string       `json:"tasks"`
	Rows  []PublishedRow `json:"rows"`
}

// PublishedRow is a line of it.
type PublishedRow struct {
	Setting string    `json:"setting"` // as printed
	Rows    []string  `json:"rows"`    // ours that do the same
	Of      string    `json:"of"`      // emulator_zs, emulator_ft or plug_in
	Values  []float64 `json:"values"`  // in the order of Tasks, %
	Note    string    `json:"note,omitempty"`
}

// published reads the tables once.
var published = sync.OnceValue(func() PublishedTables {
	var p PublishedTables
	if err := json.Unmarshal(publishedJSON, &p); err != nil {
		panic("sweep: published.json: " + err.Error()) // it is part of the program
	}
	return p
})

// Published returns the tables that a model of a study can name.
func Published() PublishedTables { return published() }

// model returns the table of a model, nil if there is none.
func (p PublishedTables) model(name string) *PublishedTable {
	for i := range p.Tables {
		if p.Tables[i].Model == name {
			return &p.Tables[i]
		}
	}
	return nil
}

func (p PublishedTables) models() (names []string) {
	for _, t := range p.Tables {
		names = append(names, t.Model)
	}
	return names
}

// value returns what is printed of a row of ours, on a task; nil if nothing is.
func (t *PublishedTable) value(row, of, task string) *float64 {
	if t == nil {
		return nil
	}
	at := slices.Index(t.Tasks, task)
	for _, r := range t.Rows {
		if at >= 0 && r.Of == of && slices.Contains(r.Rows, row) {
			return &r.Values[at]
		}
	}
	return nil
}

// setting returns what the row is called there, and the note on it.
func (t *PublishedTable) setting(row, of string) (setting, note string) {
	if t == nil {
		return "", ""
	}
	for _, r := range t.Rows {
		if r.Of == of && slices.Contains(r.Rows, row) {
			return r.Setting, r.Note
		}
	}
	return "", ""
}

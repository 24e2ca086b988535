package study

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"path/filepath"

	"lamina/crash/plan"
	"lamina/internal/files"
)

// answersFile holds, in a run directory, what methods of choosing asked the model.
const answersFile = "answers.json"

// saveAnswers is after how many new answers the file is written.
const saveAnswers = 8

// answers are what the model said to questions of methods, by need and layers. A search for
// fewer layers asks first what one for more has asked, and one that was interrupted asks all of
// it again: neither measures twice, and both come to the same bits.
type answers struct {
	path    string // "": they are kept in memory alone
	values  map[string]float64
	unsaved int
}

// openAnswers reads those of a directory, if there is one. What it says of them is a warning:
// without them everything is measured.
func openAnswers(dir string) (a *answers, doubt string) {
	a = &answers{values: map[string]float64{}}
	if dir == "" {
		return a, ""
	}
	a.path = filepath.Join(dir, answersFile)
	if err := files.ReadSealed(a.path, files.Small, &a.values); err != nil {
		a.values = map[string]float64{}
		if !errors.Is(err, fs.ErrNotExist) {
			return a, fmt.Sprintf("%v; what it holds is measured again, which comes to the same", err)
		}
	}
	return a, ""
}

// question names one.
func question(need plan.Need, kept, trained []int) string {
	name := fmt.Sprint(need, " ", kept)
	if trained != nil {
		name += fmt.Sprint(" ", trained)
	}
	return name
}

// recall returns the answer to a question, which is measured where nobody asked it before.
func (a *answers) recall(name string, measure func() (float64, error)) (float64, error) {
	if a == nil {
		return measure()
	}
	if v, ok := a.values[name]; ok {
		return v, nil
	}
	v, err := measure()
	if err != nil || math.IsNaN(v) || math.IsInf(v, 0) { // which a file cannot hold
		return v, err
	}
	a.values[name] = v
	if a.unsaved++; a.unsaved >= saveAnswers {
		err = a.save()
	}
	return v, err
}

// save writes what is new.
func (a *answers) save() error {
	if a == nil || a.path == "" || a.unsaved == 0 {
		return nil
	}
	a.unsaved = 0
	if err := files.MkdirAll(filepath.Dir(a.path), 0o755); err != nil {
		return err
	}
	return files.WriteSealed(a.path, a.values)
}

// LendAnswers adds to the answers of one directory what those of another have more.
func LendAnswers(from, to string) error {
	lent, _ := openAnswers(from)
	have, _ := openAnswers(to)
	for name, v := range lent.values {
		if _, ok := have.values[name]; !ok {
			have.values[name] = v
			have.unsaved++
		}
	}
	return have.save()
}

// Asks reports whether choosing the layers of a row runs the model again and again over the
// first [Protocol.Samples] texts.
func (p *Protocol) Asks(r Recipe) bool {
	r = p.chooses(r)
	if r.Method.Choose == nil || r.Plan != nil {
		return false
	}
	for _, n := range (plan.Request{TrainAt: p.TrainAt}).Needed(r.Method) {
		switch n {
		case plan.NeedSimilarity, plan.NeedDirections, plan.NeedList:
		default:
			return true
		}
	}
	return false
}

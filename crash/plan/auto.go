package plan

import (
	"fmt"
	"strings"
)

// Recommended is what [Auto] does. Ranges of the share K/L of layers that stay: each begins
// at its From and ends where the one before it begins, the first at 1; the last begins at 0.
// Change values here, and nowhere else.
var Recommended = []Advice{
	{
		From: 0, Method: Uniform, TrainAt: AtSpread, Shape: Shape{Repair: Repair(Ghost)}, Return: "weights",
		Why: "evenly spread layers with a linear map in each gap: of what training inside the model gains in loss they brought back .85 to .94 at 24 of 30 layers and .53 to .68 at 15, on four tasks (docs/findings.md)",
	},
}

// Advice is what is recommended where a share of the layers stays.
type Advice struct {
	From    float64 // the least share
	Method  Method
	TrainAt TrainAt // the zero value: where Method says
	Shape   Shape
	Return  string // how training comes back: a form of lamina/crash/exchange by its name
	Why     string // in a sentence, and where that was measured
}

// AutoTrainable is how many layers train where nobody says.
const AutoTrainable = 4

// Auto is the method for who does not want to choose. What it keeps, where layers train and
// what stands in the gaps is that of [Recommended].
var Auto = Method{
	Name:      "auto",
	Help:      "what is recommended for the share that stays: a method, where layers train, and a repair",
	Advised:   Recommended,
	Trainable: AutoTrainable,
	Choose:    func(r Request) (Choice, error) { return adviceOf(Recommended, r).Method.Choose(r) },
}

// adviceOf returns the advice of a table for the sizes of a request. Where no layer is left
// out there is nothing to fill.
func adviceOf(table []Advice, r Request) (a Advice) {
	share := float64(r.Keep) / float64(r.Layers)
	for _, a = range table {
		if share >= a.From {
			break
		}
	}
	if a.TrainAt.IsZero() {
		a.TrainAt = a.Method.TrainAt
	}
	if a.TrainAt.IsZero() {
		a.TrainAt = AtCentres
	}
	if r.Keep >= r.Layers {
		a.Shape.Share, a.Shape.Repair = ShareNone, ""
	}
	return a
}

// Advice returns what the method stands for where so much is asked, and whether it stands
// for anything but itself.
func (m Method) Advice(r Request) (Advice, bool) {
	if m.Advised == nil {
		return Advice{}, false
	}
	return adviceOf(m.Advised, r), true
}

// As returns the method that chooses where so much is asked: that which m stands for, under
// m's name, or m itself.
func (m Method) As(r Request) Method {
	a, ok := m.Advice(r)
	if !ok {
		return m
	}
	as := a.Method
	as.Name, as.Help, as.AnchorEnds, as.TrainAt = m.Name, m.Help, m.AnchorEnds, a.TrainAt
	return as
}

// Or returns the shape with what nobody asked for as another has it. Sharing and repair are
// one question: both fill the places of removed layers. A repair of [NoRepair] was asked for.
func (s Shape) Or(other Shape) Shape {
	if s.Share == ShareNone && s.Repair == "" {
		s.Share, s.Repair = other.Share, other.Repair
	}
	if s.Compress == (Transform{}) {
		s.Compress = other.Compress
	}
	return s
}

// String returns what the advice decides, without reasons: advice of one text comes to the
// same plans.
func (a Advice) String() string {
	return fmt.Sprintf("%v %s %s %s", a.From, a.Method.Name, a.TrainAt, strings.Join(a.Shape.words(), " "))
}

// words says what is made of a plan, a few words for each part that is not left as it is.
func (s Shape) words() (texts []string) {
	if s.Share != ShareNone {
		texts = append(texts, "share "+s.Share.String())
	}
	if s.repairs() {
		texts = append(texts, "repair "+string(s.Repair))
	}
	if s.Compress != (Transform{}) {
		texts = append(texts, "compress "+s.Compress.String())
	}
	return texts
}

// Advised is the advice that a plan was made by, in its [File].
type Advised struct {
	Method   string  `json:"method"`
	TrainAt  TrainAt `json:"train_at,omitzero"`
	Share    Sharing `json:"share"`
	Repair   Repair  `json:"repair,omitempty"`
	Compress string  `json:"compress,omitempty"`
	Return   string  `json:"return"`
	Why      string  `json:"why"`
}

// advised states the advice.
func (a Advice) advised() *Advised {
	return &Advised{a.Method.Name, a.TrainAt, a.Shape.Share, a.Shape.Repair, a.Shape.Compress.String(), a.Return, a.Why}
}

// Lines tell, in two lines, what was chosen and why, and what of the advice was asked to be
// otherwise: the request's place of training, and the shape that was made of the plan.
func (a Advice) Lines(r Request, made Shape) []string {
	at, instead := a.TrainAt, []string(nil)
	if !r.TrainAt.IsZero() && r.TrainAt != at {
		instead = append(instead, fmt.Sprintf("--train-at %s instead of %s", r.TrainAt, at))
		at = r.TrainAt
	}
	if shaped, advised := shapeText(made), shapeText(a.Shape); shaped != advised {
		instead = append(instead, fmt.Sprintf("%s instead of %s", shaped, advised))
	}
	why := "why: " + a.Why
	if instead != nil {
		why += "; as asked, " + strings.Join(instead, " and ")
	}
	return []string{
		fmt.Sprintf("chosen: %s, %d of %d layers stay, %d train (%s), %s", a.Method.Name, r.Keep, r.Layers, r.Trainable, at, shapeText(made)),
		why,
	}
}

func shapeText(s Shape) string {
	if words := s.words(); words != nil {
		return strings.Join(words, " and ")
	}
	return "no repair"
}

package emulate

import "fmt"

// Distilled is what lamina.json says of an emulator whose frozen part, or whose trainable
// one, was trained by the model's owner.
type Distilled struct {
	Train  string  `json:"train"`           // what of it, as lamina distill calls it
	LM     float64 `json:"lm,omitempty"`    // weights of the parts of the loss; none of a fit to gaps
	KD     float64 `json:"kd,omitempty"`    //
	PPD    float64 `json:"ppd,omitempty"`   //
	Sigma  float64 `json:"sigma,omitempty"` // of the disturbance
	LR     float64 `json:"lr"`
	Steps  int     `json:"steps"` // that were taken
	Batch  int     `json:"batch"`
	Texts  int     `json:"texts"`
	Data   string  `json:"data"` // their SHA-256
	Params int     `json:"params"`
}

// String tells it in half a sentence.
func (d Distilled) String() string {
	return fmt.Sprintf("its frozen part was distilled (%s)", d.How())
}

// How tells what was trained, and for how long.
func (d Distilled) How() string {
	return fmt.Sprintf("%s, %d weights, %d steps of %d of %d texts", d.Train, d.Params, d.Steps, d.Batch, d.Texts)
}

package train

// FirstGradient prepares the trainer and returns what the first step's optimiser would
// read, and the examples of the step. The trainer is closed.
func (t *Trainer) FirstGradient() (values []float32, ids []int, err error) {
	defer t.Close()
	if err := t.start(); err != nil {
		return nil, nil, err
	}
	ids = t.order(0)
	if _, err := t.gradients(ids); err != nil {
		return nil, nil, err
	}
	return t.trained.Grads.Float32s(), ids, nil
}

// DrawnIn returns the examples of a step of a private run.
func (t *Trainer) DrawnIn(step int) []int {
	t.private = &private{rate: t.Settings.Rate(t.Train.Len())}
	return t.drawn(step)
}

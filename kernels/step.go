package kernels

// Stepper is a [Backend] that launches many kernels faster if it knows that they are those
// of another time.
type Stepper interface {
	// Step is the function of that name.
	Step(key string, issue func())
}

// Step calls issue, which makes the calls on be that it made in the last Step with that
// key on that queue, but for places in memory and numbers: one token of decoding. What be
// makes of it is its own matter, and so is a step that is different after all; results
// have the same bits as without. issue begins with uploads, if it has any; a Download, a
// Sync and an Alloc of more memory belong behind or before it.
func Step(be Backend, key string, issue func()) {
	if s, ok := be.(Stepper); ok {
		s.Step(key, issue)
		return
	}
	issue()
}

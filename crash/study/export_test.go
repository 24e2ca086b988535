package study

// Attach is attach, which Load calls.
func (f *Finetuning) Attach() error { return f.attach() }

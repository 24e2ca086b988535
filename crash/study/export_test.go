package study

// Attach is attach, which Load calls.
func (f *Finetuning) Attach() error { return f.attach() }

// CheckedRows is checkedRows: what losses are measured on beside those that maps were fitted to.
var CheckedRows = checkedRows

package cuda

// SetMostPanel makes panels of weights as large as said, until restore is called.
func SetMostPanel(bytes int) (restore func()) {
	old := mostPanel
	mostPanel = bytes
	return func() { mostPanel = old }
}

package main

import "lamina/internal/notices"

// licensesCommand shows whose work the binary holds, and on what terms.
type licensesCommand struct{}

// Run prints the licences.
func (licensesCommand) Run(s *session) error {
	s.printf("%s", notices.Text)
	return s.writeJSON(notices.Text)
}

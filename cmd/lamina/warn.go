package main

import (
	"fmt"

	"lamina/crash/emulate"
)

// warnf writes a warning to standard error, in a line, once in a session.
func (s *session) warnf(format string, args ...any) { s.warn([]string{fmt.Sprintf(format, args...)}) }

// warnOf warns of an emulator that is broken.
func (s *session) warnOf(h *emulate.Health) {
	if h != nil && h.Warning() != "" {
		s.warnf("%s", h.Warning())
	}
}

package main

import (
	"fmt"

	"lamina/crash/emulate"
	"lamina/internal/files"
)

// warnf writes a warning to standard error, in a line, once in a session.
func (s *session) warnf(format string, args ...any) { s.warn([]string{fmt.Sprintf(format, args...)}) }

// warnOf warns of an emulator that is broken.
func (s *session) warnOf(h *emulate.Health) {
	if h != nil && h.Warning() != "" {
		s.warnf("%s", h.Warning())
	}
}

// warnUnsealed warns of directories that have no MANIFEST.json.
func (s *session) warnUnsealed(dirs ...string) {
	for _, dir := range dirs {
		s.warnf("%s: has no %s, as an earlier version of lamina wrote it: a change of its files since then is not seen", dir, files.Manifest)
	}
}

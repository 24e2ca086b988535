package main

import (
	"fmt"

	"lamina/crash/emulate"
	"lamina/internal/files"
	"lamina/internal/report"
)

// sent is a directory that one house sends the other.
type sent struct {
	Path  string `json:"path"`
	Files int    `json:"files"`
	Bytes int64  `json:"bytes"`
}

// printSent says what is to be sent: a directory with its size, what is not in it, and
// what stays.
func (s *session) printSent(dir, words string) (sent, error) {
	n, bytes, err := files.Size(dir)
	if err != nil {
		return sent{}, err
	}
	s.printf("send this directory: %s, %d files, %s; %s\n", dir, n, report.Bytes(int(bytes)), words)
	return sent{dir, n, bytes}, nil
}

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

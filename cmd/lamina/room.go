package main

import (
	"errors"
	"fmt"

	"lamina/crash/study"
	"lamina/internal/machine"
	"lamina/internal/units"
)

// room returns how many bytes of memory a run may take in all where it computes, with the
// model that is there, and beside the weights that are kept packed; 0 where the system does not say.
func (s *session) room() int {
	if s.device != nil && s.device.gpu != nil {
		return s.device.room
	}
	return s.besidePacked(machine.ReadMemory().Whole())
}

// besidePacked is what weights that are kept packed leave of the process's memory; 0 where the
// system does not say.
func (s *session) besidePacked(bytes int) int {
	if s.device == nil || bytes == 0 {
		return bytes
	}
	return max(bytes-s.device.prepack, 1)
}

// left is what may be taken beyond what is there.
func (s *session) left() int {
	if s.device == nil || s.device.gpu == nil {
		return s.besidePacked(machine.ReadMemory().Usable())
	}
	free, _ := s.device.Memory()
	return max(int(free)-s.device.gpu.overhead, 1)
}

// roomFlags are of a training, which is held against the memory there is.
type roomFlags struct {
	Overcommit bool `help:"Start even if the run takes more memory than is available."`
}

// check refuses a run that takes more memory than there is.
func (f roomFlags) check(s *session, run interface{ CheckMemory(available int) error }) error {
	if f.Overcommit {
		return nil
	}
	return run.CheckMemory(s.room())
}

// remedied adds to an error of too little memory what packed weights would leave.
func (s *session) remedied(err error) error {
	var large *study.TooLarge
	if errors.As(err, &large) && s.device != nil && s.device.prepack > 0 {
		return fmt.Errorf("%w; --prepack off leaves it %s more", err, units.Bytes(s.device.prepack))
	}
	return err
}

// prefixFlags say what is kept of places below which nothing trains.
type prefixFlags struct {
	CachePrefix string `default:"auto" placeholder:"SIZE" help:"Compute what frozen places below the lowest that trains make of an example once, and keep it: auto (default; in half of the memory that the run leaves, then on disk in --out until the end), off, or so much memory (2GiB). The same weights come out."`
}

// parse reads it. What is kept in memory is in the process's.
func (f prefixFlags) parse() (study.CachePrefix, error) {
	c, err := study.ParseCachePrefix(f.CachePrefix)
	if err != nil {
		return c, usageError{err}
	}
	c.Most = machine.ReadMemory().Whole() / 2
	return c, nil
}

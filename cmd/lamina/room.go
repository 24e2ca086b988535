package main

import (
	"lamina/crash/study"
	"lamina/internal/machine"
)

// roomFlags are of a training, which is held against the memory there is.
type roomFlags struct {
	Overcommit bool `help:"Start even if the run takes more memory than is available."`
}

// check refuses a run that takes more memory than there is.
func (f roomFlags) check(run interface{ CheckMemory(available int) error }) error {
	if f.Overcommit {
		return nil
	}
	return run.CheckMemory(machine.ReadMemory().Whole())
}

// prefixFlags say what is kept of places below which nothing trains.
type prefixFlags struct {
	CachePrefix string `default:"auto" placeholder:"SIZE" help:"Compute what frozen places below the lowest that trains make of an example once, and keep it: auto (default; in half of the memory that the run leaves, then on disk in --out until the end), off, or so much memory (2GiB). The same weights come out."`
}

// parse reads it.
func (f prefixFlags) parse() (study.CachePrefix, error) {
	c, err := study.ParseCachePrefix(f.CachePrefix)
	if err != nil {
		return c, usageError{err}
	}
	return c, nil
}

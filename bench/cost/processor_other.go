//go:build !unix

package main

import "time"

// processorTime is not known here.
func processorTime() time.Duration { panic("-busy: wants a unix") }

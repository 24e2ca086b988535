// Package trace runs a program and disturbs it from outside: it counts the system calls
// of all its threads that change the file system, and at a given one kills the process
// before it is executed, or lets it fail; or it sets back the clock that the program
// reads. The program knows nothing of it and needs no preparation.
//
//	done, err := trace.Run(ctx, trace.Program{Path: "lamina", Args: args, Dir: dir}, trace.Fault{})
//	for n := 1; n <= done.Operations; n++ {
//		done, err := trace.Run(ctx, program, trace.Fault{At: n, Kill: true})
//		…                                 // done.Hit is the operation that was not executed
//	}
//
// What counts: opening a file to create or cut it, writes to regular files, truncation,
// syncs, renames, links, removals, new directories, changes of mode. Which thread makes
// the calls does not matter; two runs of one program may still count differently.
//
// Invariants: what is killed ends before Run returns, threads and all; standard input is
// empty; if the tracing process dies, so does the program. It works on linux/amd64
// ([Available]); elsewhere Run returns an error.
package trace

import (
	"syscall"

	"lamina/internal/powercut"
)

// Program is what is run.
type Program struct {
	Path string
	Args []string // without the program's name
	Dir  string
	Env  []string // nil: that of this process
	Note string   // a directory without links in its path: what is changed below is noted; "": nothing
}

// Fault is what befalls it; the zero value nothing.
type Fault struct {
	At      int           // the operation, from 1
	Kill    bool          // SIGKILL at operation At, which is not executed
	Errno   syscall.Errno // or: it is not executed and fails with Errno,
	Persist bool          // as does every later one
	Clock   Clock         // what the program reads from the wall clock; nil: the truth
}

// Clock gives the seconds of the epoch that a program reads at its n-th look, from 0,
// at the true time now.
type Clock func(n int, now int64) int64

// Done is how the program ended.
type Done struct {
	Operations int
	Hit        string        // the operation at Fault.At
	Log        []powercut.Op // below Program.Note, in the order in which they ended
	Looks      int           // at the clock, if there was a [Clock]
	Exit       int           // the status; -1: ended by a signal
	Stderr     string
}

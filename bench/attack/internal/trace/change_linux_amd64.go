package trace

import (
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// change is a system call that may change the file system.
type change struct {
	tid  int
	nr   uint64
	args [6]uint64
}

// The calls that change files: how they are called, and where their arguments stand.
var changes = map[uint64]struct {
	name  string
	flags int // the argument that holds the flags of an open; 0: no open
	fd    int // 1+ the argument that is a file; it has to be a regular one
	path  int // 1+ the argument that is the path, for the report
	grows bool
}{
	unix.SYS_OPEN:            {name: "open", flags: 1, path: 1, grows: true},
	unix.SYS_OPENAT:          {name: "openat", flags: 2, path: 2, grows: true},
	unix.SYS_CREAT:           {name: "creat", path: 1, grows: true},
	unix.SYS_WRITE:           {name: "write", fd: 1, grows: true},
	unix.SYS_PWRITE64:        {name: "pwrite", fd: 1, grows: true},
	unix.SYS_WRITEV:          {name: "writev", fd: 1, grows: true},
	unix.SYS_PWRITEV:         {name: "pwritev", fd: 1, grows: true},
	unix.SYS_COPY_FILE_RANGE: {name: "copy_file_range", fd: 3, grows: true},
	unix.SYS_SENDFILE:        {name: "sendfile", fd: 1, grows: true},
	unix.SYS_FALLOCATE:       {name: "fallocate", fd: 1, grows: true},
	unix.SYS_TRUNCATE:        {name: "truncate", path: 1},
	unix.SYS_FTRUNCATE:       {name: "ftruncate", fd: 1},
	unix.SYS_FSYNC:           {name: "fsync", fd: -1, grows: true},
	unix.SYS_FDATASYNC:       {name: "fdatasync", fd: -1, grows: true},
	unix.SYS_RENAME:          {name: "rename", path: 2, grows: true},
	unix.SYS_RENAMEAT:        {name: "renameat", path: 4, grows: true},
	unix.SYS_RENAMEAT2:       {name: "renameat2", path: 4, grows: true},
	unix.SYS_LINK:            {name: "link", path: 2, grows: true},
	unix.SYS_LINKAT:          {name: "linkat", path: 4, grows: true},
	unix.SYS_SYMLINK:         {name: "symlink", path: 2, grows: true},
	unix.SYS_SYMLINKAT:       {name: "symlinkat", path: 3, grows: true},
	unix.SYS_UNLINK:          {name: "unlink", path: 1},
	unix.SYS_UNLINKAT:        {name: "unlinkat", path: 2},
	unix.SYS_RMDIR:           {name: "rmdir", path: 1},
	unix.SYS_MKDIR:           {name: "mkdir", path: 1, grows: true},
	unix.SYS_MKDIRAT:         {name: "mkdirat", path: 2, grows: true},
	unix.SYS_CHMOD:           {name: "chmod", path: 1},
	unix.SYS_FCHMOD:          {name: "fchmod", fd: 1},
	unix.SYS_FCHMODAT:        {name: "fchmodat", path: 2},
	unix.SYS_UTIMENSAT:       {name: "utimensat", path: 2},
}

// counts reports whether the call is one that changes files.
func (c change) counts() bool {
	call, ok := changes[c.nr]
	switch {
	case !ok:
		return false
	case call.flags > 0:
		return c.args[call.flags]&(unix.O_CREAT|unix.O_TRUNC) != 0
	case call.fd > 0:
		return c.regular(c.args[call.fd-1])
	}
	return true
}

// regular reports whether fd is a file on a disk, and none of the standard ones.
func (c change) regular(fd uint64) bool {
	if int32(fd) <= 2 {
		return false
	}
	if name, err := os.Readlink(c.link(fd)); err != nil || !strings.HasPrefix(name, "/") {
		return false // a socket, pipe or event has a name without a place
	}
	info, err := os.Stat(c.link(fd))
	return err == nil && info.Mode().IsRegular()
}

func (c change) link(fd uint64) string { return fmt.Sprintf("/proc/%d/fd/%d", c.tid, int32(fd)) }

// grows reports whether a full disk refuses the call.
func (c change) grows() bool { return changes[c.nr].grows }

// String names call and file for a report.
func (c change) String() string {
	call := changes[c.nr]
	var file string
	switch {
	case call.path > 0:
		file = c.text(c.args[call.path-1])
	default:
		file, _ = os.Readlink(c.link(c.args[max(call.fd, 1)-1]))
	}
	return call.name + " " + file
}

// text reads a path from the process.
func (c change) text(at uint64) string {
	var b [256]byte
	n, _ := unix.PtracePeekData(c.tid, uintptr(at), b[:]) // may end early, at a page that is not there
	text, _, _ := strings.Cut(string(b[:n]), "\x00")
	return text
}

package trace

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"lamina/internal/powercut"
)

// Available reports whether Run works here.
const Available = true

const (
	options = unix.PTRACE_O_TRACESYSGOOD | unix.PTRACE_O_TRACECLONE | unix.PTRACE_O_TRACEFORK |
		unix.PTRACE_O_TRACEVFORK | unix.PTRACE_O_TRACEEXEC | unix.PTRACE_O_EXITKILL
	syscallStop = syscall.Signal(unix.SIGTRAP | 0x80)
	noSyscall   = ^uint64(0) // a number no system call has: the kernel executes none
)

// Run runs a program to its end under a fault. When ctx ends the program is killed.
func Run(ctx context.Context, p Program, f Fault) (Done, error) {
	type ended struct {
		done Done
		err  error
	}
	result := make(chan ended, 1)
	go func() { // a thread of its own: the kernel lets only the tracing one give orders
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		done, err := run(ctx, p, f)
		result <- ended{done, err}
	}()
	r := <-result
	return r.done, r.err
}

func run(ctx context.Context, p Program, f Fault) (Done, error) {
	said, err := memory("stderr")
	if err != nil {
		return Done{}, err
	}
	defer said.Close()
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return Done{}, err
	}
	defer null.Close()
	process, err := os.StartProcess(p.Path, append([]string{p.Path}, p.Args...), &os.ProcAttr{
		Dir: p.Dir, Env: p.Env, Files: []*os.File{null, null, said},
		Sys: &syscall.SysProcAttr{Ptrace: true, Setpgid: true},
	})
	if err != nil {
		return Done{}, err
	}
	defer process.Release()
	stop := context.AfterFunc(ctx, func() { process.Kill() })
	defer stop()

	t := tracer{pid: process.Pid, fault: f, known: map[int]bool{process.Pid: true}, pending: map[int]syscall.Errno{}, root: p.Note, noting: map[int]*powercut.Op{}}
	if err := t.begin(); err != nil {
		process.Kill()
		return t.done, fmt.Errorf("trace: %s: %w", p.Path, err)
	}
	if err := t.follow(); err != nil {
		return t.done, fmt.Errorf("trace: %s: %w", p.Path, err)
	}
	if _, err := said.Seek(0, io.SeekStart); err != nil {
		return t.done, err
	}
	text, err := io.ReadAll(io.LimitReader(said, 1<<20))
	t.done.Stderr = string(text)
	return t.done, errors.Join(err, ctx.Err())
}

func memory(name string) (*os.File, error) {
	fd, err := unix.MemfdCreate(name, unix.MFD_CLOEXEC)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), name), nil
}

type tracer struct {
	pid     int
	fault   Fault
	known   map[int]bool          // threads that have had their first stop
	pending map[int]syscall.Errno // threads in a call that was taken away from them
	root    string                // below which operations are noted, if it is set
	noting  map[int]*powercut.Op  // of threads in a call
	done    Done
}

// begin takes the program at its first instruction.
func (t *tracer) begin() error {
	var status unix.WaitStatus
	if _, err := unix.Wait4(t.pid, &status, unix.WALL, nil); err != nil {
		return err
	}
	if !status.Stopped() {
		return fmt.Errorf("ended before it began: %v", status)
	}
	if err := unix.PtraceSetOptions(t.pid, options); err != nil {
		return err
	}
	if t.fault.Clock != nil {
		if err := t.hideFastClock(); err != nil {
			return err
		}
	}
	return unix.PtraceSyscall(t.pid, 0)
}

// follow goes from stop to stop until the program is gone. The program is a process group
// of its own, as the thread may have children that others wait for.
func (t *tracer) follow() error {
	for {
		var status unix.WaitStatus
		tid, err := unix.Wait4(-t.pid, &status, unix.WALL|unix.WNOTHREAD, nil)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return err
		case status.Exited() || status.Signaled():
			if tid != t.pid {
				continue
			}
			t.done.Exit = status.ExitStatus() // -1 of a signal
			return nil
		}
		deliver := 0
		switch sig := status.StopSignal(); {
		case sig == syscallStop:
			err = t.call(tid)
		case status.TrapCause() > 0: // a new thread, or exec
		case sig == unix.SIGSTOP && !t.known[tid]:
			t.known[tid] = true
		default:
			deliver = int(sig)
		}
		if err == nil {
			err = unix.PtraceSyscall(tid, deliver)
		}
		if err != nil && !errors.Is(err, unix.ESRCH) { // ESRCH: killed meanwhile
			return err
		}
	}
}

// info is struct ptrace_syscall_info, whose entry and exit parts overlap.
type info struct {
	op     uint8
	_      [3]uint8
	arch   uint32
	ip, sp uint64
	nr     uint64
	args   [6]uint64
	_      [8]uint64
}

const (
	getSyscallInfo = 0x420e
	entering       = 1
)

// call looks at a thread that enters or leaves a system call.
func (t *tracer) call(tid int) error {
	var i info
	_, _, errno := unix.Syscall6(unix.SYS_PTRACE, getSyscallInfo, uintptr(tid), unsafe.Sizeof(i), uintptr(unsafe.Pointer(&i)), 0, 0)
	if errno != 0 {
		return errno
	}
	if i.op != entering {
		t.note(t.noting[tid], int64(i.nr)) // the result stands where the number did
		delete(t.noting, tid)
		return t.leave(tid)
	}
	if t.fault.Clock != nil && i.nr == unix.SYS_CLOCK_GETTIME && i.args[0] == unix.CLOCK_REALTIME {
		return t.readClock(tid, i.args[1])
	}
	c := change{tid: tid, nr: i.nr, args: i.args}
	if !c.counts() {
		return nil
	}
	if t.root != "" {
		op, err := c.note(t.root)
		if err != nil {
			return err
		}
		t.noting[tid] = op
	}
	t.done.Operations++
	n, f := t.done.Operations, t.fault
	if f.At == 0 || n < f.At || n > f.At && (f.Kill || !f.Persist) {
		return nil
	}
	if n == f.At {
		t.done.Hit = c.String()
	}
	if f.Kill {
		if err := t.skip(tid); err != nil {
			return err
		}
		return unix.Kill(t.pid, unix.SIGKILL)
	}
	if f.Errno == unix.ENOSPC && !c.grows() {
		return nil // a full disk lets go of what it has
	}
	t.pending[tid] = f.Errno
	return t.skip(tid)
}

// skip takes away the call that a thread is about to make.
func (t *tracer) skip(tid int) error {
	var regs unix.PtraceRegs
	if err := unix.PtraceGetRegs(tid, &regs); err != nil {
		return err
	}
	regs.Orig_rax = noSyscall
	return unix.PtraceSetRegs(tid, &regs)
}

// leave gives a call that was taken away its result.
func (t *tracer) leave(tid int) error {
	errno, ok := t.pending[tid]
	if !ok {
		return nil
	}
	delete(t.pending, tid)
	var regs unix.PtraceRegs
	if err := unix.PtraceGetRegs(tid, &regs); err != nil {
		return err
	}
	regs.Rax = -uint64(errno)
	return unix.PtraceSetRegs(tid, &regs)
}

// readClock answers a look at the wall clock itself, in place of the kernel.
func (t *tracer) readClock(tid int, into uint64) error {
	now := time.Now()
	var answer [16]byte // struct timespec
	binary.LittleEndian.PutUint64(answer[:], uint64(t.fault.Clock(t.done.Looks, now.Unix())))
	binary.LittleEndian.PutUint64(answer[8:], uint64(now.Nanosecond()))
	t.done.Looks++
	if _, err := unix.PtracePokeData(tid, uintptr(into), answer[:]); err != nil {
		return err
	}
	t.pending[tid] = 0
	return t.skip(tid)
}

// hideFastClock takes from a program at its first instruction the address of the
// kernel's page of functions, by which it would read the clock without a system call.
func (t *tracer) hideFastClock() error {
	const sysinfo, ignore = 33, 1 // AT_SYSINFO_EHDR, AT_IGNORE
	var regs unix.PtraceRegs
	if err := unix.PtraceGetRegs(t.pid, &regs); err != nil {
		return err
	}
	at := uintptr(regs.Rsp)
	word := func() (uint64, error) {
		var b [8]byte
		_, err := unix.PtracePeekData(t.pid, at, b[:])
		at += 8
		return binary.LittleEndian.Uint64(b[:]), err
	}
	count, err := word()
	if err != nil {
		return err
	}
	at += 8 * uintptr(count+1) // the arguments and their end
	for {                      // the environment
		if w, err := word(); err != nil || w == 0 {
			break
		}
	}
	for {
		key, err := word()
		if err != nil || key == 0 {
			return err
		}
		if key == sysinfo {
			var b [8]byte
			binary.LittleEndian.PutUint64(b[:], ignore)
			if _, err := unix.PtracePokeData(t.pid, at-8, b[:]); err != nil {
				return err
			}
		}
		at += 8
	}
}

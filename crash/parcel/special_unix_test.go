//go:build unix

package parcel_test

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"syscall"
)

// special are what only some systems have.
var special = []hostile{
	{"a pipe", func(p *parcelled) {
		p.remove(p.payload("MANIFEST.json"))
		must(p.t, syscall.Mkfifo(p.payload("MANIFEST.json"), 0o644))
	}, `MANIFEST.json: is a pipe`},
	{"a manifest that is a pipe", func(p *parcelled) {
		p.remove(p.path("manifest.json"))
		must(p.t, syscall.Mkfifo(p.path("manifest.json"), 0o644))
	}, `manifest.json: is a pipe`},
	{"a socket", func(p *parcelled) {
		short, err := os.MkdirTemp("", "s") // a socket's path is short
		must(p.t, err)
		l, err := net.Listen("unix", filepath.Join(short, "s"))
		must(p.t, err)
		p.after = func() { l.Close(); os.RemoveAll(short) }
		must(p.t, os.Rename(filepath.Join(short, "s"), p.payload("NOTICE")))
	}, `NOTICE: is a socket`},
	{"a device", func(p *parcelled) {
		const null = 1<<8 | 3
		switch err := syscall.Mknod(p.payload("NOTICE"), syscall.S_IFCHR|0o644, null); {
		case errors.Is(err, syscall.EPERM): // only root may: a link to one is refused as a link
			must(p.t, os.Symlink("/dev/null", p.payload("NOTICE")))
		default:
			must(p.t, err)
		}
	}, `NOTICE: is a `},
}

package sweep

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"lamina/internal/files"
)

// Claim says that somebody is computing a cell. It is a file that one process can make, on
// whatever machine, and that its owner writes again four times a lease. One whose time is a
// lease old is a dead worker's, and whoever sees that takes it away.
//
// Times are the file system's own: of the claim, and of a file that who asks writes beside
// it, so that the clocks of machines need not agree. A worker that lives and was not heard
// for a lease (stopped, or cut off) may lose its claim and go on: then two compute the cell,
// come to the same bits, and each puts the same bytes in its place in one step.
type Claim struct {
	path string
	text []byte
	stop context.CancelFunc
	done chan struct{}
}

// claimText is what the file says, for people and for telling claims apart.
type claimText struct {
	Host  string `json:"host"`
	PID   int    `json:"pid"`
	Token string `json:"token"`
}

// maxClaim bounds a claim's file.
const maxClaim = 4096

// Claim claims a cell for a host; nil where somebody else has it. The claim is kept alive
// until Release.
func (c Cells) Claim(key, host string, lease time.Duration) (*Claim, error) {
	path := filepath.Join(c.claims(), key)
	text, err := json.Marshal(claimText{host, os.Getpid(), rand.Text()})
	if err != nil {
		return nil, err
	}
	if err := c.expire(path, lease); err != nil {
		return nil, err
	}
	switch err := files.CreateNew(path, text); {
	case errors.Is(err, fs.ErrExist):
		return nil, nil
	case err != nil:
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	claim := &Claim{path: path, text: text, stop: stop, done: make(chan struct{})}
	go claim.beat(ctx, lease/4)
	return claim, nil
}

// beat writes the claim again and again. One that is lost stays so: see [Claim].
func (c *Claim) beat(ctx context.Context, every time.Duration) {
	defer close(c.done)
	tick := time.NewTicker(max(every, time.Millisecond))
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if err := files.Rewrite(c.path, c.text); errors.Is(err, fs.ErrNotExist) {
				return
			}
		}
	}
}

// Release gives the cell free, unless the claim was lost.
func (c *Claim) Release() error {
	c.stop()
	<-c.done
	if have, err := files.Read(c.path, maxClaim); err != nil || string(have) != string(c.text) {
		return nil
	}
	return files.Remove(c.path)
}

// expire takes a dead worker's claim away. Of several that see one, one takes it; who takes
// one that was made anew meanwhile puts it back.
func (c Cells) expire(path string, lease time.Duration) error {
	info, err := os.Stat(path)
	if err != nil {
		return absent(err)
	}
	now, err := c.now()
	if err != nil || now.Sub(info.ModTime()) < lease {
		return err
	}
	seen, err := files.Read(path, maxClaim)
	if err != nil {
		return absent(err)
	}
	taken := fmt.Sprintf("%s.expired-%s", path, rand.Text())
	if err := files.Rename(path, taken); err != nil {
		return absent(err)
	}
	defer files.Remove(taken)
	got, err := files.Read(taken, maxClaim)
	if err != nil || string(got) == string(seen) {
		return err
	}
	if err := files.CreateNew(path, got); !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

// now is the file system's time.
func (c Cells) now() (time.Time, error) {
	path := filepath.Join(c.claims(), ".now-"+rand.Text())
	if err := files.WriteBytes(path, []byte("\n")); err != nil {
		return time.Time{}, err
	}
	defer files.Remove(path)
	info, err := os.Stat(path)
	if err != nil {
		return time.Time{}, err
	}
	return info.ModTime(), nil
}

// absent leaves out that something is gone: somebody else was faster.
func absent(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

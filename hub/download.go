package hub

import (
	"cmp"
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"

	"lamina/internal/files"
)

const (
	copyBuffer = 256 << 10
	// enoughBytes in one attempt count as progress: a server that gives a few and
	// drops the connection is tried a limited number of times.
	enoughBytes = 16 << 20
)

// download is one file on its way into blobs/.
type download struct {
	store
	subject subject
	file    File   // its digest and size are known
	address string // of the file at its commit
	part    string // what has arrived so far
	tell    func(have int64)

	validator string // strong ETag of the answer that began part, in this process
	fetched   int64  // bytes that came over the network
}

// fetch makes sure that blobs/ holds the file and the snapshot names it. The lock
// keeps others, Python's too, from fetching the same.
func (d *download) fetch(ctx context.Context, commit string) error {
	release, held, err := files.Lock(ctx, d.lockFile(d.file.Digest))
	if err != nil {
		return fmt.Errorf("hub: %w", err)
	}
	defer release()
	blob := d.blob(d.file.Digest)
	if info, err := os.Stat(blob); err != nil || !info.Mode().IsRegular() || info.Size() != d.file.Size {
		d.part = blob + ".incomplete"
		if !held {
			d.part = fmt.Sprintf("%s.%d.incomplete", blob, os.Getpid())
		}
		if err := os.MkdirAll(filepath.Dir(blob), 0o777); err != nil {
			return fmt.Errorf("hub: %w", err)
		}
		if err := d.run(ctx); err != nil {
			return err
		}
		if err := files.Publish(d.part, blob); err != nil {
			return err
		}
	}
	if err := d.link(commit, d.file); err != nil {
		return d.subject.wrap(nil, err, "in the snapshot")
	}
	return nil
}

// run fills part and verifies it. What does not verify is removed, and fetched
// from the beginning once more: its first bytes may be from an earlier run.
func (d *download) run(ctx context.Context) error {
	for again := false; ; again = true {
		if err := d.client.retry(ctx, func() (bool, error) { return d.attempt(ctx) }); err != nil {
			return d.stopped(ctx, err)
		}
		err := d.verify(ctx)
		if err == nil {
			return nil
		}
		if !errors.Is(err, ErrMismatch) {
			return d.stopped(ctx, err)
		}
		if err := os.Remove(d.part); err != nil {
			return fmt.Errorf("hub: %w", err)
		}
		if again {
			return err
		}
		if d.client.Note != nil {
			d.client.Note(err.Error() + "; once more from the beginning")
		}
	}
}

// stopped says what remains after an interrupt.
func (d *download) stopped(ctx context.Context, err error) error {
	if ctx.Err() == nil {
		return err
	}
	return d.subject.wrap(nil, ctx.Err(), fmt.Sprintf("stopped with %d of %d bytes, which stay in the cache: run again to go on from there", d.have(), d.file.Size))
}

// have returns the length of part.
func (d *download) have() int64 {
	info, err := os.Stat(d.part)
	if err != nil {
		return 0
	}
	return info.Size()
}

// attempt asks once for what is missing from part and appends it.
func (d *download) attempt(ctx context.Context) (progress bool, err error) {
	f, err := files.OpenOwn(d.part, files.Unlimited)
	if err != nil {
		return false, fmt.Errorf("hub: %w", err)
	}
	defer f.Close()
	have := d.have()
	if have > d.file.Size {
		have = 0
	}
	if err := errors.Join(f.Truncate(have), seek(f, have)); err != nil {
		return false, fmt.Errorf("hub: %w", err)
	}
	d.tell(have)
	if have == d.file.Size {
		return true, nil
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	resp, err := d.client.request(ctx, d.subject, http.MethodGet, d.address, d.rangeFrom(have), nil)
	if err != nil {
		return false, err
	}
	defer resp.Body.Close()
	switch resp.StatusCode {
	case http.StatusOK: // from the beginning, whatever was asked for
		have = 0
		if err := errors.Join(f.Truncate(0), seek(f, 0)); err != nil {
			return false, fmt.Errorf("hub: %w", err)
		}
		d.validator = strongETag(resp.Header)
	case http.StatusPartialContent:
		if err := parseContentRange(resp.Header.Get("Content-Range"), have, d.file.Size); err != nil {
			return false, d.subject.wrap(ErrServer, err, "the server sent another part than asked for")
		}
	case http.StatusRequestedRangeNotSatisfiable:
		return false, d.begin(f, d.subject.errorf(ErrServer, "the server has no byte %d of %d", have, d.file.Size))
	default:
		return false, d.refused(resp)
	}
	return d.receive(f, d.client.watch(resp.Body, cancel), have)
}

// refused says what an answer without content means. Of the host that large files
// lie on it says nothing of access: its addresses are good for a time, and the next
// attempt gets a new one.
func (d *download) refused(resp *http.Response) error {
	home, err := url.Parse(d.client.Endpoint)
	if err != nil || sameOrigin(resp.Request.URL, home) {
		return d.client.statusError(d.subject, resp)
	}
	err = d.subject.errorf(ErrServer, "%s answered %d (%s)", resp.Request.URL.Host, resp.StatusCode, http.StatusText(resp.StatusCode))
	return transient{err, retryAfter(resp.Header)}
}

// rangeFrom asks for the bytes from have on, of the same content if that is known.
func (d *download) rangeFrom(have int64) http.Header {
	h := http.Header{}
	if have > 0 {
		h.Set("Range", fmt.Sprintf("bytes=%d-", have))
		if d.validator != "" {
			h.Set("If-Range", d.validator)
		}
	}
	return h
}

// begin empties part, so that the next attempt asks for everything.
func (d *download) begin(f *files.File, why error) error {
	if err := f.Truncate(0); err != nil {
		return fmt.Errorf("hub: %w", err)
	}
	return transient{error: why}
}

// receive appends the body, at most what is missing and one byte to see that
// there is no more.
func (d *download) receive(f *files.File, body *watched, have int64) (progress bool, err error) {
	defer body.stop()
	from, buf := have, make([]byte, copyBuffer)
	for {
		n, err := body.Read(buf)
		if have+int64(n) > d.file.Size {
			return false, errors.Join(d.subject.errorf(ErrMismatch, "the server sent more than the %d bytes it declared", d.file.Size), f.Truncate(0))
		}
		if _, err := f.Write(buf[:n]); err != nil {
			return false, d.subject.wrap(nil, err, fmt.Sprintf("cannot store it; the %d bytes that arrived stay, run again when there is room", have))
		}
		have += int64(n)
		d.fetched += int64(n)
		d.tell(have)
		switch {
		case err == nil:
			continue
		case !errors.Is(err, io.EOF) || have < d.file.Size:
			err = d.subject.wrap(nil, body.cause(err), fmt.Sprintf("broke off after %d of %d bytes", have, d.file.Size))
			return have-from >= cmp.Or(d.client.enough, enoughBytes), transient{error: err}
		}
		return true, nil
	}
}

// verify hashes part as it lies on the disk, so that what an earlier run or
// another process left there counts too.
func (d *download) verify(ctx context.Context) error {
	f, _, err := files.Open(d.part, files.Unlimited)
	if err != nil {
		return fmt.Errorf("hub: %w", err)
	}
	defer f.Close()
	got, n, err := files.Sum(digester(d.file), interruptible{ctx, f})
	if err != nil {
		return fmt.Errorf("hub: %w", err)
	}
	if n != d.file.Size || got != d.file.Digest {
		return d.subject.errorf(ErrMismatch, "content does not verify: %d bytes with digest %s, want %d with %s; nothing was kept", n, got, d.file.Size, d.file.Digest)
	}
	return nil
}

// digester returns the hash that a file's digest is of: SHA-256 of the content,
// or SHA-1 of what git stores, which begins with "blob SIZE" and a zero byte.
func digester(f File) hash.Hash {
	if len(f.Digest) == 2*sha256.Size {
		return sha256.New()
	}
	h := sha1.New()
	fmt.Fprintf(h, "blob %d\x00", f.Size)
	return h
}

// interruptible is a reader that fails when its context ends.
type interruptible struct {
	ctx context.Context
	r   io.Reader
}

func (i interruptible) Read(p []byte) (int, error) {
	if err := i.ctx.Err(); err != nil {
		return 0, err
	}
	return i.r.Read(p)
}

// strongETag returns an ETag that If-Range may name, or "".
func strongETag(h http.Header) string {
	if v := h.Get("ETag"); len(v) > 2 && v[0] == '"' {
		return v
	}
	return ""
}

func seek(f *files.File, to int64) error {
	_, err := f.Seek(to, io.SeekStart)
	return err
}

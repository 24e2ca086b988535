package hub

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// What errors of this package are, for errors.Is.
var (
	ErrOffline  = errors.New("offline")                  // not in the cache, and no connection allowed
	ErrAccess   = errors.New("no access")                // 401 or 403
	ErrNotFound = errors.New("not found")                // no such repository, revision or file
	ErrMismatch = errors.New("content does not verify")  // wrong size or digest
	ErrServer   = errors.New("unusable answer of a hub") // contradictory or hostile answers
)

// Error names what could not be had, and what helps.
type Error struct {
	Item string // repository, with revision and file where they matter
	Text string
	Kind error // ErrOffline, ErrAccess, …, or nil
	Err  error // the cause, or nil
}

func (e *Error) Error() string {
	text := "hub: " + e.Item + ": " + e.Text
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap returns the kind and the cause.
func (e *Error) Unwrap() []error {
	var errs []error
	for _, err := range []error{e.Kind, e.Err} {
		if err != nil {
			errs = append(errs, err)
		}
	}
	return errs
}

// subject is what a request is about.
type subject struct {
	repo     Repo
	revision string
	file     string // "": the list of files
}

func (p subject) String() string {
	text := p.repo.String()
	if p.revision != "" && p.revision != "main" && !isCommit(p.revision) {
		text += fmt.Sprintf(" at %.128q", p.revision)
	}
	if p.file != "" {
		text += fmt.Sprintf(": %.128q", p.file)
	}
	return text
}

func (p subject) errorf(kind error, format string, args ...any) error {
	return &Error{Item: p.String(), Text: fmt.Sprintf(format, args...), Kind: kind}
}

func (p subject) wrap(kind, err error, text string) error {
	return &Error{Item: p.String(), Text: text, Kind: kind, Err: err}
}

// transient is an error that may be gone in a moment.
type transient struct {
	error
	after time.Duration // the server's wish; 0: none
}

func (t transient) Unwrap() error { return t.error }

// statusError turns an answer that is no success into an error that says what
// helps.
func (c *Client) statusError(p subject, resp *http.Response) error {
	code := resp.Header.Get("X-Error-Code")
	switch status := resp.StatusCode; {
	case code == "GatedRepo":
		return p.errorf(ErrAccess, "is gated: ask for access on %s/%s, then set HF_TOKEN to a token of that account%s", c.Endpoint, p.repo.page(), c.tokenState())
	case status == http.StatusUnauthorized:
		return p.errorf(ErrAccess, "401: there is no such %s, or it is private: check the name, or set HF_TOKEN%s", p.repo.Type, c.tokenState())
	case status == http.StatusForbidden:
		return p.errorf(ErrAccess, "403: access is refused: set HF_TOKEN to a token that may read it, or ask its owner for access%s", c.tokenState())
	case code == "RepoNotFound":
		return p.errorf(ErrNotFound, "there is no such %s: check the name and --repo-type; a private one needs HF_TOKEN%s", p.repo.Type, c.tokenState())
	case code == "RevisionNotFound":
		return p.errorf(ErrNotFound, "there is no revision %.128q: check --revision", p.revision)
	case code == "EntryNotFound":
		return p.errorf(ErrNotFound, "there is no such file at revision %.128q", p.revision)
	case status == http.StatusNotFound:
		return p.errorf(ErrNotFound, "404: no such repository, revision or file at %s", c.Endpoint)
	case status == http.StatusTooManyRequests || status == http.StatusRequestTimeout || status >= 500:
		err := p.errorf(nil, "the server answered %d (%s)", status, http.StatusText(status))
		return transient{err, retryAfter(resp.Header)}
	default:
		return p.errorf(ErrServer, "the server answered %d (%s)%s", status, http.StatusText(status), quoted(resp.Header.Get("X-Error-Message")))
	}
}

// tokenState tells whether a token was sent at all.
func (c *Client) tokenState() string {
	if c.Token == "" {
		return " (none is set)"
	}
	return " (the one that is set does not suffice)"
}

func quoted(message string) string {
	if message == "" {
		return ""
	}
	return fmt.Sprintf(": %.200q", message)
}

// retryAfter reads the header of that name: seconds, or a date, which is taken
// against the same answer's Date. 0: none, or none that can be read.
func retryAfter(h http.Header) time.Duration {
	text := h.Get("Retry-After")
	if n, err := strconv.Atoi(text); err == nil && n > 0 {
		return time.Duration(min(n, 1<<20)) * time.Second
	}
	until, err := http.ParseTime(text)
	if err != nil {
		return 0
	}
	now, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		return 0
	}
	return max(until.Sub(now), 0)
}

const (
	maxAttempts = 6
	firstWait   = time.Second
	longestWait = 5 * time.Minute // of what a server may ask for
)

// retry calls try until it succeeds or fails for good, at most maxAttempts times
// in a row without progress, with waits of 1, 2, 4, … seconds or as long as the
// server asks for. try reports whether it got nearer to the end, which starts the
// count anew.
func (c *Client) retry(ctx context.Context, try func() (progress bool, err error)) error {
	wait := firstWait
	for failed := 0; ; {
		progress, err := try()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		var again transient
		if err == nil || !errors.As(err, &again) {
			return err
		}
		if progress {
			failed, wait = 0, firstWait
		}
		if failed++; failed == maxAttempts {
			return fmt.Errorf("%w (tried %d times; run again to go on)", again.error, maxAttempts)
		}
		pause := max(wait, again.after)
		if pause > longestWait {
			return fmt.Errorf("%w: the server asks to come again in %s", again.error, pause)
		}
		if c.Note != nil {
			c.Note(fmt.Sprintf("%v; again in %s", again.error, pause))
		}
		if err := c.wait(ctx, pause); err != nil {
			return err
		}
		wait *= 2
	}
}

func (c *Client) wait(ctx context.Context, d time.Duration) error {
	if c.Wait != nil {
		return c.Wait(ctx, d)
	}
	return sleep(ctx, d)
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

package hub

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	answerLimit  = 30 * time.Second // from the request to the headers of the answer
	stallLimit   = 60 * time.Second // from one byte of the body to the next
	maxRedirects = 8
)

// newTransport returns the defaults of net/http, with proxies from the environment,
// and a limit on the wait for an answer.
func newTransport() http.RoundTripper {
	t, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		return http.DefaultTransport
	}
	t = t.Clone()
	t.ResponseHeaderTimeout = answerLimit
	t.DisableCompression = true // sizes and ranges are those of the file
	return t
}

// request sends one request and follows redirects, to other hosts without the
// token. seen, if not nil, is shown every answer and stops the chain by true. The
// caller closes the body.
func (c *Client) request(ctx context.Context, p subject, method, address string, header http.Header, seen func(*http.Response) (stop bool, err error)) (*http.Response, error) {
	if c.Offline {
		panic("hub: Client.request: a request of an offline client")
	}
	home, err := url.Parse(c.Endpoint)
	if err != nil {
		return nil, p.wrap(nil, err, "endpoint")
	}
	at, err := url.Parse(address)
	if err != nil {
		return nil, p.wrap(nil, err, "address")
	}
	// An http.Client would follow redirects by rules of its own, and calls one that it
	// cannot read a connection that failed.
	transport := c.Transport
	if transport == nil {
		transport = http.DefaultTransport
	}
	for range maxRedirects {
		resp, err := transport.RoundTrip(c.prepare(ctx, method, at, home, header))
		if err != nil {
			return nil, connectionError(ctx, p, at, err)
		}
		stop := false
		if seen != nil {
			if stop, err = seen(resp); err != nil {
				resp.Body.Close()
				return nil, p.wrap(ErrServer, err, "from "+at.Host)
			}
		}
		if stop || !isRedirect(resp.StatusCode) {
			return resp, nil
		}
		resp.Body.Close()
		if at, err = follow(at, resp.Header.Get("Location")); err != nil {
			return nil, p.wrap(ErrServer, err, "redirect")
		}
	}
	return nil, p.errorf(ErrServer, "more than %d redirects", maxRedirects)
}

func (c *Client) prepare(ctx context.Context, method string, at, home *url.URL, header http.Header) *http.Request {
	r := (&http.Request{Method: method, URL: at, Host: at.Host, Header: header.Clone(), ProtoMajor: 1, ProtoMinor: 1}).WithContext(ctx)
	if r.Header == nil {
		r.Header = http.Header{}
	}
	r.Header.Set("User-Agent", "lamina")
	r.Header.Set("Accept-Encoding", "identity")
	if c.Token != "" && sameOrigin(at, home) {
		r.Header.Set("Authorization", "Bearer "+c.Token)
	}
	return r
}

func isRedirect(status int) bool {
	switch status {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return true
	}
	return false
}

// follow resolves a Location. A connection that was encrypted stays so.
func follow(at *url.URL, location string) (*url.URL, error) {
	if location == "" {
		return nil, errors.New("without a Location")
	}
	to, err := at.Parse(location)
	if err != nil {
		return nil, errors.New("to an address that is none")
	}
	if to.Host == "" || to.User != nil || to.Scheme != "https" && (to.Scheme != "http" || at.Scheme == "https") {
		return nil, fmt.Errorf("from %s://%s to %.16q: want https, or http from http", at.Scheme, at.Host, to.Scheme)
	}
	return to, nil
}

// sameOrigin reports whether scheme, host and port are equal.
func sameOrigin(a, b *url.URL) bool {
	return a.Scheme == b.Scheme && strings.EqualFold(a.Hostname(), b.Hostname()) && port(a) == port(b)
}

func port(u *url.URL) string {
	if p := u.Port(); p != "" {
		return p
	}
	return map[string]string{"http": "80", "https": "443"}[u.Scheme]
}

// connectionError says which host failed. The address itself is left out: a
// redirect's holds a signature. Only names and ports that do not exist and certificates
// that do not verify are final.
func connectionError(ctx context.Context, p subject, at *url.URL, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	told := p.wrap(nil, err, "no answer from "+at.Host)
	var name *net.DNSError
	var address *net.AddrError
	var certificate *tls.CertificateVerificationError
	if errors.As(err, &name) && name.IsNotFound || errors.As(err, &address) || errors.As(err, &certificate) {
		return told
	}
	return transient{error: told}
}

// list asks for the commit and the files of a revision.
func (c *Client) list(ctx context.Context, repo Repo, revision string) (l listing, err error) {
	p := subject{repo, revision, ""}
	address := c.Endpoint + "/" + repo.api() + "/revision/" + url.PathEscape(revision) + "?blobs=true"
	err = c.retry(ctx, func() (bool, error) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		resp, err := c.request(ctx, p, http.MethodGet, address, nil, nil)
		if err != nil {
			return false, err
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return false, c.statusError(p, resp)
		}
		body := c.watch(resp.Body, cancel)
		defer body.stop()
		data, err := io.ReadAll(io.LimitReader(body, maxListing+1))
		if err != nil {
			return false, transient{error: p.wrap(nil, body.cause(err), "list of files broke off")}
		}
		if len(data) > maxListing {
			return false, p.errorf(ErrServer, "the list of files is longer than %d bytes", maxListing)
		}
		if l, err = parseListing(data); err != nil {
			return false, p.wrap(ErrServer, err, "from "+c.Endpoint)
		}
		if isCommit(revision) && l.Commit != revision {
			return false, p.errorf(ErrServer, "the server lists commit %s, asked was %s", l.Commit, revision)
		}
		return false, nil
	})
	return l, err
}

// head asks for a file's headers. They stand in the answer of the hub itself,
// before it redirects to where the content lies.
func (c *Client) head(ctx context.Context, p subject, address string) (h headers, err error) {
	home, err := url.Parse(c.Endpoint)
	if err != nil {
		return h, p.wrap(nil, err, "endpoint")
	}
	err = c.retry(ctx, func() (bool, error) {
		h = headers{size: -1}
		resp, err := c.request(ctx, p, http.MethodHead, address, nil, func(r *http.Response) (bool, error) {
			if r.StatusCode >= 400 {
				return true, nil
			}
			if err := h.add(r.StatusCode, r.Header); err != nil {
				return true, err
			}
			to, err := r.Request.URL.Parse(r.Header.Get("Location"))
			elsewhere := isRedirect(r.StatusCode) && err == nil && !sameOrigin(to, home)
			return elsewhere || h.linked && h.size >= 0 && h.commit != "", nil
		})
		if err != nil {
			return false, err
		}
		resp.Body.Close()
		if resp.StatusCode >= 400 {
			return false, c.statusError(p, resp)
		}
		return false, nil
	})
	return h, err
}

// watched is a body whose reader gives up when no byte comes for a while.
type watched struct {
	body  io.Reader
	timer *time.Timer
	limit time.Duration
	fired chan struct{}
}

// watch calls cancel, which must end reads of body, after a stall.
func (c *Client) watch(body io.Reader, cancel func()) *watched {
	w := &watched{body: body, limit: cmp.Or(c.stall, stallLimit), fired: make(chan struct{})}
	w.timer = time.AfterFunc(w.limit, func() { close(w.fired); cancel() })
	return w
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.body.Read(p)
	if n > 0 && w.timer.Stop() { // not if it fired: it must not fire twice
		w.timer.Reset(w.limit)
	}
	return n, err
}

// stop ends the watch.
func (w *watched) stop() { w.timer.Stop() }

// cause replaces the error of a read that the watch ended.
func (w *watched) cause(err error) error {
	select {
	case <-w.fired:
		return fmt.Errorf("no byte for %s", w.limit)
	default:
		return err
	}
}

package hub

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"path"
	"slices"
	"strings"
)

// DescriptionFiles is the [Select] of what describes a model: all of [ModelFiles] but the
// weights, with their indices.
func DescriptionFiles(names []string) ([]string, error) {
	chosen := companions(names)
	if !slices.Contains(chosen, "config.json") {
		return nil, noModel(names, "config.json")
	}
	for _, w := range weights {
		if w.shards != "" && slices.Contains(names, w.main) {
			chosen = append(chosen, w.main)
		}
	}
	return chosen, nil
}

// Describe finds what describes a model, as [Client.Find] does: its [DescriptionFiles], and
// the headers of its safetensors files of weights, for each of which head is called with
// the file's name, its size, and what reads its first n bytes. whole says that nothing less
// than all of the model will do, and no header was read: it is in the cache, or needed says
// so of the directory with the description.
func (c *Client) Describe(ctx context.Context, repo Repo, asking func(), needed func(dir string) bool,
	head func(name string, size int64, read func(n int64) ([]byte, error)) error) (s Snapshot, whole bool, err error) {
	if s, missing := c.Cached(repo, "main", ModelFiles); missing == nil {
		return s, true, nil
	}
	s, err = c.Find(ctx, repo, DescriptionFiles, asking)
	if err != nil || needed(s.Dir) || c.Offline {
		return s, err == nil && needed(s.Dir), err
	}
	names := make([]string, len(s.All))
	for i, f := range s.All {
		names[i] = f.Name
	}
	chosen, err := ModelFiles(names)
	if err != nil {
		return s, false, nil // a configuration without weights describes a model too
	}
	for _, f := range s.All {
		if path.Ext(f.Name) != ".safetensors" || !slices.Contains(chosen, f.Name) {
			continue
		}
		read := func(n int64) ([]byte, error) { return c.Head(ctx, repo, s.Commit, f.Name, n) }
		if err := head(repo.ID+"/"+f.Name, f.Size, read); err != nil {
			return s, false, err
		}
	}
	return s, false, nil
}

// maxHead bounds what [Client.Head] returns: the headers of weights.
const maxHead = 100 << 20

// Head returns the first n bytes of a file at a commit, all of them if it is shorter. Only
// they are asked for; nothing is kept, and without the rest no digest can be checked.
func (c *Client) Head(ctx context.Context, repo Repo, commit, name string, n int64) (head []byte, err error) {
	p := subject{repo, commit, name}
	if n < 1 || n > maxHead {
		return nil, p.errorf(nil, "%d bytes of its beginning: want 1 to %d", n, int64(maxHead))
	}
	if err := checkName(name); err != nil {
		return nil, p.wrap(ErrServer, err, "refused")
	}
	err = c.retry(ctx, func() (bool, error) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		resp, err := c.request(ctx, p, http.MethodGet, c.address(repo, commit, name), http.Header{"Range": {fmt.Sprintf("bytes=0-%d", n-1)}}, nil)
		if err != nil {
			return false, err
		}
		defer resp.Body.Close()
		switch resp.StatusCode {
		case http.StatusOK: // the whole file, of which only the beginning is read
		case http.StatusPartialContent:
			if got := resp.Header.Get("Content-Range"); !strings.HasPrefix(got, "bytes 0-") {
				return false, p.errorf(ErrServer, "the server sent %.64q, not the beginning that was asked for", got)
			}
		default:
			return false, (&download{store: c.store(repo), subject: p}).refused(resp)
		}
		body := c.watch(resp.Body, cancel)
		defer body.stop()
		if head, err = io.ReadAll(io.LimitReader(body, n)); err != nil {
			return false, transient{error: p.wrap(nil, body.cause(err), fmt.Sprintf("broke off after %d of %d bytes", len(head), n))}
		}
		return false, nil
	})
	return head, err
}

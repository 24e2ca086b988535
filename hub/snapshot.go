package hub

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"strings"

	"lamina/internal/files"
)

// Snapshot is a directory of the cache with files of one commit.
type Snapshot struct {
	Dir     string // holds Files
	Commit  string
	Files   []File // those asked for
	Others  int    // files of the repository that were not
	All     []File // of the repository, as far as they are known
	Fetched int64  // bytes that came over the network
}

// Select chooses, among all files of a repository, those that are wanted, or says
// why none of them will do.
type Select func(names []string) ([]string, error)

// Local returns a snapshot from the cache if all files that choose wants lie
// there, without opening a connection; otherwise it is [Client.Fetch].
func (c *Client) Local(ctx context.Context, repo Repo, revision string, choose Select) (Snapshot, error) {
	if s, missing := c.Cached(repo, revision, choose); missing == nil {
		return s, nil
	}
	return c.Fetch(ctx, repo, revision, choose)
}

// Cached looks for a snapshot in the cache. missing is nil if it is whole: if all
// files that choose wants lie there with the sizes they should have. Where the
// cache has no list of the commit's files, those that lie there are all, and the
// shards that weight indices name.
func (c *Client) Cached(repo Repo, revision string, choose Select) (s Snapshot, missing error) {
	p := subject{repo, revision, ""}
	if err := checkRevision(revision); err != nil {
		return s, err
	}
	st := c.store(repo)
	commit := st.commit(revision)
	if commit == "" {
		return s, p.errorf(ErrOffline, "is not in the cache %s", c.Cache)
	}
	s = Snapshot{Dir: st.snapshot(commit), Commit: commit}
	if info, err := os.Stat(s.Dir); err != nil || !info.IsDir() {
		return s, p.errorf(ErrOffline, "commit %s is not in the cache %s", commit, c.Cache)
	}
	files, known := st.tree(commit)
	if !known {
		files = st.present(commit)
	}
	if err := s.choose(files, choose); err != nil {
		return s, p.wrap(ErrOffline, err, "the cache has no whole copy")
	}
	var gaps []string
	wanted := s.Files
	if !known {
		wanted = append(wanted[:len(wanted):len(wanted)], st.shards(commit, wanted)...)
	}
	for _, f := range wanted {
		if !st.has(commit, f) {
			gaps = append(gaps, fmt.Sprintf("%.128q", f.Name))
		}
	}
	if len(gaps) > 0 {
		return s, p.errorf(ErrOffline, "the cache misses %s", some(gaps))
	}
	return s, nil
}

// Fetch asks the hub for a revision, downloads what choose wants and the cache
// does not hold, and remembers the revision's commit. Offline it is
// [Client.Cached], and its error says how to get what is missing.
func (c *Client) Fetch(ctx context.Context, repo Repo, revision string, choose Select) (Snapshot, error) {
	if c.Offline {
		s, missing := c.Cached(repo, revision, choose)
		if missing != nil {
			missing = fmt.Errorf("%w; HF_HUB_OFFLINE forbids to download it: unset it, or run lamina hub get %s elsewhere and copy the cache", missing, repo.ID)
		}
		return s, missing
	}
	if err := checkRevision(revision); err != nil {
		return Snapshot{}, err
	}
	l, err := c.list(ctx, repo, revision)
	if err != nil {
		return Snapshot{}, err
	}
	p, st := subject{repo, revision, ""}, c.store(repo)
	s := Snapshot{Dir: st.snapshot(l.Commit), Commit: l.Commit}
	if err := s.choose(l.Files, choose); err != nil {
		return s, p.wrap(nil, err, "commit "+l.Commit)
	}
	if err := checkNames(s.Files); err != nil {
		return s, p.wrap(ErrServer, err, "refused")
	}
	if err := st.setTree(l); err != nil {
		return s, fmt.Errorf("hub: %w", err)
	}
	if err := c.fetchAll(ctx, st, p, &s); err != nil {
		return s, err
	}
	if err := st.setCommit(revision, l.Commit); err != nil {
		return s, fmt.Errorf("hub: %w", err)
	}
	return s, nil
}

// choose fills Files and Others.
func (s *Snapshot) choose(files []File, choose Select) error {
	names, err := choose(listing{Files: files}.names())
	if err != nil {
		return err
	}
	wanted := make(map[string]bool, len(names))
	for _, name := range names {
		wanted[name] = true
	}
	for _, f := range files {
		if wanted[f.Name] {
			s.Files = append(s.Files, f)
		}
	}
	s.Others, s.All = len(files)-len(s.Files), files
	return nil
}

// checkNames refuses names that lead elsewhere, and pairs that are one file where
// capitals do not count.
func checkNames(files []File) error {
	seen := make(map[string]string, len(files))
	for _, f := range files {
		if err := checkName(f.Name); err != nil {
			return err
		}
		key := f.Name
		if foldsCase {
			key = strings.ToLower(key)
		}
		if other, ok := seen[key]; ok {
			return fmt.Errorf("file names %.128q and %.128q are one file on this system", other, f.Name)
		}
		seen[key] = f.Name
	}
	return nil
}

// fetchAll downloads the snapshot's files that are missing, one after the other.
func (c *Client) fetchAll(ctx context.Context, st store, p subject, s *Snapshot) error {
	if c.Check {
		if err := st.distrust(ctx, s.Commit, s.Files); err != nil {
			return err
		}
	}
	for i, f := range s.Files { // sizes first: progress and room need them all
		if st.has(s.Commit, f) && f.Size >= 0 {
			continue
		}
		p.file = f.Name
		h, err := c.head(ctx, p, c.address(st.repo, s.Commit, f.Name))
		if err != nil {
			return err
		}
		if s.Files[i], err = f.agree(s.Commit, h); err != nil {
			return p.wrap(ErrServer, err, "refused")
		}
	}
	if err := c.checkRoom(st, subject{p.repo, p.revision, ""}, *s); err != nil {
		return err
	}
	var total, done int64
	for _, f := range s.Files {
		total += f.Size
	}
	for _, f := range s.Files {
		if !st.has(s.Commit, f) {
			p.file = f.Name
			d := &download{store: st, subject: p, file: f, address: c.address(st.repo, s.Commit, f.Name),
				tell: func(have int64) { c.tell(done+have, total) }}
			err := d.fetch(ctx, s.Commit)
			s.Fetched += d.fetched
			if err != nil {
				return err
			}
		}
		done += f.Size
		c.tell(done, total)
	}
	return nil
}

func (c *Client) tell(done, total int64) {
	if c.Progress != nil {
		c.Progress(done, total)
	}
}

// address is where a file's content is asked for. It names the commit, so that
// every attempt means the same content.
func (c *Client) address(repo Repo, commit, name string) string {
	parts := strings.Split(name, "/")
	for i, part := range parts {
		parts[i] = url.PathEscape(part)
	}
	return c.Endpoint + "/" + repo.page() + "/resolve/" + commit + "/" + strings.Join(parts, "/")
}

// checkRoom refuses a download that does not fit the disk.
func (c *Client) checkRoom(st store, p subject, s Snapshot) error {
	if err := os.MkdirAll(st.dir, 0o777); err != nil {
		return fmt.Errorf("hub: %w", err)
	}
	free := c.free
	if free == nil {
		free = files.Free
	}
	room, known := free(st.dir)
	if !known {
		return nil
	}
	for _, f := range s.Files {
		if st.has(s.Commit, f) {
			continue
		}
		need := uint64(f.Size)
		if info, err := os.Stat(st.blob(f.Digest)); err == nil && info.Size() == f.Size {
			need = 0
		} else if info, err := os.Stat(st.blob(f.Digest) + ".incomplete"); err == nil && info.Size() <= f.Size {
			need -= uint64(info.Size())
		}
		if need > room {
			return p.errorf(nil, "does not fit: %.128q and the files before it need more than the %d bytes that are free in %s: make room, or set HF_HOME to another disk", f.Name, room, c.Cache)
		}
		room -= need
	}
	return nil
}

// some shows the first few of many names.
func some(names []string) string {
	const most = 3
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}

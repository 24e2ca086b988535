package hub

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"lamina/internal/files"
)

// Verified is what a repository's part of the cache came to when its content was held
// against its digests.
type Verified struct {
	Repo       string   `json:"repo"`
	Type       Type     `json:"type"`
	Right      int      `json:"right"` // blobs whose content has the digest that they are called by
	Bytes      int64    `json:"bytes"` // of them
	Incomplete []string `json:"incomplete,omitempty"`
	Unknown    []string `json:"unknown,omitempty"` // files of which no digest is known
	Faults     []Fault  `json:"faults,omitempty"`
}

// Fault is a file of the cache that is not what it should be.
type Fault struct {
	Path   string `json:"path"` // in the repository's folder
	What   string `json:"what"`
	Remedy string `json:"remedy"`
}

// String is the fault in a line.
func (f Fault) String() string { return f.Path + ": " + f.What + ": " + f.Remedy }

// digestName is what a blob is called: the SHA-256 of its content, or git's SHA-1.
var digestName = regexp.MustCompile(`^([0-9a-f]{40}|[0-9a-f]{64})$`)

// Repos lists the repositories that the cache has something of.
func (c *Client) Repos() ([]Repo, error) {
	entries, err := os.ReadDir(c.Cache)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, fmt.Errorf("hub: %w", err)
	}
	var repos []Repo
	for _, e := range entries {
		for _, kind := range []Type{Model, Dataset} {
			name, ok := strings.CutPrefix(e.Name(), string(kind)+"s--")
			if repo, err := ParseRepo(kind, strings.Replace(name, "--", "/", 1)); ok && err == nil && e.IsDir() {
				repos = append(repos, repo)
			}
		}
	}
	return repos, nil
}

// Verify holds what the cache has of repositories against its digests, and its snapshots
// against what they name. Nothing is changed and no connection is opened. An error is one
// of the call; what is wrong in the cache stands in the answer. Progress is told.
func (c *Client) Verify(ctx context.Context, repos []Repo) ([]Verified, error) {
	var total, done int64
	for _, r := range repos {
		_, size, err := files.Size(filepath.Join(c.store(r).dir, "blobs"))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("hub: %w", err)
		}
		total += size
	}
	var all []Verified
	for _, r := range repos {
		v := &verifier{store: c.store(r), found: Verified{Repo: r.ID, Type: r.Type}}
		if info, err := os.Stat(v.dir); err != nil || !info.IsDir() {
			return nil, fmt.Errorf("hub: %s is not in the cache %s", r, c.Cache)
		}
		v.tell = func(n int64) { done += n; c.tell(min(done, total), total) }
		if err := errors.Join(v.blobs(ctx), v.snapshots(ctx)); err != nil {
			return nil, err
		}
		all = append(all, v.found)
	}
	return all, nil
}

// verifier goes through one repository's folder.
type verifier struct {
	store
	found Verified
	wrong map[string]bool // blobs
	tell  func(n int64)
}

// fault notes what is wrong with a file, and how it gets right.
func (v *verifier) fault(path, what, commit string) {
	get := "lamina hub get " + v.repo.ID
	if v.repo.Type != Model {
		get += " --repo-type " + string(v.repo.Type)
	}
	if commit != "" {
		get += " --revision " + commit
	}
	if rel, err := filepath.Rel(v.dir, path); err == nil {
		path = filepath.ToSlash(rel)
	}
	v.found.Faults = append(v.found.Faults, Fault{fmt.Sprintf("%.300s", path), what, get + " fetches it again"})
}

// blobs hashes what is called by a digest.
func (v *verifier) blobs(ctx context.Context) error {
	v.wrong = map[string]bool{}
	sizes := v.sizes()
	entries, err := os.ReadDir(filepath.Join(v.dir, "blobs"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return fmt.Errorf("hub: %w", err)
	}
	for _, e := range entries {
		name, path := e.Name(), v.blob(e.Name())
		switch {
		case strings.HasSuffix(name, ".incomplete"):
			v.found.Incomplete = append(v.found.Incomplete, "blobs/"+name)
			continue
		case !digestName.MatchString(name):
			v.found.Unknown = append(v.found.Unknown, "blobs/"+name)
			continue
		}
		want, known := sizes[name]
		if !known {
			want = -1
		}
		size, what, err := sound(ctx, path, name, want)
		if err != nil {
			return err
		}
		v.tell(size)
		if what != "" {
			v.wrong[name] = true
			v.fault(path, what, v.commitOf(name))
			continue
		}
		v.found.Right++
		v.found.Bytes += size
	}
	return nil
}

// sizes returns the sizes of blobs by their digests, as far as lists of commits tell them.
func (v *verifier) sizes() map[string]int64 {
	sizes := map[string]int64{}
	entries, _ := os.ReadDir(filepath.Join(v.dir, "trees")) // none: of a cache without lists
	for _, e := range entries {
		list, _ := v.tree(strings.TrimSuffix(e.Name(), ".json"))
		for _, f := range list {
			sizes[f.Digest] = f.Size
		}
	}
	return sizes
}

// sound holds a file against its size, unless that is negative, hashes it, and says what is
// wrong with it, "" if nothing is. An error is the context's.
func sound(ctx context.Context, path, digest string, want int64) (size int64, what string, err error) {
	f, size, err := files.Open(path, files.Unlimited)
	if err != nil {
		return 0, strings.TrimPrefix(err.Error(), path+": "), nil
	}
	defer f.Close()
	if want >= 0 && size != want {
		return size, fmt.Sprintf("its %d bytes are not the %d that its commit lists", size, want), nil
	}
	got, n, err := files.Sum(digester(File{Digest: digest, Size: size}), interruptible{ctx, f})
	switch {
	case ctx.Err() != nil:
		return n, "", ctx.Err()
	case err != nil:
		return n, "cannot be read", nil
	case got != digest:
		return n, fmt.Sprintf("its %d bytes have the digest %.12s…, not the one that it is called by", n, got), nil
	}
	return n, "", nil
}

// commitOf returns a commit whose snapshot has a blob, "" if none has.
func (v *verifier) commitOf(blob string) (commit string) {
	v.walk(func(in, path string, e fs.DirEntry) error {
		if to, err := os.Readlink(path); err == nil && filepath.Base(to) == blob {
			commit = in
			return fs.SkipAll
		}
		return nil
	})
	return commit
}

// walk goes through the files of all snapshots.
func (v *verifier) walk(each func(commit, path string, e fs.DirEntry) error) error {
	root := filepath.Join(v.dir, "snapshots")
	return filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) && path == root {
			return nil
		} else if err != nil {
			return fmt.Errorf("hub: %w", err)
		}
		rel, err := filepath.Rel(root, path)
		commit, _, below := strings.Cut(filepath.ToSlash(rel), "/")
		if err != nil || !below || e.IsDir() {
			return err
		}
		return each(commit, path, e)
	})
}

// snapshots looks where the links of snapshots lead, and what a weight index names.
func (v *verifier) snapshots(ctx context.Context) error {
	there := map[string][]File{} // of each commit
	err := v.walk(func(commit, path string, e fs.DirEntry) error {
		name, err := filepath.Rel(v.snapshot(commit), path)
		if err != nil {
			return err
		}
		there[commit] = append(there[commit], File{Name: filepath.ToSlash(name)})
		if e.Type()&fs.ModeSymlink != 0 {
			v.link(commit, path)
			return nil
		}
		return v.copied(ctx, commit, filepath.ToSlash(name), path)
	})
	if err != nil {
		return err
	}
	for commit, files := range there {
		for _, f := range v.shards(commit, files) {
			if !slices.ContainsFunc(files, named(f.Name)) {
				v.fault(v.pointer(commit, f.Name), "missing, and the weight index names it", commit)
			}
		}
	}
	slices.SortStableFunc(v.found.Faults, func(a, b Fault) int { return cmp.Compare(a.Path, b.Path) })
	return nil
}

// link checks a file of a snapshot that is a link to a blob.
func (v *verifier) link(commit, path string) {
	real, err := filepath.EvalSymlinks(path)
	switch {
	case err != nil:
		v.fault(path, "a link to a blob that is not there", commit)
	case !files.Holds(filepath.Join(v.dir, "blobs"), real):
		v.fault(path, "a link that leads out of the repository's blobs", commit)
	}
}

// copied checks a file of a snapshot that is no link, as where nobody may make links.
func (v *verifier) copied(ctx context.Context, commit, name, path string) error {
	known, _ := v.tree(commit)
	at := slices.IndexFunc(known, named(name))
	if at < 0 || !digestName.MatchString(known[at].Digest) {
		v.found.Unknown = append(v.found.Unknown, "snapshots/"+commit+"/"+name)
		return nil
	}
	size, what, err := sound(ctx, path, known[at].Digest, known[at].Size)
	if err != nil {
		return err
	}
	if what != "" {
		v.fault(path, what, commit)
		return nil
	}
	v.found.Right++
	v.found.Bytes += size
	return nil
}

// distrust removes from a snapshot what does not have its digest, so that it is fetched
// again. Only the repository's own names go, the snapshot's and the blob's: never what a
// link of the cache leads to, which may be anybody's.
func (st store) distrust(ctx context.Context, commit string, list []File) error {
	for _, f := range list {
		if !st.has(commit, File{Name: f.Name, Size: -1}) {
			continue
		}
		at := st.pointer(commit, f.Name)
		real, err := filepath.EvalSymlinks(at)
		if err != nil {
			continue
		}
		digest, size := filepath.Base(real), int64(-1)
		if !digestName.MatchString(digest) {
			digest = f.Digest
		}
		if digest == f.Digest {
			size = f.Size
		}
		if !digestName.MatchString(digest) {
			continue
		}
		what := "a link that leads out of the repository's folder"
		if files.Holds(st.dir, real) {
			if _, what, err = sound(ctx, real, digest, size); err != nil {
				return err
			}
		}
		if what == "" {
			continue
		}
		if st.client.Note != nil {
			st.client.Note(fmt.Sprintf("%.300s: %s; fetched again", f.Name, what))
		}
		for _, path := range []string{at, st.blob(digest)} {
			if !files.Holds(st.dir, filepath.Dir(path)) { // a folder in between is a link
				return fmt.Errorf("hub: %.300s leads out of the cache: remove %s", path, st.dir)
			}
			if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("hub: %w", err)
			}
		}
	}
	return nil
}

package hub

import (
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"lamina/internal/files"
	"lamina/internal/strictjson"
)

// store is a repository's folder in the cache.
type store struct {
	client *Client
	repo   Repo
	dir    string
}

func (c *Client) store(repo Repo) store {
	return store{c, repo, filepath.Join(c.Cache, repo.folder())}
}

func (s store) blob(digest string) string { return filepath.Join(s.dir, "blobs", digest) }

func (s store) snapshot(commit string) string { return filepath.Join(s.dir, "snapshots", commit) }

func (s store) lockFile(digest string) string {
	return filepath.Join(s.client.Cache, ".locks", s.repo.folder(), digest+".lock")
}

func (s store) pointer(commit, name string) string {
	return filepath.Join(s.snapshot(commit), filepath.FromSlash(name))
}

// commit returns the commit that the cache has for a revision, or "".
func (s store) commit(revision string) string {
	if isCommit(revision) {
		return revision
	}
	text, err := files.Read(filepath.Join(s.dir, "refs", filepath.FromSlash(revision)), 256)
	if got := strings.TrimSpace(string(text)); err == nil && isCommit(got) {
		return got
	}
	return ""
}

// setCommit remembers the commit of a branch or tag.
func (s store) setCommit(revision, commit string) error {
	if isCommit(revision) || s.commit(revision) == commit {
		return nil
	}
	file := filepath.Join(s.dir, "refs", filepath.FromSlash(revision))
	if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
		return err
	}
	return files.WriteBytes(file, []byte(commit))
}

// has reports whether a snapshot holds a file of the size, which is not looked at
// if it is negative.
func (s store) has(commit string, f File) bool {
	info, err := os.Stat(s.pointer(commit, f.Name)) // follows the link
	return err == nil && info.Mode().IsRegular() && (f.Size < 0 || info.Size() == f.Size)
}

// link makes the snapshot's file: a relative link to the blob, or a copy where the
// system lets nobody make links.
func (s store) link(commit string, f File) error {
	at, blob := s.pointer(commit, f.Name), s.blob(f.Digest)
	if err := s.makeFolder(commit, f.Name); err != nil {
		return err
	}
	target, err := filepath.Rel(filepath.Dir(at), blob)
	if err != nil {
		return err
	}
	if have, err := os.Readlink(at); err == nil && have == target {
		return nil
	}
	if s.replaceLink(target, at) == nil {
		return nil
	}
	in, _, err := files.Open(blob, files.Unlimited)
	if err != nil {
		return err
	}
	defer in.Close()
	return files.Write(at, func(w io.Writer) error {
		_, err := io.Copy(w, in)
		return err
	})
}

// makeFolder makes the directory of a snapshot's file. Where a folder is a link that
// leads out of the snapshot it is an error: nothing is written there.
func (s store) makeFolder(commit, name string) error {
	root, err := os.OpenRoot(s.dir)
	if err != nil {
		return err
	}
	defer root.Close()
	dir := filepath.Join("snapshots", commit)
	if err := root.MkdirAll(dir, 0o777); err != nil {
		return fmt.Errorf("%s: %w", filepath.Join(s.dir, dir), err)
	}
	snapshot, err := root.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer snapshot.Close()
	if below := filepath.Dir(filepath.FromSlash(name)); below != "." {
		if err := snapshot.MkdirAll(below, 0o777); err != nil {
			return fmt.Errorf("%s: %w: remove it", filepath.Join(s.dir, dir, below), err)
		}
	}
	return nil
}

// replaceLink makes at a link to target. It is made beside and renamed: another process
// that reads the snapshot meanwhile finds the old link or the new one.
func (s store) replaceLink(target, at string) error {
	symlink := s.client.symlink
	if symlink == nil {
		symlink = os.Symlink
	}
	dir, err := os.MkdirTemp(s.dir, ".link-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	made := filepath.Join(dir, filepath.Base(at))
	if err := symlink(target, made); err != nil {
		return err
	}
	return os.Rename(made, at)
}

// tree is trees/COMMIT.json, which huggingface_hub reads since 2.0.
type tree struct {
	Version int                 `json:"format_version"`
	Files   map[string]treeFile `json:"files"`
}

type treeFile struct {
	Size    int64  `json:"size"`
	BlobID  string `json:"blob_id"`
	SHA256  string `json:"lfs_sha256,omitempty"`
	LFSSize *int64 `json:"lfs_size,omitempty"`
	XetHash string `json:"xet_hash,omitempty"`
}

const treeVersion = 1

func (s store) treeFile(commit string) string {
	return filepath.Join(s.dir, "trees", commit+".json")
}

// setTree remembers all files of a commit, if their sizes are known and Python has
// not done so, which knows more.
func (s store) setTree(l listing) error {
	if _, ok := s.tree(l.Commit); ok {
		return nil
	}
	t := tree{Version: treeVersion, Files: map[string]treeFile{}}
	for _, f := range l.Files {
		switch {
		case f.Size < 0 || f.Digest == "":
			return nil
		case checkName(f.Name) != nil:
			continue
		case len(f.Digest) == 64:
			t.Files[f.Name] = treeFile{Size: f.Size, SHA256: f.Digest, LFSSize: &f.Size}
		default:
			t.Files[f.Name] = treeFile{Size: f.Size, BlobID: f.Digest}
		}
	}
	text, err := json.MarshalIndent(t, "", " ")
	if err != nil {
		return err
	}
	file := s.treeFile(l.Commit)
	if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
		return err
	}
	return files.WriteBytes(file, text)
}

// tree returns the files of a commit as they were remembered. Names that no
// snapshot can hold are left out.
func (s store) tree(commit string) ([]File, bool) {
	var t tree
	data, err := files.Read(s.treeFile(commit), 2*maxListing)
	if err != nil || strictjson.Decode(data, strictjson.Rules{Depth: maxDepth}, &t) != nil || t.Version != treeVersion || t.Files == nil {
		return nil, false
	}
	var list []File
	for name, f := range t.Files {
		size, digest := f.Size, f.BlobID
		if f.LFSSize != nil {
			size, digest = *f.LFSSize, f.SHA256
		}
		if checkName(name) == nil {
			list = append(list, File{Name: name, Size: max(size, -1), Digest: digest})
		}
	}
	slices.SortFunc(list, func(a, b File) int { return strings.Compare(a.Name, b.Name) })
	return list, true
}

// present returns the files that lie in a snapshot, sorted and without sizes. It serves
// snapshots of which the cache has no list of files.
func (s store) present(commit string) []File {
	root := s.snapshot(commit)
	var files []File
	// An entry that cannot be read is one that is missing.
	_ = filepath.WalkDir(root, func(at string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return nil
		}
		name, err := filepath.Rel(root, at)
		if f := (File{Name: filepath.ToSlash(name), Size: -1}); err == nil && checkName(f.Name) == nil && s.has(commit, f) {
			files = append(files, f)
		}
		return nil
	})
	return files
}

// shards returns the files that the weight indices among some files name, beside the
// index, so that a snapshot without a remembered list is not taken for whole.
func (s store) shards(commit string, among []File) []File {
	var more []File
	for _, f := range among {
		if !strings.HasSuffix(f.Name, ".index.json") {
			continue
		}
		var index struct {
			Weights map[string]string `json:"weight_map"`
		}
		data, err := files.Read(s.pointer(commit, f.Name), maxListing)
		if err != nil || strictjson.Decode(data, strictjson.Rules{Depth: maxDepth}, &index) != nil {
			continue // whoever opens the model says what is wrong with it
		}
		for _, shard := range index.Weights {
			if name := path.Join(path.Dir(f.Name), shard); checkName(shard) == nil && !slices.ContainsFunc(more, named(name)) {
				more = append(more, File{Name: name, Size: -1})
			}
		}
	}
	return more
}

func named(name string) func(File) bool { return func(f File) bool { return f.Name == name } }

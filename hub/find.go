package hub

import (
	"context"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// fileEndings mark a name as that of a file here.
var fileEndings = []string{".gguf", ".safetensors", ".bin", ".json", ".jsonl", ".csv", ".tsv", ".txt", ".parquet", ".gz", ".zst"}

// Meant reads a name that somebody gave as that of a repository, if it can be
// nothing else: it has the form ORG/NAME, nothing here is called so, and it does
// not end like a file. A mistyped path should not tell anybody its name.
func Meant(kind Type, name string) (Repo, bool) {
	if _, err := os.Stat(name); err == nil || strings.Count(name, "/") != 1 || slices.Contains(fileEndings, path.Ext(name)) {
		return Repo{}, false
	}
	repo, err := ParseRepo(kind, name)
	return repo, err == nil
}

// Find is [Client.Local] of the main branch of a repository that was [Meant]. Where
// a directory here is called like its owner the hub is not asked: the name may be a
// mistyped path. asking, if not nil, is called before a connection is opened.
func (c *Client) Find(ctx context.Context, repo Repo, choose Select, asking func()) (Snapshot, error) {
	const revision = "main"
	if s, missing := c.Cached(repo, revision, choose); missing == nil {
		return s, nil
	}
	org, _, _ := strings.Cut(repo.ID, "/")
	if info, err := os.Stat(org); err == nil && info.IsDir() {
		return Snapshot{}, fmt.Errorf("%s: not in the directory %s; if the hub's is meant, fetch it first: lamina hub get %s --repo-type %s", repo.ID, org, repo.ID, repo.Type)
	}
	if !c.Offline && asking != nil {
		asking()
	}
	return c.Fetch(ctx, repo, revision, choose)
}

// Locator returns a function that turns what somebody named into a path: a name that
// is [Meant] as a repository's becomes the directory of its files, fetched if need be
// as [Client.Find] does, and any other stays as it is. It is made for
// [lamina/eval.Data].
func (c *Client) Locator(ctx context.Context, kind Type, choose Select) func(name string) (string, error) {
	return func(name string) (string, error) {
		repo, ok := Meant(kind, name)
		if !ok {
			return name, nil
		}
		s, err := c.Find(ctx, repo, choose, nil)
		return s.Dir, err
	}
}

// ModelPath returns the path of a model that somebody named: a name that is [Meant] as a
// repository's becomes the directory of its [ModelFiles], fetched if need be as
// [Client.Find] does, and any other stays as it is. [lamina/transformer.Open] opens it.
func (c *Client) ModelPath(ctx context.Context, name string) (string, error) {
	return c.Locator(ctx, Model, ModelFiles)(name)
}

// NameOf returns what a model at a path is called: ORG/NAME of one in a
// cache, else the name of its file (without .gguf) or directory.
func NameOf(path string) string {
	path = filepath.Clean(path)
	if full, err := filepath.Abs(path); err == nil {
		path = full // "." is no name, and ".." leads elsewhere
	}
	if snapshots := filepath.Dir(path); filepath.Base(snapshots) == "snapshots" {
		if name, ok := strings.CutPrefix(filepath.Base(filepath.Dir(snapshots)), string(Model)+"s--"); ok {
			return strings.Replace(name, "--", "/", 1)
		}
	}
	return strings.TrimSuffix(filepath.Base(path), ".gguf")
}

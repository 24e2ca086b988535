package main

import (
	"lamina/hub"
)

// hubCommand holds the subcommands about the Hugging Face hub.
type hubCommand struct {
	Verify hubVerifyCommand `cmd:"" help:"Hold what the cache has of repositories against its digests, and say what is wrong."`
	Get    hubGetCommand    `cmd:"" help:"Fetch a model or dataset into the cache, which Python shares, and print where it lies."`
}

// hubGetCommand downloads files of a repository.
type hubGetCommand struct {
	ID        string   `arg:"" name:"org/name" help:"Name on the hub, e.g. facebook/opt-125m."`
	Revision  string   `default:"main" placeholder:"R" help:"Branch, tag or commit (default main)."`
	Include   []string `sep:"none" placeholder:"PAT" help:"Files to fetch, e.g. '*.gguf'; * goes over slashes. May be repeated. Default: what Lamina reads of a model or dataset."`
	Exclude   []string `sep:"none" placeholder:"PAT" help:"Files to leave out. May be repeated."`
	RepoType  string   `default:"model" enum:"model,dataset" placeholder:"TYPE" help:"model (default) or dataset."`
	Out       string   `placeholder:"DIR" help:"Copy the files to this directory as well."`
	Overwrite bool     `help:"Replace what is in --out."`
}

// hubGetResult is its JSON.
type hubGetResult struct {
	Repo     string     `json:"repo"`
	Type     string     `json:"type"`
	Revision string     `json:"revision"`
	Commit   string     `json:"commit"`
	Path     string     `json:"path"`
	Files    []hub.File `json:"files"`
	Others   int        `json:"others"`
	Fetched  int64      `json:"fetched"`
}

// Run prints the directory alone on its line, so that a shell can take it.
func (c hubGetCommand) Run(s *session) error {
	repo, err := hub.ParseRepo(hub.Type(c.RepoType), c.ID)
	if err != nil {
		return usageError{err}
	}
	choose, err := hub.Choose(repo.Type, c.Include, c.Exclude)
	if err != nil {
		return usageError{err}
	}
	if c.Out != "" {
		if err := (outFlags{c.Out, c.Overwrite}).check(hub.Copied); err != nil {
			return err
		}
	}
	got, err := s.fetch(repo, func(client *hub.Client) (hub.Snapshot, error) {
		client.Check = true
		return client.Fetch(s.ctx, repo, c.Revision, choose)
	})
	if err != nil {
		return err
	}
	r := hubGetResult{Repo: repo.ID, Type: c.RepoType, Revision: c.Revision, Commit: got.Commit, Path: got.Dir,
		Files: got.Files, Others: got.Others, Fetched: got.Fetched}
	if c.Out != "" {
		r.Path = c.Out
		if err := got.Copy(s.ctx, c.Out, c.Overwrite); err != nil {
			return err
		}
	}
	s.describe(repo, got, len(c.Include) == 0)
	s.printf("%s\n", r.Path)
	return s.writeJSON(r)
}

package main

import (
	"errors"
	"fmt"

	"lamina/hub"
	"lamina/internal/units"
)

// hubVerifyCommand checks the cache.
type hubVerifyCommand struct {
	Repos    []string `arg:"" optional:"" name:"org/name" help:"Names of repositories. Default: all that the cache has."`
	RepoType string   `default:"model" enum:"model,dataset" placeholder:"TYPE" help:"Type of the repositories that are named: model (default) or dataset."`
}

// Run prints a line for each repository and each fault; a fault is an error.
func (c hubVerifyCommand) Run(s *session) error {
	client, done, err := s.hubClient("hub verify")
	if err != nil {
		return err
	}
	var repos []hub.Repo
	for _, name := range c.Repos {
		repo, err := hub.ParseRepo(hub.Type(c.RepoType), name)
		if err != nil {
			return usageError{err}
		}
		repos = append(repos, repo)
	}
	if len(repos) == 0 {
		if repos, err = client.Repos(); err != nil {
			return err
		}
		if len(repos) == 0 {
			s.printf("%s: holds no repository\n", client.Cache)
		}
	}
	all, err := client.Verify(s.ctx, repos)
	done()
	if err != nil {
		return err
	}
	wrong := 0
	for _, v := range all {
		wrong += len(v.Faults)
		s.printf("%s: %d files of %s are right, %d wrong, %d incomplete, %d of unknown digest\n",
			hub.Repo{Type: v.Type, ID: v.Repo}, v.Right, units.Bytes(int(v.Bytes)), len(v.Faults), len(v.Incomplete), len(v.Unknown))
		for _, f := range v.Faults {
			s.printf("  %s\n", oneLine(f.String()))
		}
		for _, name := range v.Incomplete {
			s.printf("  %s: incomplete: the next lamina hub get goes on with it\n", oneLine(name))
		}
	}
	if err := s.writeJSON(all); err != nil || wrong == 0 {
		return err
	}
	return errors.New(fmt.Sprint(client.Cache, ": ", wrong, " files are wrong: see above how each gets right"))
}

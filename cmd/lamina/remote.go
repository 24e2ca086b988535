package main

import (
	"context"
	"errors"
	"os"

	"lamina/hub"
	"lamina/internal/progress"
	"lamina/internal/units"
)

// describe says on standard error what was fetched.
func (s *session) describe(repo hub.Repo, got hub.Snapshot, byDefault bool) {
	s.notef("%s at %s: %d files, %s, of which %s came over the network", repo, got.Commit[:12], len(got.Files), units.Bytes(int(got.Size())), units.Bytes(int(got.Fetched)))
	if byDefault && got.Others > 0 {
		s.notef("; %d other files were left (--include '*' takes all)", got.Others)
	}
	s.notef("\n")
}

// dataPath is hubPath of documents.
func (s *session) dataPath(path string) (string, error) {
	return s.hubPath(path, hub.Dataset, hub.DatasetFiles)
}

// hubPath returns name if it is a path, else where the cache holds what the hub has
// under that name, which is fetched if it does not.
func (s *session) hubPath(name string, kind hub.Type, choose hub.Select) (string, error) {
	repo, ok := hub.Meant(kind, name)
	if !ok {
		return name, nil
	}
	asked := false
	got, err := s.fetch(repo, func(client *hub.Client) (hub.Snapshot, error) {
		return client.Find(s.ctx, repo, choose, func() {
			asked = true
			s.notef("%s: no such path, so it is looked for on the hub, %s, and kept in %s\n", name, client.Endpoint, client.Cache)
		})
	})
	if err == nil && asked {
		s.describe(repo, got, false)
	}
	return got.Dir, err
}

// fetch calls get with a client that shows a line of progress. An interrupt says how
// to go on.
func (s *session) fetch(repo hub.Repo, get func(*hub.Client) (hub.Snapshot, error)) (hub.Snapshot, error) {
	client, done, err := s.hubClient(repo.ID)
	if err != nil {
		return hub.Snapshot{}, err
	}
	got, err := get(client)
	done()
	if errors.Is(err, context.Canceled) && err != context.Canceled {
		return got, interrupted{err.Error()}
	}
	return got, err
}

// hubClient returns a client that shows a line of progress with a label until done.
func (s *session) hubClient(label string) (client *hub.Client, done func(), err error) {
	if client, err = hub.FromEnv(os.Getenv); err != nil {
		return nil, nil, err
	}
	var bar *progress.Bar
	client.Progress = func(have, total int64) {
		if bar == nil && have < total {
			bar = progress.NewBytes(s.stderr, label, int(total))
		}
		bar.Set(int(have))
	}
	client.Note = func(text string) {
		bar.Done()
		bar = nil
		s.notef("lamina: %s\n", oneLine(text))
	}
	return client, func() { bar.Done() }, nil
}

package main

import (
	"context"
	"os"
	"path/filepath"
	"slices"

	"lamina/crash/emulate"
	"lamina/formats"
	"lamina/formats/safetensors"
	"lamina/hub"
	"lamina/transformer"
)

// describedModel opens a model for what can be said without its weights: a config.json, a
// directory, or the name of one on the hub, of which only the headers of the weights are
// asked for. An emulator's weights say which of them train, so that it is fetched whole.
func (s *session) describedModel(name string) (*transformer.Checkpoint, error) {
	repo, ok := hub.Meant(hub.Model, name)
	if !ok {
		if info, err := os.Stat(name); err == nil && (info.IsDir() && !transformer.HasWeights(name) || filepath.Ext(name) == ".json") {
			return transformer.OpenDescription(name)
		}
		return s.openCheckpoint(name)
	}
	var heads []formats.Reader
	whole := false
	got, err := s.fetch(repo, func(client *hub.Client) (hub.Snapshot, error) {
		if got, missing := client.Cached(repo, "main", hub.ModelFiles); missing == nil {
			whole = true
			return got, nil
		}
		got, err := client.Find(s.ctx, repo, hub.DescriptionFiles, func() {
			s.notef("%s: no such path, so it is looked for on the hub, %s; of its weights only the headers are read\n", name, client.Endpoint)
		})
		if err != nil || emulate.IsEmulator(got.Dir) {
			whole = true
			return got, err
		}
		heads, err = weightHeads(s.ctx, client, repo, got)
		return got, err
	})
	if err != nil {
		return nil, err
	}
	if whole {
		return s.openCheckpoint(name)
	}
	return transformer.OpenDescription(got.Dir, heads...)
}

// weightHeads reads the headers of a model's weights on the hub; none where they are not
// safetensors, or the hub is not asked.
func weightHeads(ctx context.Context, client *hub.Client, repo hub.Repo, got hub.Snapshot) ([]formats.Reader, error) {
	if client.Offline {
		return nil, nil
	}
	names := make([]string, len(got.All))
	for i, f := range got.All {
		names[i] = f.Name
	}
	chosen, err := hub.ModelFiles(names)
	if err != nil {
		return nil, nil // a configuration without weights describes a model too
	}
	var heads []formats.Reader
	for _, f := range got.All {
		if filepath.Ext(f.Name) != ".safetensors" || !slices.Contains(chosen, f.Name) {
			continue
		}
		head, err := safetensors.ReadHeader(repo.ID+"/"+f.Name, f.Size, func(n int64) ([]byte, error) {
			return client.Head(ctx, repo, got.Commit, f.Name, n)
		})
		if err != nil {
			return nil, err
		}
		heads = append(heads, head)
	}
	return heads, nil
}

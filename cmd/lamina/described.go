package main

import (
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
		if transformer.IsDescription(name) {
			return transformer.OpenDescription(name)
		}
		return s.openCheckpoint(name)
	}
	var heads []formats.Reader
	whole := false
	got, err := s.fetch(repo, func(client *hub.Client) (got hub.Snapshot, err error) {
		got, whole, err = client.Describe(s.ctx, repo, func() {
			s.notef("%s: no such path, so it is looked for on the hub, %s; of its weights only the headers are read\n", name, client.Endpoint)
		}, emulate.IsEmulator, func(name string, size int64, read func(int64) ([]byte, error)) error {
			head, err := safetensors.ReadHeader(name, size, read)
			heads = append(heads, head)
			return err
		})
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

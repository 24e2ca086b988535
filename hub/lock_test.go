package hub

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"lamina/hub/hubtest"
	"lamina/internal/files"
)

// Who waits for a lock finds the blob there, once the other is done.
func TestWaiterFetchesNothing(t *testing.T) {
	content := modelFiles()
	h := hubtest.New(t, "tiny/model", content)
	first, repo := testClient(t, h), model(t, h)
	second := *first
	release, held, err := files.Lock(t.Context(), first.store(repo).lockFile(h.Digest(shard1)))
	if err != nil {
		t.Fatal(err)
	}
	if !held {
		release()
		t.Skip("this file system has no locks")
	}
	done := make(chan error)
	go func() {
		_, err := second.Fetch(context.Background(), repo, "main", ModelFiles)
		done <- err
	}()
	blob := first.store(repo).blob(h.Digest(shard1))
	if err := os.MkdirAll(filepath.Dir(blob), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(blob, []byte(content[shard1]), 0o644); err != nil {
		t.Fatal(err)
	}
	release()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	for _, line := range h.Log() {
		if line == "content "+shard1 {
			t.Errorf("fetched what was there: %q", h.Log())
		}
	}
}

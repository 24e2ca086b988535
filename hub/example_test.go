package hub_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"lamina/hub"
	"lamina/hub/hubtest"
)

// A client as the environment asks for it; here a server in this process stands
// for the hub.
func ExampleClient_Local() {
	dir, err := os.MkdirTemp("", "hub")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	server := hubtest.New(&testing.T{}, "tiny/model", map[string]string{
		"config.json": `{"model_type": "llama"}`, "model.safetensors": "weights", "flax_model.msgpack": "the same again",
	})
	env := map[string]string{"HF_HOME": dir, "HF_ENDPOINT": server.URL}
	client, err := hub.FromEnv(func(name string) string { return env[name] })
	if err != nil {
		panic(err)
	}
	repo, err := hub.ParseRepo(hub.Model, "tiny/model")
	if err != nil {
		panic(err)
	}
	for range 2 { // the second time nothing is asked of the server
		s, err := client.Local(context.Background(), repo, "main", hub.ModelFiles)
		if err != nil {
			panic(err)
		}
		config, err := os.ReadFile(filepath.Join(s.Dir, "config.json"))
		fmt.Println(s.Fetched, len(s.Files), s.Others, string(config), err)
	}
	// Output:
	// 30 2 1 {"model_type": "llama"} <nil>
	// 0 2 1 {"model_type": "llama"} <nil>
}

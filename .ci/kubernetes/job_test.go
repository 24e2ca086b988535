// Package kubernetes holds what lamina study --emit k8s prints against Kubernetes' own types,
// and runs the workers in the environment that an Indexed Job sets. It is a module of its own,
// so that those types are no dependency of Lamina.
package kubernetes

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	batch "k8s.io/api/batch/v1"
	core "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"sigs.k8s.io/yaml"
)

const workers = 3

// lamina builds the binary and returns a call of it in a directory.
func lamina(t *testing.T) func(dir string, env []string, args ...string) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "lamina")
	build := exec.Command("go", "build", "-o", program, "./cmd/lamina")
	build.Dir = filepath.Join("..", "..")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return func(dir string, env []string, args ...string) string {
		c := exec.Command(program, args...)
		c.Dir, c.Env = dir, append(os.Environ(), env...)
		var stderr strings.Builder
		c.Stderr = &stderr
		out, err := c.Output()
		if err != nil {
			t.Errorf("%q: %v: %s", args, err, stderr.String())
		}
		return string(out)
	}
}

// volume is a directory in the place of the shared volume, with a study of token ids.
func volume(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	model, err := filepath.Abs(filepath.Join("..", "..", "transformer", "testdata", "opt-prenorm"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(filepath.Join(dir, "model"), os.DirFS(model)); err != nil {
		t.Fatal(err)
	}
	var rows strings.Builder
	for i := range 24 {
		fmt.Fprintf(&rows, "{\"context_ids\":[%d,%d,%d],\"target_ids\":[%d,%d]}\n", i+5, i*7%50+3, i*3%50+3, i*5%50+3, i+2)
	}
	for name, text := range map[string]string{"rows.jsonl": rows.String(), "study.yaml": `study: On_Kubernetes
models:
  - {name: small, path: model}
tasks:
  - {name: ids, prompt: none, train: rows.jsonl, test: rows.jsonl}
rows: [zs, uniform, "mine=1*"]
keep: 2
trainable: 1
rates: [1e-3, 1e-2]
seeds: [1]
training: {steps: 20, batch: 4}
`} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestIndexedJob: the manifest is an Indexed Job to Kubernetes' types, decoded strictly; its
// container's command line, run once for each index as such a job runs it, makes the table of
// one process.
func TestIndexedJob(t *testing.T) {
	run, dir := lamina(t), volume(t)
	manifest := run(dir, nil, "study", "study.yaml", "--out", "many", "--emit", "k8s", "--workers", fmt.Sprint(workers), "--image", "registry.example/lamina:1", "--volume", "study", "--lease", "30s")
	var job batch.Job
	if err := yaml.UnmarshalStrict([]byte(manifest), &job); err != nil {
		t.Fatalf("%v\n%s", err, manifest)
	}
	checkJob(t, job)

	run(dir, nil, "study", "study.yaml", "--out", "one")
	container := job.Spec.Template.Spec.Containers[0]
	mount := container.VolumeMounts[0].MountPath
	var wait sync.WaitGroup
	for index := range workers {
		args := make([]string, len(container.Args))
		for i, a := range container.Args {
			args[i] = strings.Replace(a, mount, dir, 1) // where the volume would be mounted
		}
		wait.Go(func() {
			run(dir, []string{fmt.Sprintf("JOB_COMPLETION_INDEX=%d", index), fmt.Sprintf("HOSTNAME=%s-%d", job.Name, index)}, args...)
		})
	}
	wait.Wait()
	run(dir, nil, "study", "study.yaml", "--out", "many", "--merge")
	for _, name := range []string{"table.md", "table.csv", "table.txt"} {
		one, err := os.ReadFile(filepath.Join(dir, "one", name))
		if err != nil {
			t.Fatal(err)
		}
		if many, err := os.ReadFile(filepath.Join(dir, "many", name)); err != nil || string(many) != string(one) {
			t.Errorf("%s: %v:\n%s\nwant\n%s", name, err, many, one)
		}
	}
}

// checkJob holds a job against what Kubernetes asks of an Indexed one.
func checkJob(t *testing.T, job batch.Job) {
	t.Helper()
	spec, pod := job.Spec, job.Spec.Template.Spec
	if job.APIVersion != "batch/v1" || job.Kind != "Job" {
		t.Errorf("%s %s", job.APIVersion, job.Kind)
	}
	// Its pods are called after it and their index, and that is a DNS label.
	if faults := validation.IsDNS1123Label(fmt.Sprintf("%s-%d", job.Name, workers)); faults != nil {
		t.Errorf("name %q: %q", job.Name, faults)
	}
	if spec.CompletionMode == nil || *spec.CompletionMode != batch.IndexedCompletion {
		t.Errorf("completion mode %v", spec.CompletionMode)
	}
	if spec.Completions == nil || *spec.Completions != workers || spec.Parallelism == nil || *spec.Parallelism != workers {
		t.Errorf("completions %v, parallelism %v", spec.Completions, spec.Parallelism)
	}
	if spec.BackoffLimitPerIndex == nil || spec.MaxFailedIndexes == nil || *spec.MaxFailedIndexes > *spec.Completions || pod.RestartPolicy != core.RestartPolicyNever {
		t.Errorf("limits %v %v, restart policy %s: a limit an index wants Never", spec.BackoffLimitPerIndex, spec.MaxFailedIndexes, pod.RestartPolicy)
	}
	if len(pod.Containers) != 1 || len(pod.Volumes) != 1 || len(pod.Containers[0].VolumeMounts) != 1 {
		t.Fatalf("%d containers, %d volumes", len(pod.Containers), len(pod.Volumes))
	}
	if claim := pod.Volumes[0].PersistentVolumeClaim; claim == nil || claim.ClaimName != "study" || pod.Containers[0].VolumeMounts[0].Name != pod.Volumes[0].Name {
		t.Errorf("volume %+v", pod.Volumes[0])
	}
}

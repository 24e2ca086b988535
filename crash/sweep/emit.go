package sweep

import (
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Job is what an engine runs: workers of a study.
type Job struct {
	Program string // lamina on the nodes
	File    string // of the study
	Out     string
	Cells   string
	Workers int // 0: one a cell, mostWorkers at most
	Threads int // of a worker; 0: 1
	Lease   time.Duration

	Device    string // as --device has it; "": what a node has
	Precision string
	Image     string // of Kubernetes: holds lamina on its path
	Volume    string // of Kubernetes: the claim of a volume, mounted at VolumePath, that File, Out and Cells are in
}

// mostWorkers are asked for where nobody says how many.
const mostWorkers = 16

// VolumePath is where the shared volume stands in a container.
const VolumePath = "/study"

// Emit returns what is given to an engine, slurm or k8s, to run the study's workers.
func (s *Study) Emit(engine string, j Job) (string, error) {
	if j.Workers == 0 {
		j.Workers = min(len(s.List()), mostWorkers)
	}
	j.Threads = max(j.Threads, 1)
	switch engine {
	case "slurm":
		return s.slurm(j)
	case "k8s":
		return s.kubernetes(j)
	}
	return "", fmt.Errorf("engine %.32q: want slurm or k8s", engine)
}

// arguments are those of a worker.
func (j Job) arguments() []string {
	args := []string{"study", j.File, "--out", j.Out, "--cells", j.Cells, "--worker", "--lease", j.Lease.String(), "--threads", strconv.Itoa(j.Threads)}
	if j.Device != "" {
		args = append(args, "--device", j.Device)
	}
	if j.Precision != "" {
		args = append(args, "--precision", j.Precision)
	}
	return args
}

// onGPU says whether a worker asks for a GPU.
func (j Job) onGPU() bool { return strings.HasPrefix(j.Device, "cuda") }

// slurm is the script of a job array. A worker that is killed is put back into the queue;
// the others take its cell over when its claim expires, if they are there that long.
func (s *Study) slurm(j Job) (string, error) {
	var err error
	for _, path := range []*string{&j.Program, &j.File, &j.Out, &j.Cells} {
		if *path, err = filepath.Abs(*path); err != nil {
			return "", err
		}
		if strings.ContainsAny(*path, "\n\x00") {
			return "", fmt.Errorf("%q: no path for a script", *path)
		}
	}
	words := make([]string, 0, 16)
	for _, w := range append([]string{j.Program}, j.arguments()...) {
		words = append(words, shellWord(w))
	}
	gpu := ""
	if j.onGPU() {
		gpu = "\n#SBATCH --gres=gpu:1"
	}
	merge := []string{shellWord(j.Program), "study", shellWord(j.File), "--out", shellWord(j.Out), "--cells", shellWord(j.Cells), "--merge"}
	return fmt.Sprintf(`#!/bin/sh
# Workers of the study %[1]s, as a Slurm job array:
#     sbatch study.slurm
# and when they are done, where the directories are seen, the table of their cells:
#     %[2]s
#SBATCH --job-name=lamina-%[1]s
#SBATCH --array=0-%[3]d
#SBATCH --ntasks=1
#SBATCH --cpus-per-task=%[4]d%[6]s
#SBATCH --requeue
#SBATCH --open-mode=append
exec %[5]s
`, s.Name, strings.Join(merge, " "), j.Workers-1, j.Threads, strings.Join(words, " "), gpu), nil
}

// shellWord is a word as a shell reads it back.
func shellWord(w string) string {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./,:=+@%"
	if w != "" && strings.Trim(w, plain) == "" {
		return w
	}
	return "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
}

// kubernetes is the manifest of an Indexed Job. Its pods share a volume; one that fails is
// begun again, and goes on where it stopped, since its host name has its index.
func (s *Study) kubernetes(j Job) (string, error) {
	for _, path := range []*string{&j.File, &j.Out, &j.Cells} {
		if filepath.IsAbs(*path) && !strings.HasPrefix(*path, VolumePath+"/") {
			return "", fmt.Errorf("%s: not on the shared volume: want a path that is relative to it, or begins with %s", *path, VolumePath)
		}
		if !filepath.IsAbs(*path) {
			*path = filepath.ToSlash(filepath.Join(VolumePath, *path))
		}
	}
	var args strings.Builder
	for _, a := range j.arguments() {
		fmt.Fprintf(&args, "\n            - %s", strconv.Quote(a))
	}
	gpu := ""
	if j.onGPU() {
		gpu = "\n            limits:\n              nvidia.com/gpu: 1"
	}
	name := jobName(s.Name)
	return fmt.Sprintf(`# Workers of the study %[1]s, as an Indexed Job:
#     kubectl apply -f study.yaml
# and when they are done, in a pod that has the volume, the table of their cells:
#     lamina study %[2]s --out %[3]s --cells %[4]s --merge
apiVersion: batch/v1
kind: Job
metadata:
  name: %[5]s
  labels:
    app.kubernetes.io/name: lamina
spec:
  completionMode: Indexed
  completions: %[6]d
  parallelism: %[6]d
  backoffLimitPerIndex: 4
  maxFailedIndexes: %[6]d
  template:
    metadata:
      labels:
        app.kubernetes.io/name: lamina
    spec:
      restartPolicy: Never
      containers:
        - name: worker
          image: %[7]s
          command: ["lamina"]
          args:%[8]s
          resources:
            requests:
              cpu: "%[9]d"%[12]s
          volumeMounts:
            - name: study
              mountPath: %[10]s
      volumes:
        - name: study
          persistentVolumeClaim:
            claimName: %[11]s
`, s.Name, j.File, j.Out, j.Cells, name, j.Workers, strconv.Quote(j.Image), args.String(), j.Threads, VolumePath, strconv.Quote(j.Volume), gpu), nil
}

// jobName makes of a study's name one that Kubernetes takes: small letters, digits and
// dashes, 63 at most with what it adds for pods.
func jobName(name string) string {
	const most = 40
	name = "lamina-" + strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= '0' && c <= '9' {
			return c
		}
		return '-'
	}, strings.ToLower(name))
	return strings.TrimRight(name[:min(len(name), most)], "-")
}

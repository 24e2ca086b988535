package sweep

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestSlurmScript is a script that a shell reads back to the words of the worker, whatever
// the paths hold; a task for each worker.
func TestSlurmScript(t *testing.T) {
	s := worker(t, studyFile(t, "slurm", "zs, uniform", "seeds: [1, 2]"), t.TempDir(), t.TempDir(), "a").Study
	dir := t.TempDir()
	job := Job{Program: filepath.Join(dir, "my lamina"), File: filepath.Join(dir, "it's $HOME.yaml"), Out: filepath.Join(dir, "out"), Cells: filepath.Join(dir, "*"), Lease: time.Minute, Precision: "f32"}
	text, err := s.Emit("slurm", job)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"#SBATCH --array=0-4\n", "#SBATCH --cpus-per-task=1\n", "#SBATCH --requeue\n", "--merge"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	shell, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("no shell to read the script")
	}
	put(t, filepath.Join(dir, "my lamina"), "")
	said, err := exec.Command(shell, "-c", strings.Replace(text, "\nexec ", "\nprintf '%s\\n' ", 1)).Output()
	if err != nil {
		t.Fatal(err)
	}
	want := append([]string{job.Program}, job.arguments()...)
	for i, w := range want {
		if w == "0" { // threads, which are one at least
			want[i] = "1"
		}
	}
	if got := strings.TrimSuffix(string(said), "\n"); got != strings.Join(want, "\n") {
		t.Errorf("the shell reads\n%s\nwant\n%s", got, strings.Join(want, "\n"))
	}
}

func TestEmitRefuses(t *testing.T) {
	s := worker(t, studyFile(t, "emit", "zs", "seeds: [1]"), t.TempDir(), t.TempDir(), "a").Study
	for _, c := range []struct {
		engine string
		job    Job
		want   string
	}{
		{"pbs", Job{}, `engine "pbs": want slurm or k8s`},
		{"slurm", Job{Out: "a\nb"}, "no path for a script"},
		{"k8s", Job{File: "/home/me/study.yaml"}, "not on the shared volume"},
	} {
		if _, err := s.Emit(c.engine, c.job); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.engine, err, c.want)
		}
	}
}

func TestNames(t *testing.T) {
	for name, want := range map[string]string{"node-1.cluster": "node-1.cluster", "a/b c": "a-b-c", "..": "host", "": "host", strings.Repeat("x", 99): strings.Repeat("x", 64)} {
		if got := HostName(name); got != want {
			t.Errorf("host %q: %q", name, got)
		}
	}
	for name, want := range map[string]string{"OPT_1.3b": "lamina-opt-1-3b", strings.Repeat("x", 60): "lamina-" + strings.Repeat("x", 33), "a--": "lamina-a"} {
		if got := jobName(name); got != want {
			t.Errorf("job %q: %q", name, got)
		}
	}
	env := map[string]string{}
	of := func(name string) string { return env[name] }
	if FirstCell(of) != 0 {
		t.Error("a worker without a number")
	}
	env["JOB_COMPLETION_INDEX"] = "3"
	if FirstCell(of) != 3 {
		t.Error("of an Indexed Job")
	}
	env["SLURM_ARRAY_TASK_ID"] = "5"
	if FirstCell(of) != 5 {
		t.Error("of a job array")
	}
	env["SLURM_ARRAY_TASK_ID"], env["JOB_COMPLETION_INDEX"] = "-1", "x"
	if FirstCell(of) != 0 {
		t.Error("of no number")
	}
}

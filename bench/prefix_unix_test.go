//go:build unix

package bench

import (
	"fmt"
	"slices"
	"syscall"
	"testing"
	"time"

	"lamina/bench/workload"
	"lamina/crash/plan"
	"lamina/crash/train"
	"lamina/kernels/cpu"
	"lamina/tensor"
)

// BenchmarkPrefix: shapes of OPT-125M and SmolLM2-135M at full depth, one block trained at
// place 1, at a third and at two thirds of the depth, and the last one: how many tokens a
// second a step takes by the time that the processor gives this process, on one thread,
// without a prefix, with one in memory and with one on disk (in the system's cache of files);
// what loss alone takes likewise, and how much faster the wall's clock says that it is. The
// three take turns, and the medians are compared.
func BenchmarkPrefix(b *testing.B) {
	be := cpu.New(cpu.Options{Threads: 1})
	defer be.Close()
	const batch, length = 8, 64 // tokens of a question of ARC-Easy, of which 8 are its answer
	for _, shape := range workload.Shapes()[1:] {
		full := workload.NewModel(be, shape, tensor.F32).Decoder
		for _, place := range []int{1, len(full.Blocks) / 3, 2 * len(full.Blocks) / 3, len(full.Blocks) - 1} {
			for _, targets := range []int{8, length} {
				b.Run(fmt.Sprintf("%s/place=%d-of-%d/%d-of-%d-learned", shape.Name, place, len(full.Blocks), targets, length), func(b *testing.B) {
					var runs [3]*workload.Emulated
					for i := range runs {
						e, err := workload.NewEmulated(be, full, plan.Identity(len(full.Blocks), []int{place}), batch, length, targets)
						if err != nil {
							b.Fatal(err)
						}
						defer e.Close()
						if runs[i] = e; i == 0 {
							continue
						}
						c := &train.Prefix{Memory: 1 << 30}
						if i == 2 {
							c.Memory, c.Disk, c.Dir = 0, 1<<30, b.TempDir()
						}
						defer c.Close()
						if _, err := e.Examples.Keep(c, e.Params()); err != nil {
							b.Fatal(err)
						}
						if err := e.Step(); err != nil { // the first epoch
							b.Fatal(err)
						}
					}
					var cpu, wall, scores [3][]time.Duration
					for b.Loop() {
						for i, e := range runs {
							before := processor(b)
							wall[i] = append(wall[i], took(b, e.Step))
							cpu[i] = append(cpu[i], processor(b)-before)
							before = processor(b)
							took(b, e.Score)
							scores[i] = append(scores[i], processor(b)-before)
						}
					}
					for i, name := range []string{"computed", "memory", "disk"} {
						b.ReportMetric(batch*length/median(cpu[i]).Seconds(), name+"-tok/s")
					}
					b.ReportMetric(median(cpu[0]).Seconds()/median(cpu[1]).Seconds(), "times-training")
					b.ReportMetric(median(scores[0]).Seconds()/median(scores[1]).Seconds(), "times-scoring")
					b.ReportMetric(median(wall[0]).Seconds()/median(wall[1]).Seconds(), "times-by-the-wall")
				})
			}
		}
	}
}

func median(of []time.Duration) time.Duration {
	slices.Sort(of)
	return of[len(of)/2]
}

// processor returns how long the processor has worked for this process.
func processor(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

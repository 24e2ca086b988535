package results

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"lamina/record"
)

// Group is several tasks of an evaluation whose scores become one, as a group file of
// the harness says.
type Group struct {
	Name, Alias, Version string
	Members              []string // tasks and groups that it lists
	Tasks                []string // all tasks of it and of its groups
	Metrics              []GroupMetric
}

// GroupMetric is the mean of a metric over the tasks that have it.
type GroupMetric struct {
	Name, Filter string
	Weighted     bool // each document counts; else each task
}

// score is what a group's metric comes to (aggregate_subtask_metrics and
// pooled_sample_stderr of the harness).
type score struct {
	GroupMetric
	value, stderr float64 // stderr NaN: none
	higher        bool
}

// task returns the task of a name, nil for none.
func (e *Evaluation) task(name string) *Task {
	at := slices.IndexFunc(e.Tasks, func(t Task) bool { return t.Name() == name })
	if at < 0 {
		return nil
	}
	return &e.Tasks[at]
}

// scores are a group's metrics, without those that none of its tasks has.
func (e *Evaluation) scores(g Group) []score {
	var all []score
	for _, m := range g.Metrics {
		s := score{GroupMetric: m}
		var value, weight, pooled, size float64
		tasks := 0
		for _, name := range g.Tasks {
			t := e.task(name)
			if t == nil {
				continue
			}
			for _, r := range t.reported() {
				if r.Name != m.Name || r.Filter != m.Filter {
					continue
				}
				got, _ := t.Result.Metric(r.Metric)
				n := float64(len(t.Items))
				w := 1.0
				if m.Weighted {
					w = n
				}
				value, weight = value+got.Value*w, weight+w
				pooled += (n - 1) * got.Stderr * got.Stderr * n
				size += n
				tasks++
				s.higher = r.HigherIsBetter
			}
		}
		if tasks == 0 {
			continue
		}
		s.value = value / weight
		s.stderr = math.Sqrt(pooled / (size - float64(tasks)) / size)
		all = append(all, s)
	}
	return all
}

// groupRows is the harness's second table, of groups alone; "" without any.
func (e *Evaluation) groupRows() string {
	rows := [][]string{{"Groups", "Version", "Filter", "n-shot", "Metric", "", "Value", "", "Stderr"}}
	for _, g := range e.Groups {
		name, version := g.Name, strings.TrimSuffix(g.Version, ".0")
		if g.Alias != "" {
			name = g.Alias
		}
		for _, s := range e.scores(g) {
			stderr, arrow := "   N/A", "↓"
			if !math.IsNaN(s.stderr) {
				stderr = fmt.Sprintf("%.4f", s.stderr)
			}
			if s.higher {
				arrow = "↑"
			}
			rows = append(rows, []string{name, version, s.Filter, "", s.Name, arrow, fmt.Sprintf("%.4f", s.value), "±", stderr})
			name, version = "", ""
		}
	}
	if len(rows) == 1 {
		return ""
	}
	return "\n" + markdown(rows, []bool{false, true, false, true, false, false, true, false, false})
}

// groupObjects are the groups' entries of results, group_subtasks and versions.
func (e *Evaluation) groupObjects() (results, subtasks, versions record.Object) {
	for _, g := range e.Groups {
		entry := record.Object{}
		for _, s := range e.scores(g) {
			stderr := record.Value("N/A")
			if !math.IsNaN(s.stderr) {
				stderr = s.stderr
			}
			entry = append(entry, field(s.Name+","+s.Filter, s.value), field(s.Name+"_stderr,"+s.Filter, stderr))
		}
		alias := g.Name
		if g.Alias != "" {
			alias = g.Alias
		}
		members := record.List{}
		for _, name := range g.Members {
			members = append(members, name)
		}
		if len(entry) == 0 {
			entry = record.Object{field(" ", " ")}
		}
		results = append(results, field(g.Name, append(entry, field("alias", alias))))
		subtasks = append(subtasks, field(g.Name, members))
		versions = append(versions, field(g.Name, version(g.Version)))
	}
	return results, subtasks, versions
}

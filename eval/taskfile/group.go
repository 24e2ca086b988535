package taskfile

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"lamina/eval/task"
)

// Group is a file that lists tasks and other groups instead of being a task, and says
// how their scores become one.
type Group struct {
	Name, Alias, Version string
	Members              []Member
	Aggregates           []Aggregate
}

// Member is a task or a group.
type Member struct {
	Name  string
	Task  task.Task
	Group *Group // nil: Task
}

// Aggregate is a metric of a group: the mean of its tasks', which counts documents or
// tasks.
type Aggregate struct {
	Metric   string
	Filters  []string
	Weighted bool // by documents
}

// Tasks returns all tasks of a group and its groups, in order.
func (g *Group) Tasks() []task.Task {
	var tasks []task.Task
	for _, m := range g.Members {
		if m.Group == nil {
			tasks = append(tasks, m.Task)
			continue
		}
		tasks = append(tasks, m.Group.Tasks()...)
	}
	return tasks
}

// Limits of a group.
const (
	maxIndexed = 20_000 // files below its directory
	maxGroups  = 8      // in each other
	maxMembers = 10_000 // tasks, groups and tags that are looked up, all together
)

// ReadGroup reads a task file or the file of a group, as its key "task" has it, a name or
// a list. What a group lists is looked for in the files of its directory and below, by
// the names and tags that they have, and then among the tasks of package task.
func ReadGroup(path string) (*File, *Group, error) {
	load := new(loader)
	entries, err := load.file(path)
	if err != nil {
		return nil, nil, err
	}
	list, isGroup := find(entries, "task")
	if isGroup {
		_, isGroup = list.value.([]node)
	}
	if !isGroup {
		f, err := build(path, entries)
		return f, nil, err
	}
	r := &reader{dir: filepath.Dir(path), load: load}
	g, err := r.group(path, entries, nil, 0)
	return nil, g, err
}

// find returns the entry of a key.
func find(entries []entry, key string) (entry, bool) {
	at := slices.IndexFunc(entries, func(e entry) bool { return e.key == key })
	if at < 0 {
		return entry{}, false
	}
	return entries[at], true
}

// reader finds the files of a group's tasks.
type reader struct {
	dir    string
	load   *loader
	looked int // up
	byName map[string]listed
	byTag  map[string][]string // names, in the order of their files
	broken []error             // files that say nothing
}

// listed is a file below the directory.
type listed struct {
	path    string
	entries []entry
}

// index reads the files below the directory, once.
func (r *reader) index() error {
	if r.byName != nil {
		return nil
	}
	r.byName, r.byTag = map[string]listed{}, map[string][]string{}
	seen := 0
	return filepath.WalkDir(r.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !d.Type().IsRegular() {
			return err
		}
		if ext := filepath.Ext(path); ext != ".yaml" && ext != ".yml" {
			return nil
		}
		if seen++; seen > maxIndexed {
			return fmt.Errorf("%s: more than %d files to look for tasks in", r.dir, maxIndexed)
		}
		entries, err := r.load.file(path)
		if errors.Is(err, errTotal) {
			return err
		}
		if err != nil {
			r.broken = append(r.broken, err)
			return nil
		}
		r.add(path, entries)
		return nil
	})
}

func (r *reader) add(path string, entries []entry) {
	name := ""
	if e, ok := find(entries, "task"); ok {
		if _, isGroup := e.value.([]node); isGroup {
			e, _ = find(entries, "group")
		}
		name, _ = e.value.(string)
	}
	if _, twice := r.byName[name]; name == "" || twice {
		return
	}
	r.byName[name] = listed{path, entries}
	if e, ok := find(entries, "tag"); ok {
		tags, _ := e.texts()
		for _, tag := range tags {
			r.byTag[tag] = append(r.byTag[tag], name)
		}
	}
}

// groupKeys are those that are the group's own; all others are said of its tasks.
var groupKeys = []string{"group", "group_alias", "task", "aggregate_metric_list", "metadata"}

// group makes a group of entries; over is what is said of all its tasks from above.
func (r *reader) group(path string, entries, over []entry, depth int) (*Group, error) {
	if depth > maxGroups {
		return nil, fmt.Errorf("%s: groups that hold each other, or %d of them", path, maxGroups)
	}
	g := &Group{}
	k := keys{}
	for _, e := range entries {
		switch {
		case !slices.Contains(groupKeys, e.key):
			over = append(slices.Clone(over), e)
		case e.value != nil:
			k[e.key] = e
		}
	}
	for key, to := range map[string]*string{"group": &g.Name, "group_alias": &g.Alias} {
		if err := k.text(key, to); err != nil {
			return nil, err
		}
	}
	if g.Name == "" {
		g.Name = strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
	}
	f := &File{Output: "multiple_choice"}
	if err := f.plain(keys{"metadata": k["metadata"]}.present()); err != nil {
		return nil, err
	}
	g.Version = f.Version
	if e, ok := k["aggregate_metric_list"]; ok {
		if err := g.aggregates(e); err != nil {
			return nil, err
		}
	}
	list, is := k["task"].value.([]node)
	if !is || len(list) == 0 {
		return nil, fmt.Errorf("%s: group %.64q lists no tasks", path, g.Name)
	}
	for _, n := range list {
		members, err := r.members(path, n, over, depth)
		if err != nil {
			return nil, err
		}
		g.Members = append(g.Members, members...)
	}
	return g, nil
}

// present leaves out keys without an entry.
func (k keys) present() keys {
	for key, e := range k {
		if e.value == nil {
			delete(k, key)
		}
	}
	return k
}

// members makes members of an item of a list: a name, a task with keys of its own, or a
// group that stands in the list.
func (r *reader) members(path string, n node, over []entry, depth int) ([]Member, error) {
	if err := r.index(); err != nil {
		return nil, err
	}
	switch v := n.value.(type) {
	case string:
		return r.named(n.at, v, over, depth)
	case []entry:
		e, ok := find(v, "task")
		if name, is := e.value.(string); ok && is {
			own := slices.DeleteFunc(slices.Clone(v), func(e entry) bool { return e.key == "task" })
			return r.named(n.at, name, append(slices.Clone(over), own...), depth)
		}
		if ok {
			g, err := r.group(path, v, over, depth+1)
			return []Member{{Group: g, Name: nameOf(g)}}, err
		}
	}
	return nil, n.at.errorf("task: want names of tasks and groups, or keys and values with \"task\"")
}

func nameOf(g *Group) string {
	if g == nil {
		return ""
	}
	return g.Name
}

// named finds a name: a task, a group, a tag, or a task that is known without a file.
func (r *reader) named(at place, name string, over []entry, depth int) ([]Member, error) {
	if r.looked++; r.looked > maxMembers {
		return nil, at.errorf("task: the group comes to more than %d tasks", maxMembers)
	}
	if names := r.byTag[name]; len(names) > 0 {
		var all []Member
		for _, one := range names {
			some, err := r.named(at, one, over, depth)
			if err != nil {
				return nil, err
			}
			all = append(all, some...)
		}
		return all, nil
	}
	if found, ok := r.byName[name]; ok {
		if e, _ := find(found.entries, "task"); e.kind() == "a list" {
			g, err := r.group(found.path, found.entries, over, depth+1)
			return []Member{{Name: name, Group: g}}, err
		}
		f, err := build(found.path, merged(over, found.entries))
		if err != nil {
			return nil, err
		}
		return []Member{{Name: f.Name, Task: f.Task}}, nil
	}
	if t, err := task.Named(name); err == nil && name != "" && len(over) == 0 {
		return []Member{{Name: name, Task: t}}, nil
	}
	if len(r.broken) > 0 {
		return nil, at.errorf("task: %.128q is in no file below %s (%d are not read, the first: %w)", name, r.dir, len(r.broken), r.broken[0])
	}
	return nil, at.errorf("task: %.128q is in no file below %s", name, cmp.Or(r.dir, "."))
}

// merged is what a file says, with what a group says of it in front; a later one of over
// wins.
func merged(over, entries []entry) []entry {
	out := slices.Clone(entries)
	for _, e := range over {
		out = append(slices.DeleteFunc(out, func(old entry) bool { return old.key == e.key }), e)
	}
	return out
}

// aggregates reads aggregate_metric_list.
func (g *Group) aggregates(e entry) error {
	list, is := e.value.([]node)
	if !is {
		list = []node{e.node}
	}
	for _, n := range list {
		fields, err := entry{"aggregate_metric_list", n.at, n}.entries()
		if err != nil {
			return err
		}
		a := Aggregate{Filters: []string{"none"}}
		for _, e := range fields {
			switch e.key {
			case "metric":
				a.Metric, err = e.text()
			case "aggregation":
				if e.value != "mean" {
					err = e.at.errorf("aggregation: a group is summed up by mean")
				}
			case "weight_by_size":
				a.Weighted, err = e.flag()
			case "filter_list":
				a.Filters, err = e.texts()
			case "higher_is_better", "hf_evaluate":
			default:
				err = e.at.errorf("aggregate_metric_list: the key %.64q is not known", e.key)
			}
			if err != nil {
				return err
			}
		}
		if a.Metric == "" {
			return n.at.errorf("aggregate_metric_list: an item without the key \"metric\"")
		}
		g.Aggregates = append(g.Aggregates, a)
	}
	return nil
}

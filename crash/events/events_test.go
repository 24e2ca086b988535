package events_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"lamina/crash/crashtest"
	"lamina/crash/emulate"
	"lamina/crash/events"
	"lamina/crash/train"
	"lamina/internal/files"
	"lamina/internal/files/filestest"
	"lamina/internal/tfevents"
	"lamina/kernels/ref"
)

// trainer returns one of five steps, with a validation after each second and the last.
func trainer(t *testing.T) *train.Trainer {
	t.Helper()
	e, err := emulate.New(crashtest.Small(ref.New(), "llama"), crashtest.Plan(t, "0 1 2*"))
	if err != nil {
		t.Fatal(err)
	}
	all := crashtest.Pairs(13)
	tr := &train.Trainer{
		Backend: ref.New(), Params: e.Params(), Held: e.Decoder.Params(), Settings: crashtest.Settings(),
		Train: crashtest.NextToken(t, e.Decoder, all[:10]), Valid: crashtest.NextToken(t, e.Decoder, all[10:]),
	}
	tr.Settings.Epochs, tr.Settings.Steps, tr.Settings.EvalEvery, tr.Settings.Batch = 0, 5, 2, 4
	return tr
}

// run trains in dir, gone on with if it was interrupted, and tells its events.
func run(t *testing.T, ctx context.Context, dir string, s *events.Stream) (bits []uint32, stopped bool) {
	t.Helper()
	tr := trainer(t)
	store, err := train.OpenRunDir(dir, tr.Settings, false)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	tr.Store = store
	if s != nil {
		s.Attach(tr, "", dir)
		defer s.Close()
	}
	out, err := tr.Run(ctx)
	if s != nil {
		s.End(out, err)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	return crashtest.Bits(tr.Params), out.Stopped
}

// watch returns a stream into a directory, and what it warns of.
func watch(dir string) (*events.Stream, *[]string) {
	var warnings []string
	return &events.Stream{
		Run: "abc", Sinks: []events.Sink{events.NewLines(filepath.Join(dir, "e.jsonl"), false), events.NewTensorBoard(filepath.Join(dir, "tb"), false)},
		Warn: func(text string) { warnings = append(warnings, text) },
		Now:  func() time.Time { return time.Unix(1, 0) },
	}, &warnings
}

func lines(t *testing.T, dir string) (all []events.Event) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, "e.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(data)) {
		var e events.Event
		if err := json.Unmarshal([]byte(line), &e); err != nil || !strings.HasSuffix(line, "\n") {
			t.Fatalf("line %q: %v", line, err)
		}
		all = append(all, e)
	}
	return all
}

// numbers lists what of the lines are steps and validations, as what they measured.
func numbers(all []events.Event) (text []string) {
	for _, e := range all {
		if e.Metrics != nil {
			text = append(text, fmt.Sprint(e.Event, e.Step, e.Loss, e.LR, e.GradNorm, e.ValidLoss, e.Epoch))
		}
	}
	return text
}

// scalars lists what TensorBoard's file has.
func scalars(t *testing.T, dir string) (text []string) {
	t.Helper()
	err := tfevents.Read(filepath.Join(dir, "tb", "events.out.tfevents.abc.lamina"), func(e tfevents.Event) error {
		for _, s := range e.Scalars {
			if s.Tag != "train/tokens_per_second" {
				text = append(text, fmt.Sprint(e.Step, s.Tag, s.Value))
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestEvents: begin, each step and validation with the numbers of metrics.jsonl, each
// checkpoint and the end are told in order; no bit of the weights depends on it.
func TestEvents(t *testing.T) {
	dir := t.TempDir()
	want, _ := run(t, context.Background(), filepath.Join(dir, "plain"), nil)
	s, warnings := watch(dir)
	got, _ := run(t, context.Background(), filepath.Join(dir, "run"), s)
	crashtest.Same(t, "watched", got, want)
	if len(*warnings) > 0 {
		t.Errorf("%q", *warnings)
	}
	var order []string
	all := lines(t, dir)
	for _, e := range all {
		order = append(order, fmt.Sprint(e.Event, e.Step))
		if e.Run != "abc" || !e.Time.Equal(time.Unix(1, 0)) {
			t.Errorf("%+v", e)
		}
	}
	if text := strings.Join(order, " "); text != "begin0 validation0 step1 step2 validation2 checkpoint2 step3 step4 validation4 checkpoint4 step5 validation5 checkpoint5 end5" {
		t.Errorf("%s", text)
	}
	if b := all[0]; b.Steps != 5 || b.Examples != 10 {
		t.Errorf("%+v", b)
	}
	if e := all[len(all)-1]; e.Outcome == nil || e.Outcome.Steps != 5 || e.Error != "" {
		t.Errorf("%+v", e)
	}
	metrics, err := train.ReadMetrics(filepath.Join(dir, "run"))
	if err != nil {
		t.Fatal(err)
	}
	told := slices.DeleteFunc(all, func(e events.Event) bool { return e.Metrics == nil })
	if len(told) != len(metrics) {
		t.Fatalf("%d of %d lines", len(told), len(metrics))
	}
	for i, m := range metrics {
		if e := told[i]; e.Step != m.Step || e.Loss != m.Loss || e.GradNorm != m.GradNorm || e.LR != m.LR || e.ValidLoss != m.ValidLoss {
			t.Errorf("%+v, want %+v", *e.Metrics, m)
		}
	}
	if told[2].Epoch != 2.0/3 || told[0].Epoch != 0 {
		t.Errorf("epochs %v, %v", told[2].Epoch, told[0].Epoch)
	}
	shown := scalars(t, dir)
	for _, want := range []string{
		fmt.Sprint(1, "train/loss", float64(float32(metrics[1].Loss))), fmt.Sprint(5, "train/grad_norm", float64(float32(metrics[7].GradNorm))),
		fmt.Sprint(0, "eval/loss", float64(float32(metrics[0].ValidLoss))), fmt.Sprint(3, "train/epoch", 1),
	} {
		if !slices.Contains(shown, want) {
			t.Errorf("no %s in %q", want, shown)
		}
	}
}

// TestEventsOfAResumedRun: a run that is stopped anywhere, and one that is killed behind a
// checkpoint with a line half written, has after it was gone on with each number once.
func TestEventsOfAResumedRun(t *testing.T) {
	whole := t.TempDir()
	s, _ := watch(whole)
	run(t, context.Background(), filepath.Join(whole, "run"), s)
	want, shown := numbers(lines(t, whole)), scalars(t, whole)
	for try := 0; ; try++ {
		n, lost := try/2, try%2 == 1
		dir := t.TempDir()
		s, _ := watch(dir)
		_, stopped := run(t, &crashtest.Countdown{Context: context.Background(), Left: n}, filepath.Join(dir, "run"), s)
		if !stopped {
			return
		}
		for _, name := range []string{"e.jsonl", "tb/events.out.tfevents.abc.lamina"} { // what a kill leaves
			path := filepath.Join(dir, name)
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, append(data, data[:25]...), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if lost { // the checkpoint too
			if err := os.RemoveAll(filepath.Join(dir, "run", "checkpoints")); err != nil {
				t.Fatal(err)
			}
		}
		s, warnings := watch(dir)
		run(t, context.Background(), filepath.Join(dir, "run"), s)
		if got := numbers(lines(t, dir)); !slices.Equal(got, want) {
			t.Errorf("stopped at look %d: %q, want %q", n, got, want)
		}
		if got := scalars(t, dir); !slices.Equal(got, shown) {
			t.Errorf("stopped at look %d: %q, want %q", n, got, shown)
		}
		if len(*warnings) > 0 {
			t.Errorf("stopped at look %d: %q", n, *warnings)
		}
	}
}

// TestARunThatDoesNotBeginDropsNothing: its error is told behind what there is.
func TestARunThatDoesNotBeginDropsNothing(t *testing.T) {
	dir := t.TempDir()
	s, _ := watch(dir)
	run(t, context.Background(), filepath.Join(dir, "run"), s)
	before := lines(t, dir)
	s, warnings := watch(dir)
	s.Attach(trainer(t), "", filepath.Join(dir, "run"))
	s.End(train.Outcome{}, errors.New("no memory"))
	s.Close()
	all := lines(t, dir)
	if last := all[len(all)-1]; len(all) != len(before)+1 || last.Event != events.End || last.Error != "no memory" || last.Outcome != nil || len(*warnings) > 0 {
		t.Errorf("%d events, %d before; the last %+v; %q", len(all), len(before), last, *warnings)
	}
}

// fullDisk refuses to let some files grow after so many writes, the last of which it cuts.
type fullDisk struct {
	files.Disk
	names string
	left  int
}

func (d *fullDisk) Write(f *os.File, data []byte) (int, error) {
	if !strings.Contains(f.Name(), d.names) {
		return d.Disk.Write(f, data)
	}
	if d.left--; d.left >= 0 {
		return d.Disk.Write(f, data)
	}
	n, _ := d.Disk.Write(f, data[:len(data)/2])
	return n, syscall.ENOSPC
}

// TestAFullDiskEndsTheEventsAlone: whenever it fills, the run goes on to the same bits,
// one warning names the file, the other sink hears all, what is there can be read, and a
// resumed run goes on with it.
func TestAFullDiskEndsTheEventsAlone(t *testing.T) {
	plain := t.TempDir()
	s, _ := watch(plain)
	want, _ := run(t, context.Background(), filepath.Join(plain, "run"), s)
	for _, name := range []string{"e.jsonl", ".lamina"} {
		for left := range 4 {
			dir := t.TempDir()
			s, warnings := watch(dir)
			restore := files.Through(&fullDisk{files.System(), name, left})
			got, _ := run(t, context.Background(), filepath.Join(dir, "run"), s)
			restore()
			crashtest.Same(t, "on a full disk", got, want)
			if len(*warnings) != 1 || !strings.Contains((*warnings)[0], name) || !strings.Contains((*warnings)[0], "the training goes on") {
				t.Errorf("%s, %d writes: %q", name, left, *warnings)
			}
			if name == "e.jsonl" && !slices.Equal(scalars(t, dir), scalars(t, plain)) || name != "e.jsonl" && len(lines(t, dir)) != len(lines(t, plain)) {
				t.Errorf("%s, %d writes: the other sink missed something", name, left)
			}
			if name != "e.jsonl" {
				scalars(t, dir)
			}
			s, warnings = watch(dir)
			run(t, context.Background(), filepath.Join(dir, "run"), s)
			lines(t, dir)
			scalars(t, dir)
			if len(*warnings) > 0 {
				t.Errorf("%s, %d writes, gone on with: %q", name, left, *warnings)
			}
		}
	}
}

// TestCellsShareALog: those of a grid follow each other in one file, and what is dropped of
// one leaves the others, or nothing is told there; TensorBoard gets a directory each.
func TestCellsShareALog(t *testing.T) {
	dir := t.TempDir()
	var told string // the warnings
	cells := func(names ...string) {
		s, warnings := watch(dir)
		defer s.Close()
		for _, name := range names {
			tr := trainer(t)
			s.Attach(tr, name, filepath.Join(dir, name))
			out, err := tr.Run(context.Background())
			s.End(out, err)
			tr.Close()
		}
		told = strings.Join(*warnings, "; ")
	}
	cells("a", "b")
	all := lines(t, dir)
	n := len(all) / 2
	if all[n-1].Cell != "a" || all[n].Cell != "b" || all[n].Event != events.Begin {
		t.Fatalf("%+v", all)
	}
	cells("b") // anew, as there is no store
	if got := lines(t, dir); len(got) != 2*n || !slices.Equal(numbers(got), numbers(all)) {
		t.Errorf("%d lines, want %d", len(got), 2*n)
	}
	if told != "" {
		t.Error(told)
	}
	cells("a") // anew, and b behind it is not
	if got := lines(t, dir); !slices.Equal(numbers(got), numbers(all)) || !strings.Contains(told, "the events of cell b behind some of cell a") {
		t.Errorf("%d lines, want %d; told %q", len(got), 2*n, told)
	}
	for _, name := range []string{"a", "b"} {
		if _, err := os.Stat(filepath.Join(dir, "tb", name, "events.out.tfevents.abc.lamina")); err != nil {
			t.Error(err)
		}
	}
}

// TestWhatIsNotOursStays: a file or a directory of something else, or of another run, is
// named before anything is written; with overwrite a run's own is replaced.
func TestWhatIsNotOursStays(t *testing.T) {
	dir := t.TempDir()
	put := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	begin := `{"event":"begin","run":"other","time":"2026-01-01T00:00:00Z","step":0}` + "\n"
	for _, c := range []struct {
		text, says string
		overwrite  bool
	}{
		{"my notes\n", "holds no events", false}, {"my notes", "holds no events", true}, {`{"event":"step","run":"abc"}` + "\n", "holds no events", true},
		{begin, "another run", false}, {begin, "", true}, {"", "", false}, {begin[:20], "", false}, {strings.Repeat("x", 2<<20), "holds no events", false},
	} {
		path := put("e.jsonl", c.text)
		err := events.CheckLines(path, "abc", c.overwrite)
		if c.says == "" && err != nil || c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), path)) {
			t.Errorf("%.20q: %v", c.text, err)
		}
		l := events.NewLines(path, c.overwrite)
		again := l.Begin("abc", "", func(events.Event) bool { return true })
		l.Close()
		if fmt.Sprint(again) != fmt.Sprint(err) {
			t.Errorf("%.20q: %v at the beginning, %v before", c.text, again, err)
		}
		if data, _ := os.ReadFile(path); err != nil && string(data) != c.text {
			t.Errorf("%.20q: is changed", c.text)
		}
	}
	link := filepath.Join(dir, "link")
	if err := os.Symlink(put("there", begin), link); err != nil {
		t.Skip(err)
	}
	if err := events.CheckLines(link, "other", false); err == nil || !strings.Contains(err.Error(), "no regular file") {
		t.Errorf("a link: %v", err)
	}
	for _, c := range []struct {
		name      string
		overwrite bool
		says      string
	}{
		{"events.out.tfevents.1.host", true, "another run"}, {"events.out.tfevents.other.lamina", false, "another run"},
		{"events.out.tfevents.other.lamina", true, ""}, {"events.out.tfevents.abc.lamina", false, ""},
	} {
		path := put(filepath.Join(fmt.Sprint("tb", c), c.name), "")
		if err := events.CheckTensorBoard(path, "abc", true); err == nil || !strings.Contains(err.Error(), "no directory") {
			t.Errorf("a file: %v", err)
		}
		b := events.NewTensorBoard(filepath.Dir(path), c.overwrite)
		err := events.CheckTensorBoard(filepath.Dir(path), "abc", c.overwrite)
		if begun := b.Begin("abc", "", func(events.Event) bool { return true }); fmt.Sprint(begun) != fmt.Sprint(err) {
			t.Errorf("%s: %v at the beginning, %v before", c.name, begun, err)
		}
		b.Close()
		if c.says == "" && err != nil || c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// TestEventsSurviveAnyOperation: the power goes after every operation on files of a run, and
// the disk fails; gone on with, the log has each step and each validation once.
func TestEventsSurviveAnyOperation(t *testing.T) {
	t.Log(filestest.Everywhere(t, filestest.Scenario{
		Step: 1000, // a disk that fails is TestAFullDiskEndsTheEventsAlone's
		Run: func(dir string, _ func(int)) (int, error) {
			tr := trainer(t)
			defer tr.Close()
			tr.Settings.Steps, tr.SaveEvery = 2, 1
			store, err := train.OpenRunDir(filepath.Join(dir, "run"), tr.Settings, false)
			if err != nil {
				return -1, err
			}
			defer store.Close()
			tr.Store = store
			s, warnings := watch(dir)
			s.Sinks = s.Sinks[:1] // a file for TensorBoard that is damaged is named, and left as it is
			defer s.Close()
			s.Attach(tr, "", filepath.Join(dir, "run"))
			out, err := tr.Run(context.Background())
			s.End(out, err)
			if err == nil && len(*warnings) > 0 {
				err = errors.New((*warnings)[0])
			}
			return -1, err
		},
		Same: func(name string, data []byte) (kept []byte) {
			for line := range strings.Lines(string(data)) {
				if name != "/e.jsonl" {
					return nil // the run's own are crash/train's
				}
				var e events.Event
				if err := json.Unmarshal([]byte(line), &e); err != nil {
					return data
				}
				if e.Metrics != nil {
					kept = fmt.Append(kept, e.Event, e.Step, e.Metrics.Loss, e.Metrics.ValidLoss)
				}
			}
			return kept
		},
	}))
}

// TestEveryFieldIsDocumented: docs/events.md has a row for each field of an event, and for
// nothing else.
func TestEveryFieldIsDocumented(t *testing.T) {
	text, err := os.ReadFile("../../docs/events.md")
	if err != nil {
		t.Fatal(err)
	}
	var said []string
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(line, "|")
		if len(cells) < 3 || !strings.Contains(cells[1], "`") {
			continue
		}
		for i, part := range strings.Split(cells[1], "`") {
			if i%2 == 1 {
				said = append(said, part)
			}
		}
	}
	var have []string
	var add func(of reflect.Type)
	add = func(of reflect.Type) {
		for f := range of.Fields() {
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			if f.Anonymous {
				add(f.Type.Elem())
			} else if !slices.Contains(have, name) {
				have = append(have, name)
			}
		}
	}
	add(reflect.TypeFor[events.Event]())
	slices.Sort(said)
	slices.Sort(have)
	if !slices.Equal(said, have) {
		t.Errorf("documented: %q, there are %q", said, have)
	}
}

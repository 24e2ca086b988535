package main

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"

	"lamina/internal/cases"
)

// absurd are values that every flag which takes a number is tried with.
var absurd = []string{
	"-1", "0", "1", "2147483648", "9223372036854775807", "18446744073709551615", "1e300000",
	"nan", "inf", "-inf", "1e308", "1e-320", "-0", "", "abc",
}

// numericFlag is a flag that takes numbers.
type numericFlag struct {
	name  string
	field string // of which struct it is which field; "" where that is not shared
}

// numericFlags lists, for each command, its flags that take numbers; those of every
// command stand under "".
func numericFlags(t *testing.T) map[string][]numericFlag {
	t.Helper()
	line := &commands{}
	parser, err := kong.New(line, offered.lists())
	if err != nil {
		t.Fatal(err)
	}
	numeric := func(f *kong.Flag) bool {
		of := f.Target.Type()
		for of.Kind() == reflect.Pointer || of.Kind() == reflect.Slice {
			of = of.Elem()
		}
		return of.Kind() >= reflect.Int && of.Kind() <= reflect.Float64
	}
	fields := map[any]string{}
	fieldsOf(reflect.ValueOf(line).Elem(), fields)
	flags := map[string][]numericFlag{}
	add := func(command string, n *kong.Node) {
		for _, f := range n.Flags {
			if numeric(f) {
				flags[command] = append(flags[command], numericFlag{f.Name, fields[f.Target.Addr().Interface()]})
			}
		}
	}
	add("", parser.Model.Node)
	for _, leaf := range parser.Model.Leaves(true) {
		add(leaf.Path(), leaf)
	}
	return flags
}

// fieldsOf notes of each field in a struct, by its address, the struct that declares it and
// its name there.
func fieldsOf(v reflect.Value, fields map[any]string) {
	for i := range v.NumField() {
		f := v.Field(i)
		if f.Kind() == reflect.Struct {
			fieldsOf(f, fields)
		} else if v.Type().Field(i).IsExported() {
			fields[f.Addr().Interface()] = v.Type().Name() + "." + v.Type().Field(i).Name
		}
	}
}

// TestAbsurdNumbers: whatever number a flag is given, the command does what that number
// means, or says in one line that names the flag what is wrong with it; it does not panic
// and does not work long. The flags are those of the command line itself, so that a new
// one is tried too. One that several commands embed is read by one piece of code: the first
// command is given every value, the others two, which tell whether they ask that code.
func TestAbsurdNumbers(t *testing.T) {
	model, dir := tinyModel(t), t.TempDir()
	train, test := write(t, dir, "train.jsonl", manyQuestions(30)), write(t, dir, "test.jsonl", manyQuestions(4))
	texts := write(t, dir, "texts.jsonl", `{"text":"a small cat is"}`+"\n")
	sim := filepath.Join(dir, "sim.json")
	must(t, "similarity", "--model", model, "--data", test, "--json", sim)
	for _, name := range []string{"a", "b"} {
		must(t, "eval", "--model", model, "--data", test, "--task", "arc_easy", "--out", filepath.Join(dir, name), "--log-samples")
	}
	emulator, trained, parcel := filepath.Join(dir, "emulator"), filepath.Join(dir, "trained"), filepath.Join(dir, "parcel")
	must(t, "emulate", "--model", model, "--plan", "0* 2 5*", "--out", emulator)
	must(t, "finetune", "--model", emulator, "--data", train, "--lr=1e-3", "--steps=1", "--batch=2", "--out", trained)
	must(t, "package", "--adapter", trained, "--emulator", emulator, "--out", parcel)
	one := write(t, dir, "one.jsonl", `{"text":"no"}`+"\n")
	few := write(t, dir, "few.jsonl", manyQuestions(2))
	choosing := []string{"--model", model, "--receipt", emulator + ".receipt.json", "--gradfix", "--support", one, "--out", "OUT"}
	lines := map[string][]string{ // one that succeeds of each command that has such flags
		"":            {"doctor"},
		"info":        {"info", "--model", model, "--plan", "0* 1"},
		"generate":    {"generate", "--model", model, "--prompt", "a small cat", "--temperature=1", "--max-tokens=2"},
		"eval":        {"eval", "--model", model, "--data", test},
		"compare":     {"compare", filepath.Join(dir, "a"), filepath.Join(dir, "b")},
		"similarity":  {"similarity", "--model", model, "--data", test, "--metric=cka-rbf"},
		"replacement": {"replacement", "--model", model, "--data", test, "--metric=cka-rbf"},
		"importance":  {"importance", "--model", model, "--data", test},
		"features":    {"features", "--model", model, "--tasks", test + "," + train},
		"interpolate": {"interpolate", "--model", model, "--to", trained, "--receipt", emulator + ".receipt.json", "--data", test, "--points=2", "--controls=1"},
		"plan":        {"plan", "uniform", "--layers=6", "--keep=2", "--trainable=1"},
		"finetune":    {"finetune", "--model", model, "--plan", "0 3*", "--data", train, "--valid", texts, "--lr=1e-3", "--steps=1", "--batch=2", "--out", "OUT"},
		"emulate":     {"emulate", "--model", model, "--plan", "0* ~ 5*", "--support", train, "--out", "OUT"},
		"distill":     {"distill", "--model", model, "--plan", "0* 2 3*", "--data", train, "--valid", texts, "--lr=1e-3", "--steps=1", "--batch=2", "--out", "OUT"},
		"study":       {"study", studyOf(t, t.TempDir(), model, "zs"), "--out", "OUT", "--emit=slurm"},
		"run":         {"run", "--model", model, "--train", train, "--test", test, "--keep=2", "--trainable=1", "--rows=uniform", "--lr=1e-3", "--steps=1", "--batch=2", "--out", "OUT"},
		"plug":        append([]string{"plug", "--adapter", trained, "--alpha=auto", "--valid", one}, choosing...),
		"accept":      append([]string{"accept", parcel, "--again", "--trust=none", "--valid", test, "--limit=1"}, choosing...),
		"leak":        {"leak", "--model", model, "--adapter", trained, "--members", test, "--others", few, "--public", train, "--shadows=3", "--steps=1", "--complete=1", "--complete-tokens=1"},
		"bench":       {"bench", "--filter=nothing-of-this-name"},

		"lens train":     {"lens", "train", "--model", model, "--data", texts, "--valid", one, "--max-length=2", "--steps=1", "--tokens-per-step=4", "--out", "OUT"},
		"lens show":      {"lens", "show", "--model", model, "--text", "a small cat"},
		"lens distances": {"lens", "distances", "--model", model, "--data", test, "--max-length=4"},
	}
	all := numericFlags(t)
	commands := slices.Sorted(maps.Keys(all))
	slices.SortStableFunc(commands, func(a, b string) int { // the cheapest of those that train
		return cmp.Compare(strings.Index(b, "finetune"), strings.Index(a, "finetune"))
	})
	tried := map[string]bool{}
	for nth, command := range commands {
		line, ok := lines[command]
		if !ok {
			t.Errorf("lamina %s takes numbers (%v) and is not tried", command, all[command])
			continue
		}
		for _, flag := range all[command] {
			values := absurd
			if tried[flag.field] {
				values = []string{"-1", absurd[(nth+len(flag.name))%len(absurd)]}
			}
			tried[flag.field] = true
			for i, value := range values {
				if cases.Few() && i%12 != len(flag.name)%12 {
					continue
				}
				tryNumber(t, line, flag.name, value)
			}
		}
	}
	if !tried["stepFlags.Batch"] || !tried["gridFlags.LRs"] {
		t.Errorf("the fields that flags set are not known: %v", tried)
	}
}

// errorOf returns the lines of standard error that are neither warnings nor progress.
func errorOf(stderr string) string {
	var lines strings.Builder
	for line := range strings.Lines(unwarned(stderr)) {
		if strings.HasPrefix(line, "lamina: ") {
			lines.WriteString(line)
		}
	}
	return lines.String()
}

// tryNumber runs a line with one flag's value changed.
func tryNumber(t *testing.T, line []string, flag, value string) {
	t.Helper()
	const most = 20 * time.Second // of a busy machine; what is meant is less than one
	args := slices.DeleteFunc(slices.Clone(line), func(arg string) bool {
		return strings.HasPrefix(arg, "--"+flag+"=") || flag == "epochs" && strings.HasPrefix(arg, "--steps=")
	})
	for i, arg := range args {
		if arg == "OUT" {
			args[i] = filepath.Join(t.TempDir(), "out")
		}
	}
	args = append(args, "--"+flag+"="+value)
	shown := strings.Join(args, " ")
	begin, done := time.Now(), make(chan struct{})
	go func() {
		defer close(done)
		defer func() {
			if p := recover(); p != nil {
				t.Errorf("lamina %s: panic: %v", shown, p)
			}
		}()
		code, _, stderr := laminaContext(t, &countdown{context.Background(), 40}, args...)
		stderr = errorOf(stderr)
		if code == exitError || code == exitUsage {
			if strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, "--"+flag) {
				t.Errorf("lamina %s: exit %d: %q, want one line that names --%s", shown, code, stderr, flag)
			}
		} else if code != 0 && code != exitInterrupt {
			t.Errorf("lamina %s: exit %d: %q", shown, code, stderr)
		}
	}()
	select {
	case <-done:
		if took := time.Since(begin); testing.Verbose() && took > time.Second {
			fmt.Printf("%v: lamina %s\n", took, shown)
		}
	case <-time.After(most):
		t.Fatalf("lamina %s: still at work after %v", shown, most)
	}
}

// Command lamina opens a decoder language model layer by layer: it measures how
// layers resemble each other, builds emulators of fewer layers, fine-tunes a part
// without the full model, plugs the part back and scores it.
//
//	lamina info --model MODEL
//	lamina similarity --model MODEL --data support.jsonl --json sim.json
//	lamina plan crash --similarity sim.json --keep 8 --trainable 4 --json plan.json
//	lamina emulate --model MODEL --plan @plan.json --out emulator
//	lamina finetune --model emulator --data train.jsonl --lr 1e-4 --epochs 3 --out run
//	lamina plug --model MODEL --adapter run --out plugged
//	lamina eval --model plugged --data test.jsonl
//
// Results go to standard output, progress and errors to standard error. The exit
// status is 0, 1 after an error, 2 after wrong usage, and after a signal 128 and its
// number: 130 after an interrupt, 143 when it was told to end, 129 when its terminal went.
package main

import (
	"cmp"
	"context"
	"io"
	"os"
	"reflect"
	"strings"

	"github.com/alecthomas/kong"

	"lamina/internal/garbage"
	"lamina/internal/interrupt"
)

// commands is the command line; the names of commands and flags are a contract.
type commands struct {
	commonFlags

	Demo       demoCommand       `cmd:"" help:"Run the whole protocol on a small embedded model, in a minute."`
	Doctor     doctorCommand     `cmd:"" help:"Show what this machine offers and which kernels run on it."`
	Info       infoCommand       `cmd:"" help:"Show a model's architecture, size, tokenizer and memory need."`
	Tokenize   tokenizeCommand   `cmd:"" help:"Turn texts into token ids."`
	Logits     logitsCommand     `cmd:"" help:"Compute the logits of token rows."`
	Generate   generateCommand   `cmd:"" help:"Continue a text."`
	Eval       evalCommand       `cmd:"" help:"Score a model on documents, as lm-evaluation-harness does."`
	Tasks      tasksCommand      `cmd:"" help:"List the tasks that eval knows."`
	Compare    compareCommand    `cmd:"" help:"Compare the scores of two models: differences, intervals, p-values."`
	Similarity similarityCommand `cmd:"" help:"Measure how alike the layers' outputs are."`
	Lens       lensCommand       `cmd:"" help:"Read the layers as predictions: train a tuned lens, show what each layer says, measure how far they are apart."`
	Measures   measureCommands   `embed:""`
	Plan       planCommand       `cmd:"" help:"Choose the layers an emulator keeps and trains."`
	Emulate    emulateCommand    `cmd:"" help:"Write the emulator of a plan: what the data owner gets."`
	Distill    distillCommand    `cmd:"" help:"Train the frozen part of an emulator to answer as the full model, and write it."`
	Finetune   finetuneCommand   `cmd:"" help:"Train a model, or the starred blocks of an emulator."`
	Plug       plugCommand       `cmd:"" help:"Put trained blocks back into the full model."`
	Package    packageCommand    `cmd:"" help:"Make the package of an emulator or an adapter, signed if wanted: what goes to the other house."`
	Inspect    inspectCommand    `cmd:"" help:"Show all that a package carries, and what is odd about it, without applying it."`
	Accept     acceptCommand     `cmd:"" help:"Take a package that came: unpack an emulator, or plug an adapter into the full model if it passes every check."`
	Leak       leakCommand       `cmd:"" help:"Measure what an emulator gives away of the model, or an adapter of the rows that trained it."`
	Run        runCommand        `cmd:"" help:"Run the whole protocol for one model and task: table, pictures, report."`
	Study      studyCommand      `cmd:"" help:"Run a study, a grid of models, tasks, rows, rates and seeds: the paper's table, on one machine or many."`
	Report     reportCommand     `cmd:"" help:"Make one page of what a directory holds: results, the table of a run, losses; with every figure as SVG and PNG."`
	Convert    convertCommand    `cmd:"" help:"Write any readable checkpoint as a Hugging Face directory."`
	Hub        hubCommand        `cmd:"" help:"Fetch models and datasets from the Hugging Face hub."`
	Bench      benchCommand      `cmd:"" help:"Measure this machine and our work on it."`
	Completion completionCommand `cmd:"" whole:"" help:"Print a script that teaches bash, zsh or fish the command line."`
	Man        manCommand        `cmd:"" whole:"" help:"Print the man page."`
	Licenses   licensesCommand   `cmd:"" help:"Print the licences of Lamina and of all that its binary holds."`
}

const description = `Lamina opens a decoder language model layer by layer: measure, cluster, remove, share, fine-tune a part, plug it back, score.`

// garbageBytes is how much a command leaves about before it is collected; a run's planned
// memory counts it ([transformer.Config.ProcessMemory]).
const garbageBytes = 16 << 20

func main() {
	garbage.Bound(garbageBytes)
	os.Exit(interrupt.Heed("lamina", interrupt.Signals(), os.Stderr, func(ctx context.Context) int {
		return run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	}))
}

// run executes one command line and returns the exit status.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	return offered.run(ctx, args, stdout, stderr)
}

// run executes one command line that can choose from what is offered.
func (o offer) run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	if len(args) == 0 {
		args = []string{"--help"}
	} else if args[0] == "help" {
		args = append(args[1:len(args):len(args)], "--help")
	}
	var line commands
	helped := false
	parser := o.parserOf(&line, args[0], kong.Writers(stdout, stderr), kong.Exit(func(int) { helped = true }))
	parsed, err := parser.Parse(args)
	if helped {
		return 0
	}
	if err != nil {
		return complain(ctx, stderr, usageError{err})
	}
	s := &session{commonFlags: line.commonFlags, offer: o, ctx: ctx, command: append([]string{"lamina"}, args...), stdout: stdout, stderr: stderr}
	defer s.close()
	if err := s.check(); err != nil {
		return complain(ctx, stderr, err)
	}
	if err := cmp.Or(wantCounts(parsed), oneSeed(parsed)); err != nil {
		return complain(ctx, stderr, err)
	}
	if err := spareInputs(parsed); err != nil {
		return complain(ctx, stderr, err)
	}
	if err := parsed.Run(s); err != nil {
		return complain(ctx, stderr, s.remedied(err))
	}
	return 0
}

// parserOf is parser where the first word of the line is known: that of its command alone,
// since building those of all takes longer than many a command does. Words that are no
// command are for parser, which says so, and so are commands that print the whole of it.
func (o offer) parserOf(line *commands, first string, more ...kong.Option) *kong.Kong {
	command, help, ok := commandOf(reflect.ValueOf(line).Elem(), first)
	if !ok {
		return o.parser(line, more...)
	}
	return o.parser(&line.commonFlags, append(more, kong.DynamicCommand(first, help, "", command))...)
}

// commandOf returns the command of a name, a pointer to its field of v, and its help.
func commandOf(v reflect.Value, name string) (command any, help string, ok bool) {
	for i := range v.NumField() {
		field := v.Type().Field(i)
		if _, embedded := field.Tag.Lookup("embed"); embedded {
			if command, help, ok = commandOf(v.Field(i), name); ok {
				return command, help, true
			}
		}
		if _, whole := field.Tag.Lookup("whole"); whole {
			continue
		}
		if _, is := field.Tag.Lookup("cmd"); is && strings.ToLower(field.Name) == name {
			return v.Field(i).Addr().Interface(), field.Tag.Get("help"), true
		}
	}
	return nil, "", false
}

// parser reads a command line into line, which points to a struct.
func (o offer) parser(line any, more ...kong.Option) *kong.Kong {
	parser, err := kong.New(line, append([]kong.Option{
		kong.Name("lamina"), kong.Description(description), o.lists(), kong.WithHyphenPrefixedParameters(true), kong.Help(helpWithExample),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, FlagsLast: true, NoExpandSubcommands: true})}, more...)...)
	if err != nil {
		panic(err) // the struct is wrong: every run would fail
	}
	return parser
}

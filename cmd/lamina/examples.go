package main

import (
	"fmt"
	"strings"

	"github.com/alecthomas/kong"
)

// examples has one call of each command, by its path, as help and the man page end with it. A
// test parses them all; the words are split at spaces, so that none needs quotes.
var examples = map[string]string{
	"demo":           "lamina demo --out out/demo",
	"doctor":         "lamina doctor --json machine.json",
	"info":           "lamina info --model HuggingFaceTB/SmolLM2-135M-Instruct --time",
	"tokenize":       "lamina tokenize --model facebook/opt-125m --texts texts.json --json ids.json",
	"logits":         "lamina logits --model facebook/opt-125m --tokens ids.json --json logits.json",
	"generate":       "lamina generate --model HuggingFaceTB/SmolLM2-135M-Instruct --chat --prompt Hello --max-tokens 40",
	"eval":           "lamina eval --model facebook/opt-125m --task arc_easy,openbookqa --shots 5 --out scores",
	"tasks":          "lamina tasks",
	"compare":        "lamina compare scores/before scores/after",
	"similarity":     "lamina similarity --model facebook/opt-125m --data allenai/ai2_arc --task arc_easy --json study/cka.json --plot cka.svg",
	"importance":     "lamina importance --model facebook/opt-125m --data allenai/ai2_arc --task arc_easy --json study/importance.json --plot importance.svg",
	"replacement":    "lamina replacement --model facebook/opt-125m --data allenai/ai2_arc --task arc_easy --json study/replacement.json",
	"weights":        "lamina weights --model facebook/opt-125m --json study/weights.json --plot weights.svg",
	"interpolate":    "lamina interpolate --model facebook/opt-125m --to run --data allenai/ai2_arc --task arc_easy --json study/interpolate.json --plot interpolate.svg",
	"features":       "lamina features --model facebook/opt-125m --tasks arc_easy=allenai/ai2_arc,sciq=allenai/sciq --json study/features.json",
	"lens train":     "lamina lens train --model facebook/opt-125m --data texts.txt --steps 250 --out lens",
	"lens show":      "lamina lens show --model facebook/opt-125m --lens lens --text Paris --json study/lens.json --plot lens.svg",
	"lens distances": "lamina lens distances --model facebook/opt-125m --data allenai/ai2_arc --task arc_easy --json study/distances.json",
	"plan":           "lamina plan crash --similarity cka.json --keep 8 --trainable 2 --json plan.json",
	"emulate":        "lamina emulate --model facebook/opt-125m --plan @plan.json --share all --out emulator",
	"distill":        "lamina distill --model facebook/opt-125m --plan @plan.json --data allenai/ai2_arc --task arc_easy --train norms --lr 1e-4 --epochs 1 --out distilled",
	"finetune":       "lamina finetune --model emulator --data allenai/ai2_arc --task arc_easy --lr 5e-5 --epochs 3 --out run",
	"plug":           "lamina plug --model facebook/opt-125m --adapter run --out tuned",
	"package":        "lamina package --emulator emulator --key owner.key --out to-trainer",
	"inspect":        "lamina inspect to-trainer --trust owner.pub",
	"accept":         "lamina accept to-owner --trust trainer.pub --model facebook/opt-125m --valid allenai/ai2_arc --task arc_easy --out accepted",
	"leak":           "lamina leak --model facebook/opt-125m --emulator emulator --public allenai/ai2_arc --task arc_easy",
	"run":            "lamina run --model facebook/opt-125m --train allenai/ai2_arc --test allenai/ai2_arc --task arc_easy --keep 8 --trainable 2 --lr 5e-5 --epochs 3 --out table",
	"report":         "lamina report table",
	"study":          "lamina study recipes/opt-1.3b.yaml --check",
	"convert":        "lamina convert --model model.gguf --dtype BF16 --out model",
	"hub get":        "lamina hub get facebook/opt-125m",
	"hub verify":     "lamina hub verify",
	"bench":          "lamina bench --threads 1,2 --json speed.json",
	"licenses":       "lamina licenses",
	"completion":     "lamina completion bash",
	"man":            "lamina man",
}

// leaves calls f for each command that can be run, with its path as it is typed.
func leaves(app *kong.Node, f func(path string, n *kong.Node)) {
	var walk func(path string, n *kong.Node)
	walk = func(path string, n *kong.Node) {
		for _, child := range n.Children {
			if child.Hidden {
				continue
			}
			walk(strings.TrimSpace(path+" "+child.Name), child)
		}
		if n.Type == kong.CommandNode && len(n.Children) == 0 {
			f(path, n)
		}
	}
	walk("", app)
}

// helpWithExample prints kong's help and the example of the command.
func helpWithExample(options kong.HelpOptions, ctx *kong.Context) error {
	if err := kong.DefaultHelpPrinter(options, ctx); err != nil || ctx.Selected() == nil {
		return err
	}
	path := strings.TrimPrefix(ctx.Selected().Path(), "lamina ")
	if example, ok := examples[path]; ok {
		_, err := fmt.Fprintf(ctx.Stdout, "\nExample:\n  %s\n", example)
		return err
	}
	return nil
}

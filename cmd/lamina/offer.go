package main

import (
	"fmt"
	"slices"
	"strings"

	"lamina/crash/corpus"
	"lamina/crash/distill"
	"lamina/crash/emulate"
	"lamina/crash/exchange"
	"lamina/crash/measure"
	"lamina/crash/plan"
	"lamina/crash/study"
	"lamina/transformer/peft"

	"github.com/alecthomas/kong"
)

// offer is what the command line lets people choose from by name. Help, defaults and
// checks of the flags derive from it.
type offer struct {
	methods []plan.Method
	recipes []study.Recipe
}

// offered is what there is.
var offered = offer{plan.Methods, study.Recipes}

// What a plan is made from where nobody says.
const (
	planDocuments = 512
	planPool      = "mean_weighted"
	planTokens    = "plain"
)

// lists puts the lists in that help, defaults and choices of flags name as ${NAME}. It is
// done here, as kong's own variables are all looked through again for each flag of each
// command, which took longer than many a command does.
func (o offer) lists() kong.Option {
	return kong.PostBuild(func(k *kong.Kong) error {
		var pairs []string
		for name, text := range o.vars() {
			pairs = append(pairs, "${"+name+"}", text)
		}
		put := strings.NewReplacer(pairs...)
		of := func(v *kong.Value) {
			v.Help, v.Default, v.Enum = put.Replace(v.Help), put.Replace(v.Default), put.Replace(v.Enum)
		}
		var within func(n *kong.Node)
		within = func(n *kong.Node) {
			for _, f := range n.Flags {
				of(f.Value)
			}
			for _, v := range n.Positional {
				of(v)
			}
			for _, child := range n.Children {
				within(child)
			}
		}
		within(k.Model.Node)
		return nil
	})
}

// vars are those lists.
func (o offer) vars() map[string]string {
	return map[string]string{
		"methods":            strings.Join(plan.Names(o.methods), ","),
		"methods_help":       explained(o.methods, func(m plan.Method) (string, string) { return m.Name, m.Help }),
		"metrics":            joined(measure.MetricNames()),
		"metrics_help":       explained(measure.Metrics, func(m measure.Metric) (string, string) { return m.Name, m.Help }),
		"methods_anchor":     o.anchoring(),
		"methods_similarity": o.reading(plan.NeedSimilarity),
		"methods_list":       o.reading(plan.NeedList),
		"methods_model":      o.methodsThat(func(m plan.Method) bool { return len(m.Needs) > 0 && !m.Reads(plan.NeedList) || m.Advised != nil }),
		"methods_options":    o.options(),
		"train_at_help":      plan.TrainAtHelp(),
		"shares":             strings.Join(plan.SharingNames(), ","),
		"peft_kinds":         strings.Join(peft.Names(), ","),
		"peft_help":          explained(peft.Kinds, func(k peft.Kind) (string, string) { return k.Name, k.Help }),
		"shares_help":        explained(plan.Sharings(), func(s plan.Sharing) (string, string) { return s.String(), s.Help() }),
		"repairs":            joined(plan.Repairs()),
		"repairs_help":       explained(plan.Repairs(), func(r plan.Repair) (string, string) { return string(r), r.Help() }),
		"compress_help":      plan.TransformHelp(),
		"ridge":              fmt.Sprint(emulate.DefaultRidge),
		"gap_ridge":          fmt.Sprint(emulate.GapRidge),
		"auto_trainable":     fmt.Sprint(plan.AutoTrainable),
		"plan_pool":          planPool,
		"plan_tokens":        planTokens,
		"plan_documents":     fmt.Sprint(planDocuments),
		"support_documents":  fmt.Sprint(exchange.SupportDocuments),
		"returns":            strings.Join(exchange.FormNames(), ","),
		"returns_help":       explained(exchange.Forms, func(f exchange.Form) (string, string) { return f.Name, f.Help }),
		"row_kinds":          strings.Join(corpus.KindNames(), ","),
		"row_kinds_help":     corpus.KindsHelp(),
		"kinds":              strings.Join(distill.Names(), ","),
		"kinds_help":         explained(distill.Kinds, func(k distill.Kind) (string, string) { return k.Name, k.Help }),
		"lm":                 fmt.Sprint(distill.Defaults.LM),
		"kd":                 fmt.Sprint(distill.Defaults.KD),
		"ppd":                fmt.Sprint(distill.Defaults.PPD),
		"sigma":              fmt.Sprint(distill.Defaults.Sigma),
		"rows_help":          explained(o.recipes, func(r study.Recipe) (string, string) { return r.Name, r.Help }),
		"rows_compose":       study.ComposeHelp,
		"rows_default":       strings.Join(study.Names(study.Defaults(o.recipes)), ","),
	}
}

// anchoring names the methods that can be told to keep both ends.
func (o offer) anchoring() string {
	return o.methodsThat(func(m plan.Method) bool { return m.AnchorEnds })
}

// reading names the methods that need a measurement.
func (o offer) reading(n plan.Need) string {
	return o.methodsThat(func(m plan.Method) bool { return m.Reads(n) })
}

// options explains the numbers of methods, one that several have once.
func (o offer) options() string {
	var texts []string
	for _, m := range o.methods {
		for _, opt := range m.Options {
			those := o.methodsThat(func(m plan.Method) bool { return slices.Contains(m.Options, opt) })
			text := fmt.Sprintf("%s of %s: %s (default %v)", opt.Name, those, opt.Help, opt.Default)
			if !slices.Contains(texts, text) {
				texts = append(texts, text)
			}
		}
	}
	return strings.Join(texts, ". ")
}

func (o offer) methodsThat(holds func(plan.Method) bool) string {
	those := slices.DeleteFunc(slices.Clone(o.methods), func(m plan.Method) bool { return !holds(m) })
	return listed(plan.Names(those), "and")
}

// explained joins names and what they stand for: "a: first, b: second".
func explained[T any](list []T, text func(T) (name, help string)) string {
	texts := make([]string, len(list))
	for i, v := range list {
		name, help := text(v)
		texts[i] = name + ": " + help
	}
	return strings.Join(texts, "; ")
}

// joined joins names as flags list them.
func joined[T ~string](names []T) string {
	texts := make([]string, len(names))
	for i, name := range names {
		texts[i] = string(name)
	}
	return strings.Join(texts, ",")
}

// listed joins names as prose does: "a, b or c".
func listed(names []string, word string) string {
	last := len(names) - 1
	if last < 1 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:last], ", ") + " " + word + " " + names[last]
}

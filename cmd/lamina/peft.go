package main

import (
	"strings"

	"lamina/transformer/peft"
)

// peftFlags say what trains beside frozen weights, or how few of them do.
type peftFlags struct {
	PEFT           string   `name:"peft" enum:",${peft_kinds}" default:"" placeholder:"KIND" help:"Train little: ${peft_help}. Default: every weight of the trained blocks."`
	Rank           *int     `placeholder:"N" help:"Rank of LoRA, trained or of --return lora (default 8)."`
	Alpha          *float64 `placeholder:"X" help:"LoRA's change is scaled by alpha/rank (default 8)."`
	RSLoRA         bool     `name:"rslora" help:"Scale it by alpha/√rank (rank-stabilised LoRA)."`
	LoRADropout    *float64 `name:"lora-dropout" placeholder:"X" help:"Dropout of what LoRA reads (default 0)."`
	AdapterWidth   *int     `placeholder:"N" help:"Width of an adapter's middle (default 64)."`
	AdapterDropout *float64 `placeholder:"X" help:"Dropout in an adapter's middle (default 0.1)."`
	Layers         []int    `placeholder:"N" help:"Only in these of the trained layers, by their numbers in the full model."`
}

// peftTargets name the linear layers that LoRA and (IA)³ go to.
type peftTargets struct {
	Targets []string `placeholder:"NAME" help:"Linear layers for LoRA or (IA)³, by the ends of their names, or all-linear. Default: all for LoRA; keys, values and the last of the feed-forward part for (IA)³."`
}

// config returns what the flags ask for; nil without --peft. Errors are of usage.
func (f peftFlags) config(targets []string) (*peft.Config, error) {
	set := []struct{ flag, kind, field string }{}
	add := func(is bool, flag, kind, field string) {
		if is {
			set = append(set, struct{ flag, kind, field string }{flag, kind, field})
		}
	}
	add(f.Rank != nil, "--rank", "", peft.Rank)
	add(f.Alpha != nil, "--alpha", "", peft.Alpha)
	add(f.RSLoRA, "--rslora", "", peft.RSLoRA)
	add(f.LoRADropout != nil, "--lora-dropout", "lora", peft.Dropout)
	add(f.AdapterWidth != nil, "--adapter-width", "", peft.Width)
	add(f.AdapterDropout != nil, "--adapter-dropout", "adapter", peft.Dropout)
	add(targets != nil, "--targets", "", peft.Targets)
	add(f.Layers != nil, "--layers", "", "")
	if f.PEFT == "" {
		if len(set) > 0 {
			return nil, usagef("%s says nothing without --peft KIND (%s)", set[0].flag, strings.Join(peft.Names(), ", "))
		}
		return nil, nil
	}
	k, err := peft.Named(f.PEFT)
	if err != nil {
		return nil, usagef("--peft %w", err)
	}
	for _, s := range set {
		if s.field != "" && (!k.Takes(s.field) || s.kind != "" && s.kind != k.Name) {
			return nil, usagef("%s changes nothing with --peft %s: leave it out", s.flag, k.Name)
		}
	}
	c := k.Defaults
	c.Targets, c.Layers, c.RSLoRA = targets, f.Layers, f.RSLoRA
	take(&c.Rank, f.Rank)
	take(&c.Alpha, f.Alpha)
	take(&c.Width, f.AdapterWidth)
	take(&c.Dropout, f.LoRADropout)
	take(&c.Dropout, f.AdapterDropout)
	if err := c.Validate(); err != nil {
		return nil, usagef("--peft %s: %w", k.Name, err)
	}
	return &c, nil
}

// take puts the value of a flag that is set in place of another.
func take[T any](to *T, flag *T) {
	if flag != nil {
		*to = *flag
	}
}

package main

import "lamina/crash/exchange"

// giveFlags say in which form a data owner returns what he trained.
type giveFlags struct {
	Return string `placeholder:"FORM" enum:",${returns}" default:"" help:"What is sent back: ${returns_help}. A change of full weights comes back as lora (without --peft) cut to --rank (default 8), and how far away that is, is told; the others of these are what --peft trains, which comes back as it is. Default: what the emulator's owner asks for, else weights. The same command with another form writes it from the finished run."`
}

// form returns it; the zero one without the flag.
func (f giveFlags) form() (exchange.Form, error) {
	if f.Return == "" {
		return exchange.Form{}, nil
	}
	form, err := exchange.FormNamed(f.Return)
	if err != nil {
		return form, usagef("--return: %w", err)
	}
	return form, nil
}

// rankOf takes the rank of a LoRA that is returned and was not trained from the flags of
// what trains; 0 is no such thing, or the default.
func (f giveFlags) rankOf(of *peftFlags) (int, error) {
	if f.Return != exchange.LoRA || of.PEFT != "" || of.Rank == nil {
		return 0, nil
	}
	rank := *of.Rank
	if of.Rank = nil; rank < 1 {
		return 0, usagef("--rank %d: want 1 or more", rank)
	}
	return rank, nil
}

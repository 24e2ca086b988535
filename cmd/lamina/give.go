package main

import "lamina/crash/exchange"

// giveFlags say in which form a data owner returns what he trained.
type giveFlags struct {
	Return string `placeholder:"FORM" enum:",${returns}" default:"" help:"What is sent back: ${returns_help}. Default: what the emulator's owner asks for, else weights. The same command with another form writes it from the finished run."`
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

package main

import (
	"time"

	"lamina/crash/parcel"
	"lamina/internal/files"
	"lamina/internal/machine"
)

// packageCommand makes what goes to the other house.
type packageCommand struct {
	Emulator string            `placeholder:"DIR" help:"Emulator to send, as emulate wrote it. With --adapter: the emulator that it was trained in; it is found where accept wrote it."`
	Adapter  string            `placeholder:"RUN" help:"Run directory of finetune, or its adapter directory, to send back."`
	Out      string            `placeholder:"DIR" help:"Directory to write."`
	Licence  string            `placeholder:"FILE" help:"Text that says what may be done with it, for the manifest."`
	Claim    map[string]string `placeholder:"NAME=VALUE" help:"What is said of it and nobody can check, such as epochs=3; nothing is said unless it stands here. May be given several times."`
	signFlags
	NewKey     string `placeholder:"NAME" help:"Make a pair of keys instead, NAME.key and NAME.pub, as minisign has them."`
	NoPassword bool   `help:"Do not encrypt the new key: whoever can read the file can sign with it."`
	Overwrite  bool   `help:"Replace the package that is there."`
}

// Run makes a package, or a pair of keys.
func (c packageCommand) Run(s *session) error {
	if c.NewKey != "" {
		return c.newKey(s)
	}
	switch {
	case c.Emulator == "" && c.Adapter == "":
		return usagef("package: want --emulator DIR, --adapter RUN, or --new-key NAME")
	case c.Out == "":
		return usagef("package: want --out DIR")
	case c.NoPassword:
		return usagef("--no-password changes nothing without --new-key")
	}
	opt := parcel.PackOptions{Claims: c.Claim, Overwrite: c.Overwrite, Date: time.Now().UTC().Format(time.DateOnly), Version: machine.Version()}
	if c.Licence != "" {
		text, err := files.Read(c.Licence, parcel.MaxLicence)
		if err != nil {
			return err
		}
		opt.Licence = string(text)
	}
	var err error
	if opt.Key, err = c.key(); err != nil {
		return err
	}
	made, err := c.pack(s, opt)
	if err != nil {
		return err
	}
	signed := "it is not signed (--key signs it)"
	if made.Key != "" {
		signed = "signed with the key " + made.Key
	}
	s.printf("%s, sequence %d of the exchange %s, %s\nsend this directory: %s; lamina inspect %s lists all that is in it\nkeep this file: %s; an adapter that comes back, or a package that comes again, is held against it\n",
		made.Manifest.Kind, made.Manifest.Sequence, made.Manifest.Exchange, signed, made.Sent, c.Out, made.Ledger)
	return s.writeJSON(made)
}

// pack opens the emulator and makes the package.
func (c packageCommand) pack(s *session, opt parcel.PackOptions) (made parcel.Packed, err error) {
	if c.Emulator == "" {
		if c.Emulator, err = parcel.EmulatorOf(c.Adapter); err != nil {
			return made, err
		}
	}
	m, err := s.openModel(c.Emulator)
	if err != nil {
		return made, err
	}
	defer s.waiting("writing " + c.Out).Done()
	if c.Adapter == "" {
		return parcel.PackEmulator(m.Model, c.Out, opt)
	}
	return parcel.PackAdapter(c.Adapter, m.Model, c.Out, opt)
}

// newKey makes a pair of keys.
func (c packageCommand) newKey(s *session) error {
	if c.Emulator+c.Adapter+c.Out+c.Licence+c.Key != "" || len(c.Claim) > 0 || c.Overwrite {
		return usagef("--new-key makes keys and no package: only --password-file and --no-password go with it")
	}
	password := ""
	if c.NoPassword {
		if c.PasswordFile != "" {
			return usagef("--no-password and --password-file: give one of them")
		}
	} else {
		var err error
		if password, err = c.password("password of the new key: "); err != nil {
			return err
		}
		if password == "" {
			return usagef("an empty password: --no-password makes a key without one")
		}
	}
	key, err := parcel.NewKey(c.NewKey, password)
	if err != nil {
		return err
	}
	s.printf("keep %s.key, and give the other house %s.pub by a way that nobody else can write to; its key is %s, id %s\n", c.NewKey, c.NewKey, key, key.ID())
	return s.writeJSON(map[string]string{"key": key.String(), "id": key.ID()})
}

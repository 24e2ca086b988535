package main

import "lamina/crash/parcel"

// inspectCommand shows what a package carries.
type inspectCommand struct {
	Package string `arg:"" placeholder:"PKG" help:"Package that lamina package made."`
	trustFlags
}

// Run prints all that can be seen without applying the package; one that accept would
// refuse is an error.
func (c inspectCommand) Run(s *session) error {
	trusted, err := c.trusting()
	if err != nil {
		return err
	}
	r, refused := parcel.Inspect(c.Package, trusted)
	s.printf("%s", r.Text())
	if err := s.writeJSON(r); err != nil {
		return err
	}
	return refused
}

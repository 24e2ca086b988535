package main

import (
	"path/filepath"

	"lamina/crash/figures"
)

// reportCommand makes a page of a directory.
type reportCommand struct {
	Dir string `arg:"" help:"Directory with results (what measurements wrote by --json FILE.json), of lamina run or of a training. The page is its report.html, the pictures are in its figures."`
}

// Run reads the directory, writes the page into it and says what it could not show.
func (c reportCommand) Run(s *session) error {
	page, err := figures.Dir(c.Dir)
	if err != nil {
		return err
	}
	for _, strange := range page.Strange {
		s.warnf("not shown: %s", strange)
	}
	if err := page.Write(); err != nil {
		return err
	}
	s.printf("report: %s\n", filepath.Join(c.Dir, figures.PageFile))
	return nil
}

//go:build !unix

package main

import (
	"errors"
	"io/fs"
	"os"
)

// peak is not known here.
func peak(*os.ProcessState) int64 { return 0 }

func onDisk(info fs.FileInfo) int64 { return info.Size() }

func makePipe(string) error   { return errors.ErrUnsupported }
func makeSocket(string) error { return errors.ErrUnsupported }

package hub

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"

	"lamina/internal/files"
)

// Size is the sum of the sizes of the snapshot's files.
func (s Snapshot) Size() int64 {
	total := int64(0)
	for _, f := range s.Files {
		total += max(f.Size, 0) // unknown where the cache has no list
	}
	return total
}

// Copied is what Copy writes, as its directory says.
const Copied = "copy of a repository"

// Copy writes the snapshot's files to a directory, whole or not at all. One that is
// there is an error, or replaced with overwrite if Copy wrote it.
func (s Snapshot) Copy(ctx context.Context, dir string, overwrite bool) error {
	to := files.Output{Path: dir, Kind: Copied, Overwrite: overwrite, Bytes: s.Size()}
	return to.Write(func(tmp string) error {
		for _, f := range s.Files {
			if err := ctx.Err(); err != nil {
				return err
			}
			name := filepath.FromSlash(f.Name)
			if err := copyFile(filepath.Join(tmp, name), filepath.Join(s.Dir, name)); err != nil {
				return err
			}
		}
		return nil
	})
}

func copyFile(to, from string) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	in, _, err := files.Open(from, files.Unlimited)
	if err != nil {
		return err
	}
	err = files.Write(to, func(w io.Writer) error {
		_, err := io.Copy(w, in)
		return err
	})
	return errors.Join(err, in.Close())
}

package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/term"

	"lamina/crash/parcel"
	"lamina/internal/files"
)

// signFlags name the key that a package is signed with.
type signFlags struct {
	Key          string `placeholder:"FILE" help:"Secret key of minisign to sign with (NAME.key). Default: the package is not signed."`
	PasswordFile string `placeholder:"FILE" help:"File with the key's password, in its first line. Default: it is asked for on the terminal."`
}

// key reads the key; nil without one.
func (f signFlags) key() (*parcel.SecretKey, error) {
	if f.Key == "" {
		if f.PasswordFile != "" {
			return nil, usagef("--password-file changes nothing without --key or --new-key")
		}
		return nil, nil
	}
	return parcel.ReadSecretKey(f.Key, func() (string, error) { return f.password("password: ") })
}

// password reads the first line of the file, or asks.
func (f signFlags) password(prompt string) (string, error) {
	if f.PasswordFile != "" {
		text, err := files.Read(f.PasswordFile, 4096)
		if err != nil {
			return "", err
		}
		line, _, _ := strings.Cut(string(text), "\n")
		if line = strings.TrimSuffix(line, "\r"); line == "" {
			return "", fmt.Errorf("%s: its first line is empty: want the password", f.PasswordFile)
		}
		return line, nil
	}
	stdin := int(os.Stdin.Fd())
	if !term.IsTerminal(stdin) {
		return "", errors.New("a password is needed and there is no terminal to ask for it on: --password-file FILE")
	}
	fmt.Fprint(os.Stderr, prompt)
	text, err := term.ReadPassword(stdin)
	fmt.Fprintln(os.Stderr)
	return string(text), err
}

// trustFlags say whose signatures count.
type trustFlags struct {
	Trust string `placeholder:"FILE" help:"Public key of the sender (NAME.pub), or a file with a line \"HOUSE KEY\" for each house: what none of them signed is refused; none: take packages at their own word. Default: lamina/trusted in the user's configuration, if it is there."`
	From  string `placeholder:"HOUSE" help:"Only this house's keys count."`
}

// trusting reads the keys.
func (f trustFlags) trusting() (parcel.Trusting, error) {
	path := f.Trust
	if path == "" {
		home, err := os.UserConfigDir()
		if err != nil {
			home = ""
		}
		path = filepath.Join(home, "lamina", "trusted")
		if _, err := os.Stat(path); home == "" || errors.Is(err, fs.ErrNotExist) {
			path = parcel.TrustNone
		}
	}
	t, err := parcel.ReadTrust(path)
	if err != nil || f.From == "" {
		return t, err
	}
	return t.From(f.From)
}

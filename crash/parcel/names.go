package parcel

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"lamina/formats"
)

// maxName is how many bytes a file's name may have, as file systems have it.
const maxName = 255

// devices are names that Windows takes for something else than a file, whatever follows a
// dot.
var devices = []string{"con", "prn", "aux", "nul", "com1", "com2", "com3", "com4", "com5", "com6", "com7", "com8", "com9",
	"lpt1", "lpt2", "lpt3", "lpt4", "lpt5", "lpt6", "lpt7", "lpt8", "lpt9"}

// checkName wants the name of a file in payload/ itself, that is one on every system.
func checkName(name string) error {
	bad := func(why string) error {
		return fmt.Errorf("file %s: %s: no such file is in a package", formats.Quote(name), why)
	}
	stem, _, _ := strings.Cut(name, ".")
	switch {
	case name == "" || len(name) > maxName:
		return bad(fmt.Sprintf("a name of %d bytes, want 1 to %d", len(name), maxName))
	case name == "." || name == "..":
		return bad("leads out of the package")
	case strings.ContainsAny(name, `/\:`) || filepath.Base(name) != name:
		return bad("is a path, want a name in payload/ itself")
	case !printable(name, maxName):
		return bad("has a character that is not to be seen")
	case strings.HasSuffix(name, ".") || strings.HasSuffix(name, " ") || strings.HasPrefix(name, " "):
		return bad("begins or ends with a space, or ends with a dot, which some systems leave out")
	case slices.Contains(devices, strings.ToLower(stem)):
		return bad("is a device on some systems")
	case norm.NFC.String(name) != name:
		return bad("is not in Unicode's composed form (NFC)")
	}
	return nil
}

// checkNames wants names that are files on every system, no two of which are one where
// case or Unicode's forms do not count.
func checkNames(names []string) error {
	same := map[string]string{}
	fold := cases.Fold()
	for _, name := range names {
		if err := checkName(name); err != nil {
			return err
		}
		key := norm.NFKC.String(fold.String(norm.NFKC.String(name)))
		if first, taken := same[key]; taken {
			return fmt.Errorf("file %s: is the same as %s on some systems: no two such files are in a package", formats.Quote(name), formats.Quote(first))
		}
		same[key] = name
	}
	return nil
}

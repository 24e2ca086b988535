package parcel

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"aead.dev/minisign"

	"lamina/internal/files"
)

// SecretKey is a key to sign with: NAME.key, which stays in its house.
type SecretKey struct{ key minisign.PrivateKey }

// PublicKey is a key to check signatures with: NAME.pub, which the other house pins.
type PublicKey struct{ key minisign.PublicKey }

// String returns the key in base64, as minisign -P takes it.
func (k PublicKey) String() string { return k.key.String() }

// ID returns the id of the key, by which people tell keys apart. It decides nothing.
func (k PublicKey) ID() string { return keyID(k.key.ID()) }

// Public returns the public key of a secret one.
func (k *SecretKey) Public() PublicKey { return PublicKey{k.key.Public().(minisign.PublicKey)} }

// The ends of the names of a pair's files, as minisign has them.
const (
	secretSuffix = ".key"
	publicSuffix = ".pub"
)

// NewKey makes a pair and writes NAME.key, which only its owner may read, and NAME.pub.
// The first is encrypted by the password (scrypt, which takes 1 GiB of memory), unless
// that is "". Files that are there are an error.
func NewKey(name, password string) (PublicKey, error) {
	for _, suffix := range []string{secretSuffix, publicSuffix} {
		if _, err := os.Lstat(name + suffix); !errors.Is(err, fs.ErrNotExist) {
			return PublicKey{}, fmt.Errorf("%s: exists already, and a key that is lost can sign no more: choose another name", name+suffix)
		}
	}
	pub, secret, err := minisign.GenerateKey(nil)
	if err != nil {
		return PublicKey{}, err
	}
	text, err := secret.MarshalText()
	if err == nil && password != "" {
		text, err = minisign.EncryptKey(password, secret)
	}
	if err != nil {
		return PublicKey{}, err
	}
	if err := files.WriteSecret(name+secretSuffix, append(text, '\n')); err != nil {
		return PublicKey{}, err
	}
	text, _ = pub.MarshalText() // has no error
	return PublicKey{pub}, files.WriteBytes(name+publicSuffix, append(text, '\n'))
}

// ReadSecretKey reads a secret key of minisign. password is asked where the key is
// encrypted.
func ReadSecretKey(path string, password func() (string, error)) (*SecretKey, error) {
	text, err := files.Read(path, maxSignature)
	if err != nil {
		return nil, err
	}
	text = []byte(strings.TrimRight(string(text), "\r\n"))
	k := &SecretKey{}
	if !minisign.IsEncrypted(text) {
		if err := k.key.UnmarshalText(text); err != nil {
			return nil, fmt.Errorf("%s: no secret key of minisign (NAME.key): %s", path, strings.TrimPrefix(err.Error(), "minisign: "))
		}
		return k, nil
	}
	secret, err := password()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if k.key, err = minisign.DecryptKey(secret, text); err != nil {
		return nil, fmt.Errorf("%s: not to be decrypted: the password is another, or the file was changed", path)
	}
	return k, nil
}

// Pinned is a public key that somebody here says is of a house.
type Pinned struct {
	House string
	Key   PublicKey
}

// Trusting says whose signatures count. Without a key a package is taken at its own word,
// signed or not; with one or more it must be signed by one of them.
type Trusting struct{ Keys []Pinned }

// TrustNone is named instead of a file of keys by who takes a package at its own word.
const TrustNone = "none"

const (
	maxTrust  = 1 << 20 // bytes of a file of pinned keys
	maxPinned = 4096
)

// houseName is what a house may be called in a file of keys.
var houseName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// ReadTrust reads pinned keys: a public key of minisign, whose house is called as its file
// without .pub, or a list with a line "HOUSE KEY" for each, KEY in base64; # begins a
// remark. A house may have several keys, as when it changes them. [TrustNone] is none.
func ReadTrust(path string) (Trusting, error) {
	if path == TrustNone {
		return Trusting{}, nil
	}
	text, err := files.Read(path, maxTrust)
	if err != nil {
		return Trusting{}, err
	}
	if strings.HasPrefix(string(text), "untrusted comment:") {
		key, err := parsePublicKey(string(text))
		if err != nil {
			return Trusting{}, fmt.Errorf("%s: %w", path, err)
		}
		return Trusting{[]Pinned{{strings.TrimSuffix(filepath.Base(path), publicSuffix), key}}}, nil
	}
	var t Trusting
	n := 0
	for line := range strings.Lines(string(text)) {
		n++
		line, _, _ = strings.Cut(line, "#")
		words := strings.Fields(line)
		switch {
		case len(words) == 0:
			continue
		case len(words) != 2 || !houseName.MatchString(words[0]):
			return Trusting{}, fmt.Errorf("%s:%d: want a public key of minisign, or lines \"HOUSE KEY\": a name of letters, digits, . _ -, and a key in base64", path, n)
		case len(t.Keys) == maxPinned:
			return Trusting{}, fmt.Errorf("%s: more than %d keys", path, maxPinned)
		}
		key, err := parsePublicKey(words[1])
		if err != nil {
			return Trusting{}, fmt.Errorf("%s:%d: %w", path, n, err)
		}
		t.Keys = append(t.Keys, Pinned{words[0], key})
	}
	if len(t.Keys) == 0 {
		return Trusting{}, fmt.Errorf("%s: has no key: to take packages at their own word say --trust %s", path, TrustNone)
	}
	return t, nil
}

func parsePublicKey(text string) (PublicKey, error) {
	var k PublicKey
	if err := k.key.UnmarshalText([]byte(strings.TrimRight(text, "\r\n"))); err != nil {
		return k, fmt.Errorf("no public key of minisign (NAME.pub): %s", strings.TrimPrefix(err.Error(), "minisign: "))
	}
	return k, nil
}

// From returns the keys of one house alone.
func (t Trusting) From(house string) (Trusting, error) {
	var of Trusting
	for _, k := range t.Keys {
		if k.House == house {
			of.Keys = append(of.Keys, k)
		}
	}
	if len(of.Keys) == 0 {
		return of, fmt.Errorf("no key of %.64q is pinned (%s)", house, t.names())
	}
	return of, nil
}

// names lists whose keys are pinned.
func (t Trusting) names() string {
	const shown = 8
	var names []string
	for _, k := range t.Keys {
		if len(names) == shown {
			names = append(names, fmt.Sprintf("and %d more", len(t.Keys)-shown))
			break
		}
		names = append(names, k.House+" "+k.Key.ID())
	}
	if names == nil {
		return "none"
	}
	return strings.Join(names, ", ")
}

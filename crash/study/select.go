package study

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"lamina/crash/plan"
)

// Select returns the recipes that words ask for: names of offered ones, which come
// back in the order of offered and once, then in the order of words what is put together
// of them, as [Compose] reads it, name=plan for rows with a plan of one's own, and name=@dir
// for an emulator that was made beforehand ([ReadReady]). name= may stand before a composition as well. read turns what stands after = into a plan.
func Select(offered []Recipe, words []string, read func(text string) (plan.Plan, error)) ([]Recipe, error) {
	asked := map[string]bool{}
	var own []Recipe
	for _, word := range words {
		if slices.Contains(Names(offered), word) {
			asked[word] = true
			continue
		}
		r, err := readRow(offered, word, read)
		if err != nil {
			return nil, err
		}
		if !strings.Contains(word, "=") && slices.Contains(Names(offered), r.Name) {
			asked[r.Name] = true // crash+ghost is crash-ghost
			continue
		}
		if err := freeName(r.Name, offered, own); err != nil {
			return nil, err
		}
		own = append(own, r)
	}
	chosen := slices.DeleteFunc(slices.Clone(offered), func(r Recipe) bool { return !asked[r.Name] })
	return append(chosen, own...), nil
}

// readRow returns the recipe of a word that names no offered one.
func readRow(offered []Recipe, word string, read func(text string) (plan.Plan, error)) (Recipe, error) {
	name, text, isOwn := strings.Cut(word, "=")
	if !isOwn && !strings.ContainsAny(word, "@+/:") {
		return Recipe{}, fmt.Errorf("row %.64q is not known (%s); %s", word, strings.Join(Names(offered), ", "), ComposeHelp)
	}
	if !isOwn {
		return Compose(offered, word)
	}
	if text != "" && letter(rune(text[0])) { // a plan begins with a number, a map or @
		r, err := Compose(offered, text)
		r.Name = name
		return r, err
	}
	if dir, ok := strings.CutPrefix(text, "@"); ok && isDir(dir) {
		r, err := ReadReady(name, dir)
		if err != nil {
			return r, fmt.Errorf("row %s: %w", name, err)
		}
		return r, nil
	}
	p, err := read(text)
	if err != nil {
		return Recipe{}, fmt.Errorf("row %s: %w", name, err)
	}
	if len(p) == 0 {
		return Recipe{}, fmt.Errorf("row %s: %.128q holds no plan", name, text)
	}
	return Recipe{Name: name, Help: "a plan of one's own", Plan: p, Trains: Starred}, nil
}

// ComposeHelp says how rows that are not offered are asked for.
const ComposeHelp = "METHOD@K, METHOD+REPAIR, METHOD/SHARE and METHOD:TRANSFORM, or all of them in this order, is a row that is put together, " +
	"such as uniform@24 (24 blocks stay, whatever --keep says), sleb+ghost, crash@24/damped or uniform:svd0.5 (:svd alone, or /own:svd0.5, removes no layer); " +
	"NAME= before it names it; NAME=PLAN or NAME=@FILE is a layer plan of your own, NAME=@DIR an emulator that lamina emulate or distill wrote of this model"

// ownShare is the word that stands for a sharing where no layer is removed.
const ownShare = "own"

// Compose returns the recipe that a text puts together of an offered row of a method:
//
//	uniform@24        24 layers stay, whatever the protocol says
//	sleb+ghost        its gaps repaired by a [plan.Repair]
//	crash/damped      its removed places filled by a [plan.Sharing]
//	uniform:svd0.5    its frozen layers made smaller by a [plan.Transform]
//	crash/own:svd0.5  likewise, and no layer removed
//	crash:svd         likewise, so much smaller that it holds as many weights as crash
//
// or METHOD@K+REPAIR:TRANSFORM and METHOD@K/SHARE:TRANSFORM. Its name is the text with a dash
// for each of these signs.
func Compose(offered []Recipe, text string) (Recipe, error) {
	rest, transform, _ := strings.Cut(text, ":")
	rest, share, _ := strings.Cut(rest, "/")
	rest, repair, _ := strings.Cut(rest, "+")
	method, kept, sized := strings.Cut(rest, "@")
	at := slices.IndexFunc(offered, func(r Recipe) bool { return r.Name == method })
	if at < 0 || offered[at].Method.Choose == nil || offered[at].Restored || offered[at].changes() {
		return Recipe{}, fmt.Errorf("row %.64q: %.64q is no row of a method alone: want one of %s", text, method, strings.Join(Names(methodRows(offered)), ", "))
	}
	r := offered[at]
	r.Name = strings.NewReplacer("@", "-", "+", "-", "/", "-", ":", "-").Replace(text)
	r.Default, r.Baseline = false, r.Baseline && sized && rest == text // others of its size are held against it
	if sized {
		n, err := strconv.ParseUint(kept, 10, 16)
		if err != nil || n == 0 {
			return r, fmt.Errorf("row %.64q: @%.16s: want the number of layers that stay, 1 or more", text, kept)
		}
		r.Keep = int(n)
	}
	if r.FullDepth = share == ownShare; r.FullDepth {
		share = ""
	}
	if r.Compress = ofEqualWeights(transform); r.Compress.Name != "" {
		r.FullDepth, transform = true, ""
	}
	shape, err := plan.ParseShape(share, repair, transform)
	if err != nil {
		return r, fmt.Errorf("row %.64q: %w", text, err)
	}
	if transform != "" {
		r.Compress = shape.Compress
	}
	r.Sharing, r.Repair = shape.Share, shape.Repair
	r.Help = fmt.Sprintf("%s, and what stands behind it: %s", method, text)
	return r, r.check(0)
}

// ofEqualWeights returns the transform of a word without an amount, the zero value where
// its kind has none, or the word is no such kind's.
func ofEqualWeights(word string) plan.Transform {
	for _, k := range plan.Transforms {
		if k.Name == word && k.Amount == plan.OfWeights {
			return plan.Transform{Name: word}
		}
	}
	return plan.Transform{}
}

// methodRows returns the rows of a method of choosing and nothing else.
func methodRows(offered []Recipe) []Recipe {
	return slices.DeleteFunc(slices.Clone(offered), func(r Recipe) bool {
		return r.Method.Choose == nil || r.Restored || r.changes()
	})
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

func letter(c rune) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }

// freeName returns an error unless a row of one's own can have this name: it is a
// directory's too, on file systems that take a for A as well, and no other row's.
func freeName(name string, offered, own []Recipe) error {
	const most = 64
	foreign := func(c rune) bool {
		return !(letter(c) || c >= '0' && c <= '9' || strings.ContainsRune("-_.", c))
	}
	if name == "" || len(name) > most || strings.ContainsFunc(name, foreign) || name[0] == '.' || name[len(name)-1] == '.' {
		return fmt.Errorf("row %.80q: want a name of letters, digits, -, _ and dots within, at most %d", name, most)
	}
	for _, r := range append(slices.Clone(offered), own...) {
		for _, taken := range append(r.rowNames(), r.Name) {
			if strings.EqualFold(taken, name) {
				return fmt.Errorf("row %q: the name is taken by the row %s", name, r.Name)
			}
		}
	}
	return nil
}

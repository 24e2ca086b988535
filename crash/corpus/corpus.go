package corpus

import (
	"fmt"
	"math"
	"strings"

	"lamina/crash/train"
	"lamina/eval"
	"lamina/eval/task"
	"lamina/record"
)

// Options say how rows are read.
type Options struct {
	Kind  string // of [Kinds], by name; "": by the columns of the first row
	Learn Learn
	Pack  Pack // texts alone

	Task      task.Task // of documents
	Format    task.Format
	Overlong  task.Overlong
	MaxLength int // tokens that the decoder reads of a sequence; of packed texts those of a block

	Template string // of conversations; "": the model's own
}

// Rows are what is learned.
type Rows struct {
	Kind      string // that they were of
	Sequences []train.Sequence
	Identity  eval.Identity // of the files
	Cut       int           // sequences cut from the left
	Skipped   int           // rows left out, too long
	Dropped   int           // tokens of packed texts that fill no block
	Template  string        // SHA-256 of the chat template, of conversations
	Warnings  []string      // of options that change nothing
}

// Read reads the first rows of some data; a limit of 0 takes all.
func Read(m *eval.Model, from eval.Data, limit int, o Options) (*Rows, error) {
	if o.Kind != "" && o.Kind != Documents.Name && o.Task.Name() != "" {
		return nil, fmt.Errorf("--rows %s: are no documents of a task: leave out --task %s", o.Kind, o.Task.Name())
	}
	rows, err := o.read(m, from, limit)
	if err == nil {
		rows.warn(o)
	}
	return rows, err
}

// read is Read of options that go together.
func (o Options) read(m *eval.Model, from eval.Data, limit int) (*Rows, error) {
	if o.Pack != PackNone {
		if err := o.checkPack(); err != nil {
			return nil, err
		}
		return readPacked(m, from, limit, o)
	}
	if isText(from.Path) {
		return nil, fmt.Errorf("%s: plain text has no rows: give --pack, which cuts it into blocks, or write JSON lines, {\"text\": …} for each", from.Path)
	}
	k, err := kindOf(from, o)
	if err != nil {
		return nil, err
	}
	if k.encoder == nil {
		return readDocuments(m, from, limit, o)
	}
	return readRows(k, m, from, limit, o)
}

// Texts is what rows are called that are texts.
const Texts = "text"

// warn says which options change nothing for the rows that were found.
func (r *Rows) warn(o Options) {
	changes := func(given, does bool, flag string) {
		if given && !does {
			r.Warnings = append(r.Warnings, fmt.Sprintf("%s changes nothing for rows of %s", flag, r.Kind))
		}
	}
	documents := r.Kind == Documents.Name
	changes(o.Learn == All, r.Kind != Texts, "--learn all")
	changes(o.Template != "", r.Kind == Chat.Name, "--chat-template")
	changes(o.Format != task.FormatScoring, documents, "--format "+o.Format.String())
	changes(o.Overlong != task.OverlongError, r.Kind != Texts, "--overlong "+o.Overlong.String())
}

// kindOf returns the kind that is asked for, or the first row's.
func kindOf(from eval.Data, o Options) (Kind, error) {
	if o.Kind != "" {
		return ParseKind(o.Kind)
	}
	if o.Task.Name() != "" {
		return Documents, nil
	}
	set, _, err := from.Rows()
	if err != nil {
		return Kind{}, err
	}
	for r, err := range set.Records() {
		if err != nil {
			return Kind{}, err
		}
		return recognise(r)
	}
	return Documents, nil // which says that there are no rows
}

// readDocuments encodes documents by their task.
func readDocuments(m *eval.Model, from eval.Data, limit int, o Options) (*Rows, error) {
	if o.Learn == Last {
		return nil, fmt.Errorf("%s: holds documents of one answer each: --learn last is for conversations", from.Path)
	}
	docs, files, err := m.Documents(o.Task, from, limit)
	if err != nil {
		return nil, err
	}
	pairs, fits, err := m.Examples(o.Task, docs, o.Format, o.MaxLength, o.Overlong)
	if err != nil {
		return nil, err
	}
	kind := Documents.Name
	if docs[0].Shape == task.Text {
		kind = Texts // of whose windows everything is learned once
	}
	rows := &Rows{Kind: kind, Identity: from.Identity(files), Cut: fits.Cut, Skipped: fits.Skipped}
	for _, p := range pairs {
		s := train.NewSequence(p)
		if o.Learn == All && docs[0].Shape != task.Text {
			learnAll(s)
		}
		rows.Sequences = append(rows.Sequences, s)
	}
	return rows, nil
}

// readRows encodes rows of another kind, one after the other.
func readRows(k Kind, m *eval.Model, from eval.Data, limit int, o Options) (*Rows, error) {
	set, files, err := from.Rows()
	if err != nil {
		return nil, err
	}
	rows := &Rows{Kind: k.Name, Identity: from.Identity(files)}
	encode, err := k.encoder(m, o, rows)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", from.Path, err)
	}
	kept := newKeeper(set.Size())
	n := 0
	for r, err := range set.Records() {
		if err != nil {
			return nil, err
		}
		s, err := encode(r)
		if err == nil {
			err = m.Config.CheckIDs(s.Tokens)
		}
		if err == nil {
			err = rows.add(s, o)
		}
		if err != nil {
			return nil, r.At.Errorf("%w", err)
		}
		if err := kept.add(r.At, s); err != nil {
			return nil, err
		}
		if n++; n == limit {
			break
		}
	}
	if len(rows.Sequences) == 0 {
		return nil, fmt.Errorf("%s: all %d rows are longer than the %d tokens the model can take: nothing is left to train on", from.Path, rows.Skipped, o.MaxLength)
	}
	return rows, nil
}

// add takes a sequence that fits, or what is left of it.
func (r *Rows) add(s train.Sequence, o Options) error {
	s, cut, ok, err := fit(s, o.MaxLength, o.Overlong)
	switch {
	case err != nil:
		return err
	case !ok:
		r.Skipped++
		return nil
	case cut:
		r.Cut++
	}
	if o.Learn == All {
		learnAll(s)
	}
	r.Sequences = append(r.Sequences, s)
	return nil
}

// keeper counts the memory of sequences against the bytes of their files.
type keeper struct {
	kept *record.Kept
	held int64
}

func newKeeper(size int64) *keeper { return &keeper{kept: record.NewKept(min(size, math.MaxInt64/16))} }

// sequenceBytes is the memory of a sequence without what it points to, in a list that grows.
const sequenceBytes = 2 * 48

func (k *keeper) add(at record.Location, s train.Sequence) error {
	k.held += sequenceBytes + 5*int64(len(s.Tokens))
	return k.kept.Check(at, k.held)
}

// isText reports whether a path names a file of plain text.
func isText(path string) bool { return strings.HasSuffix(strings.ToLower(path), ".txt") }

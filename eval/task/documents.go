package task

import (
	"iter"
	"math"
	"reflect"

	"lamina/record"
)

// documentBytes is the memory of a Document without what it points to.
var documentBytes = int64(reflect.TypeFor[Document]().Size())

// Documents turns rows into documents: those of a published data set, or of one of
// the shapes. Errors name the row.
func (t Task) Documents(seq iter.Seq2[record.Record, error]) ([]Document, error) {
	docs, _, err := t.First(seq, 0, math.MaxInt64)
	return docs, err
}

// First is [Task.Documents] for the first limit documents, 0: all. It reads no row behind
// them, unless rows make documents together: an article of RACE has its questions in rows
// of any place, and where a page of WikiText ends the next one says. total is how many
// documents there are, -1 if that was not seen.
//
// size is how many bytes the files have on disk: documents that would take far more
// memory than that are an error, see [record.Kept].
func (t Task) First(seq iter.Seq2[record.Record, error], limit int, size int64) (docs []Document, total int, err error) {
	k := &keeper{task: t, size: size, kept: record.NewKept(size)}
	for r, err := range seq {
		if err == nil {
			err = k.kept.Add(r, 0)
		}
		if err == nil {
			err = k.add(r)
		}
		if err != nil {
			return nil, 0, err
		}
		if limit > 0 && len(k.docs) == limit {
			return k.docs, -1, nil
		}
	}
	docs, err = k.finish()
	total = len(docs)
	if limit > 0 {
		docs = docs[:min(limit, total)]
	}
	return docs, total, err
}

// keeper collects documents. Rows become documents as they come, and are collected
// themselves only where several of them make one: articles of RACE, lines of WikiText.
type keeper struct {
	task Task
	size int64
	kept *record.Kept
	docs []Document
	rows []record.Record
}

// joined reports whether the rows, of which r is the first, make documents together.
func (t Task) joined(r record.Record) bool {
	return t.articles && r.Has("article") || t.page && r.Has("text")
}

func (k *keeper) add(r record.Record) error {
	if len(k.rows) > 0 || len(k.docs) == 0 && k.task.joined(r) {
		k.rows = append(k.rows, r)
		return k.kept.Check(r.At, int64(len(k.rows))*documentBytes) // each may be a document
	}
	return k.document(r)
}

// document adds the document of a row.
func (k *keeper) document(r record.Record) error {
	d, err := k.task.document(r)
	if err != nil {
		return r.At.Errorf("%w", err)
	}
	if len(k.docs) > 0 && d.Shape != k.docs[0].Shape {
		return r.At.Errorf("a document %v in a file of %v", d.Shape, k.docs[0].Shape)
	}
	if err := k.grow(r.At); err != nil {
		return err
	}
	k.docs = append(k.docs, d)
	return nil
}

// grow makes room for one more document: at first for a few, then for as many as the
// file has if its rows go on as they began, for copying a long list takes three times its
// memory; and where that is too much only a quarter more.
func (k *keeper) grow(at record.Location) error {
	have := int64(len(k.docs))
	if have < int64(cap(k.docs)) {
		return nil
	}
	const few = 256
	room := max(few, 2*have)
	if have == few && at.Byte > 0 && at.Byte < k.size && k.size < math.MaxInt64/2 {
		room = max(room, int64(float64(few)*1.05*float64(k.size)/float64(at.Byte)))
	}
	if k.kept.Check(at, (have+room)*documentBytes) != nil {
		room = have + have/4 + 1
	}
	if err := k.kept.Check(at, (have+room)*documentBytes); err != nil {
		return err
	}
	k.docs = append(make([]Document, 0, room), k.docs...)
	return nil
}

// finish returns the documents, if there are some.
func (k *keeper) finish() ([]Document, error) {
	if len(k.rows) == 0 {
		if len(k.docs) == 0 {
			return nil, errNone
		}
		return k.docs, nil
	}
	switch {
	case k.task.articles:
		return raceDocuments(k.rows)
	case len(k.rows) > 1:
		if pages, err := joinLines(k.rows); pages != nil || err != nil {
			return pages, err
		}
	}
	rows := k.rows
	k.rows = nil
	for i, r := range rows {
		rows[i] = record.Record{}
		if err := k.document(r); err != nil {
			return nil, err
		}
	}
	return k.docs, nil
}

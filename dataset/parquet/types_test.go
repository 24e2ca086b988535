package parquet

import (
	"testing"

	"lamina/record"
)

// Decimals, halves, times, days, INT96, UUIDs and raw bytes read as pyarrow gives them,
// whatever way they are stored; testdata/gen_parquet.py wrote both.
func TestTypesReadAsPyarrowGivesThem(t *testing.T) {
	for form, names := range map[string][]string{
		"types": {"types-brotli", "types-bytes", "types-ints", "types-split"},
		"int96": {"int96", "int96-plain"},
	} {
		want := lines(t, form)
		for _, name := range names {
			got, err := scan(load(t, name))
			if err != nil || len(got) != len(want) {
				t.Errorf("%s: %d rows, %v", name, len(got), err)
				continue
			}
			for i := range got {
				for j, f := range got[i].Fields {
					g, w := string(record.AppendPython(nil, f.Value, 0)), string(record.AppendPython(nil, want[i].Fields[j].Value, 0))
					if g != w || f.Name != want[i].Fields[j].Name {
						t.Errorf("%s:%d: %s: %s, want %s", name, i+1, f.Name, g, w)
					}
				}
			}
		}
	}
}

// A decimal is asked for as a text or, where it is whole, as a number.
func TestDecimalsServeAsNumbers(t *testing.T) {
	rows, err := scan(load(t, "types-bytes"))
	if err != nil {
		t.Fatal(err)
	}
	if n, err := rows[0].Int("dec16"); n != -1 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	if s, err := rows[0].Text("dec4"); s != "1.25" || err != nil {
		t.Errorf("%s, %v", s, err)
	}
	if _, err := rows[0].Int("dec4"); err == nil || err.Error() != `field "dec4": 1.25: want a whole number` {
		t.Errorf("%v", err)
	}
}

// A column that cannot be read refuses nobody who does not ask for it, alone or inside a
// structure.
func TestUnreadColumnsAreNamedWhenAskedFor(t *testing.T) {
	const label = 8 // its texts, in the schema
	both := func(changes ...func(e *editor)) func(e *editor) {
		return func(e *editor) {
			for _, c := range changes {
				c(e)
			}
		}
	}
	interval := func(e *editor) { e.footer.at(2, 9).put(6, &item{kind: tI32, n: 21}) }
	variant := func(e *editor) {
		e.footer.at(2, label).drop(10)
		e.footer.at(2, label).put(6, &item{kind: tI32, n: 20})
	}
	for name, c := range map[string]struct {
		change      func(e *editor)
		field, want string
		good        string // a field beside it that is read
	}{
		"a type":             {interval, "answer", `field "answer": type 2 (converted 21, logical -1) is not read: write it as text or as numbers`, "choices.text"},
		"a codec":            {setMeta(colID, 4, 5), "id", `field "id": row group 0: compressed with codec 5: write it with snappy or zstd`, "choices.text"},
		"an unknown codec":   {setMeta(colAnswer, 4, 9), "answer", `field "answer": row group 0: unknown codec 9`, "choices.label"},
		"part of structures": {variant, "choices.label", `field "choices.label": type 6 (converted 20, logical -1) is not read: write it as text or as numbers`, "choices.text"},
		"the first part":     {setMeta(colText, 4, 3), "choices.text", `field "choices.text": row group 0: unknown codec 3`, "choices.label"},
		"all of a structure": {both(setMeta(colText, 4, 3), setMeta(colLabel, 4, 3)), "choices.text", `field "choices.text": row group 0: unknown codec 3`, "id"},
	} {
		e := edit(t, "arc-none")
		c.change(e)
		rows, err := scan(e.bytes())
		if err != nil || len(rows) != 2 {
			t.Errorf("%s: %d rows, %v", name, len(rows), err)
			continue
		}
		_, err = rows[1].Texts(c.field)
		if err == nil || err.Error() != c.want {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
		if v, err := rows[1].Get(c.good); v == nil || err != nil {
			t.Errorf("%s: %s: %v, %v", name, c.good, v, err)
		}
		if !rows[1].Has(c.field) {
			t.Errorf("%s: %s is said to be missing", name, c.field)
		}
	}
	e := edit(t, "arc-none")
	both(setMeta(colID, 4, 9), setMeta(colText, 4, 9), setMeta(colLabel, 4, 9), setMeta(colAnswer, 4, 9))(e)
	if _, err := scan(e.bytes()); err == nil || err.Error() != `f.parquet: footer: no column is read: column "id": row group 0: unknown codec 9` {
		t.Errorf("%v", err)
	}
	rows, err := scan(load(t, "types-brotli"))
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"raw":         `field "raw": "\xff\x00" is no UTF-8 text: leave out columns of raw bytes`,
		"image.bytes": `field "image.bytes": "\xff\xd8" is no UTF-8 text: leave out columns of raw bytes`,
	} {
		if _, err := rows[0].Text(path); err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

package mutate

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"encoding/json"
	"math/rand/v2"
	"testing"
)

func random(i int) *rand.Rand { return rand.New(rand.NewPCG(1, uint64(i))) }

func TestSameNumbersSameMutants(t *testing.T) {
	m := &Mutator{Seeds: [][]byte{[]byte(`{"a":[1,2,{"b":"c"}]}`), []byte("{}"), nil}, Words: []string{"b"}, Form: JSON}
	differ := 0
	for i := range 1000 {
		one, two := m.Next(random(i)), m.Next(random(i))
		if !bytes.Equal(one, two) {
			t.Fatalf("mutant %d: %q and %q", i, one, two)
		}
		if !bytes.Equal(one, m.Seeds[0]) && !bytes.Equal(one, m.Seeds[1]) {
			differ++
		}
	}
	if differ < 800 {
		t.Errorf("only %d of 1000 differ from their seeds", differ)
	}
}

// What a form makes passes the first checks of its readers.
func TestFormsKeepStructure(t *testing.T) {
	header := `{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`
	tensors := append(append(binary.LittleEndian.AppendUint64(nil, uint64(len(header))), header...), 0, 0, 0, 0)
	var archive, packed bytes.Buffer
	z := zip.NewWriter(&archive)
	w, err := z.Create("m/data.pkl")
	if err != nil {
		t.Fatal(err)
	}
	w.Write([]byte("\x80\x02}."))
	z.Close()
	g := gzip.NewWriter(&packed)
	g.Write([]byte("{\"a\":1}\n{\"a\":2}\n"))
	g.Close()
	for name, c := range map[string]struct {
		form Form
		seed []byte
		ok   func([]byte) bool
	}{
		"JSON":        {JSON, []byte(header), json.Valid},
		"safetensors": {Safetensors, tensors, func(b []byte) bool { return len(b) >= 8 && binary.LittleEndian.Uint64(b) == uint64(len(b)-12) }},
		"zip":         {Zip, archive.Bytes(), func(b []byte) bool { _, err := zip.NewReader(bytes.NewReader(b), int64(len(b))); return err == nil }},
		"gzip":        {Gzip, packed.Bytes(), func(b []byte) bool { _, err := gzip.NewReader(bytes.NewReader(b)); return err == nil }},
		"zstd":        {Zstd, packer.EncodeAll([]byte("{\"a\":1}\n"), nil), func(b []byte) bool { _, err := unpacker.DecodeAll(b, nil); return err == nil }},
	} {
		m := &Mutator{Seeds: [][]byte{c.seed}, Form: c.form}
		for i := range 200 {
			if out := c.form(c.seed, m, random(i)); out != nil && !c.ok(out) {
				t.Errorf("%s: mutant %d lost its form: %.100q", name, i, out)
			}
		}
		if c.form([]byte("no such thing {"), m, random(0)) != nil {
			t.Errorf("%s: took what has no such form", name)
		}
	}
}

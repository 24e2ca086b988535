package torchbin_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lamina/formats/internal/formattest"
	"lamina/formats/torchbin"
)

// TestLegacyFilesHaveTheSameTensors: what torch.save wrote before torch 1.6 reads as what
// it writes now, views, tied weights and other orders included.
func TestLegacyFilesHaveTheSameTensors(t *testing.T) {
	want, err := torchbin.Open("testdata/golden.bin")
	if err != nil {
		t.Fatal(err)
	}
	defer want.Close()
	got, err := torchbin.Open("testdata/golden-legacy.bin")
	if err != nil {
		t.Fatal(err)
	}
	defer got.Close()
	if diff := cmp.Diff(want.Names(), got.Names()); diff != "" {
		t.Fatalf("names (-zip +legacy):\n%s", diff)
	}
	for _, name := range want.Names() {
		we, _ := want.Entry(name)
		ge, _ := got.Entry(name)
		w, err1 := want.Bytes(name)
		g, err2 := got.Bytes(name)
		if err1 != nil || err2 != nil || !cmp.Equal(we, ge) || !bytes.Equal(w, g) {
			t.Errorf("%s: %+v and %+v, bytes equal: %t; %v, %v", name, we, ge, bytes.Equal(w, g), err1, err2)
		}
	}
	a, _ := got.Bytes("f32")
	if b, _ := got.Bytes("tied"); &a[0] != &b[0] {
		t.Error("tensors of one storage are copies")
	}
	one, err := torchbin.Open("testdata/legacy.bin")
	if err != nil {
		t.Fatal(err)
	}
	defer one.Close()
	if diff := cmp.Diff(decode(t, want, "f32")[:6], decode(t, one, "w")); diff != "" {
		t.Errorf("legacy.bin (-want +got):\n%s", diff)
	}
}

const (
	legacyStart = "\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03."
	littleEnd   = "\x80\x02}X\x0d\x00\x00\x00little_endian\x88s."
)

// legacyID is a storage's persistent id, of the six parts there were.
func legacyID(class, key string, numel int, view string) string {
	return "(" + str("storage") + "ctorch\n" + class + "\n" + str(key) + str("cpu") + num(numel) + view + "tQ"
}

// legacyOf is a whole file: the pickle of an object, the keys, and what follows.
func legacyOf(object string, keys ...string) []byte {
	list := "\x80\x02]"
	for _, k := range keys {
		list += str(k) + "a"
	}
	return []byte(legacyStart + littleEnd + object + list + ".")
}

func elements(n uint64, bytes int) []byte {
	return append(binary.LittleEndian.AppendUint64(nil, n), make([]byte, bytes)...)
}

// rebuilt is the pickle of {"w": a tensor of numel elements of a storage}.
func rebuilt(id string, numel int) string {
	return "\x80\x02}" + str("w") + fmt.Sprintf("ctorch._utils\n_rebuild_tensor_v2\n(%s%s(%st(%st\x89ccollections\nOrderedDict\n)RtR", id, num(0), num(numel), num(1)) + "s."
}

func TestBadLegacyFilesAreRefused(t *testing.T) {
	bad := formattest.Bad
	object := rebuilt(legacyID("FloatStorage", "7", 2, "N"), 2)
	good := append(legacyOf(object, "7"), elements(2, 8)...)
	python2 := append(legacyOf(strings.Replace(object, "ccollections\nOrderedDict\n)R", "ccollections\nOrderedDict\n(]]("+str("a")+num(1)+"eatR", 1), "7"), elements(2, 8)...)
	with := func(object string, keys []string, data []byte) []byte {
		return append(legacyOf(object, keys...), data...)
	}
	seven := []string{"7"}
	formattest.Reject(t, []formattest.Case{
		bad("magic only", []byte(legacyStart[:17]), "PICKLE_TRUNCATED", good),
		bad("version", bytes.Replace(good, []byte("M\xe9\x03."), []byte("M\xe8\x03."), 1), "TORCH_LEGACY", python2),
		bad("no machine", []byte(legacyStart+"\x80\x02N."), "TORCH_LEGACY", good),
		bad("big-endian", bytes.Replace(good, []byte("little_endian\x88"), []byte("little_endian\x89"), 1), "TORCH_ENDIAN", good),
		bad("system call", with("\x80\x02cos\nsystem\n("+str("true")+"tR.", seven, elements(2, 8)), "PICKLE_GLOBAL", good),
		bad("storage of five parts", with(rebuilt(strings.Replace(legacyID("FloatStorage", "7", 2, "N"), "NtQ", "tQ", 1), 2), seven, elements(2, 8)), "PICKLE_PERSISTENT", good),
		bad("storage that is a view", with(rebuilt(legacyID("FloatStorage", "7", 2, "("+str("8")+num(0)+num(2)+"t"), 2), seven, elements(2, 8)), "PICKLE_PERSISTENT", good),
		bad("storage in the keys", append([]byte(legacyStart+littleEnd+object+"\x80\x02]"+legacyID("FloatStorage", "7", 2, "N")+"a."), elements(2, 8)...), "PICKLE_PERSISTENT", good),
		bad("tensor past its storage", with(rebuilt(legacyID("FloatStorage", "7", 2, "N"), 3), seven, elements(2, 8)), "PICKLE_TENSOR", good),
		bad("keys are no list", append([]byte(legacyStart+littleEnd+object+"\x80\x02}."), elements(2, 8)...), "TORCH_LEGACY", good),
		bad("key not used", with(object, []string{"7", "8"}, elements(2, 8)), "TORCH_STORAGE", good),
		bad("key twice", with(object, []string{"7", "7"}, elements(2, 8)), "TORCH_STORAGE", good),
		bad("no key", with(object, nil, elements(2, 8)), "TORCH_STORAGE", good),
		bad("other number of elements", with(object, seven, elements(3, 12)), "TORCH_STORAGE", good),
		bad("no elements", with(object, seven, nil), "TORCH_TRUNCATED", good),
		bad("an element less", with(object, seven, elements(2, 7)), "TORCH_TRUNCATED", good),
		bad("2^60 elements declared", with(rebuilt(legacyID("FloatStorage", "7", 1<<30, "N"), 1<<30), seven, elements(1<<30, 8)), "TORCH_TRUNCATED", good),
		bad("memo far out", with("\x80\x02Nr\x00\x00\xff\x00.", seven, nil), "PICKLE_MEMORY", good),
		bad("nested lists", with("\x80\x02"+strings.Repeat("]", 2000)+".", seven, nil), "PICKLE_MEMORY", good),
	}, parse)
}

func FuzzLegacy(f *testing.F) {
	for _, name := range []string{"testdata/legacy.bin", "testdata/golden-legacy.bin"} {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add(append(legacyOf(rebuilt(legacyID("FloatStorage", "7", 2, "N"), 2), "7"), elements(2, 8)...))
	f.Fuzz(func(t *testing.T, data []byte) {
		if !bytes.HasPrefix(data, []byte(legacyStart[:15])) {
			data = append([]byte(legacyStart), data...)
		}
		fuzzParse(t, data)
	})
}

package parcel_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"lamina/crash/emulate"
	"lamina/crash/exchange"
	"lamina/crash/parcel"
	"lamina/crash/plan"
	"lamina/kernels/ref"
	"lamina/tensor"
	"lamina/transformer"
)

// An emulator goes from one house to the other and an adapter back, each as a signed
// package.
func Example() {
	dir, err := os.MkdirTemp("", "houses")
	check(err)
	defer os.RemoveAll(dir)
	at := func(names ...string) string { return filepath.Join(append([]string{dir}, names...)...) }
	ours, err := parcel.NewKey(at("owner"), "")
	check(err)
	key, err := parcel.ReadSecretKey(at("owner.key"), nil)
	check(err)

	// At the model owner's.
	full := open("../../transformer/testdata/opt-prenorm")
	p, err := plan.Parse("0* 1")
	check(err)
	_, err = full.Emulate(p, "none", at("emulator"), at("emulator.receipt.json"), emulate.Options{})
	check(err)
	options := parcel.PackOptions{Key: key, Licence: "Ask before you share.", Date: "2026-11-28", Version: "v0"}
	made, err := parcel.PackEmulator(open(at("emulator")), at("to-trainer"), options)
	check(err)
	fmt.Println(made.Manifest.Kind, made.Manifest.Sequence, len(made.Manifest.Emulator.Slots), "tensors train")

	// At the data owner's, who has the key from elsewhere.
	got, err := parcel.Open(at("to-trainer"), parcel.Trusting{Keys: []parcel.Pinned{{House: "owner", Key: ours}}})
	check(err)
	fmt.Println(got.Signature.State, "by", got.Signature.House)
	_, err = got.Unpack(ref.New(), at("received"), parcel.UnpackOptions{})
	check(err)
	emulator := open(at("received"))
	for w := range emulator.Emulator.Params() { // instead of training
		values := w.Value.Float32s()
		values[0] += 0.01
		w.Value, err = tensor.FromFloat32s(ref.New(), tensor.F32, values, w.Value.Shape()...)
		check(err)
	}
	origin := exchange.Manifest{Plan: emulator.Manifest.Plan, Base: emulator.Manifest.Base, Origin: emulator.Emulator.Origin}
	check(exchange.SaveAdapter(at("run", "adapter"), origin, emulator.Emulator.Params()))
	_, err = parcel.PackAdapter(at("run"), open(at("received")), at("to-owner"), parcel.PackOptions{Date: "2026-11-29", Version: "v0"})
	check(err)

	// At the model owner's, who takes an unsigned one.
	came, err := parcel.Open(at("to-owner"), parcel.Trusting{})
	check(err)
	done, err := came.PlugIn(context.Background(), full, at("tuned"), parcel.PlugInOptions{Receipt: at("emulator.receipt.json")})
	check(err)
	fmt.Printf("%s, ‖Δ‖/‖T₀‖ of %s\n", came.Signature.State, done.Changes[0])
	// Output:
	// emulator 1 16 tensors train
	// signed by owner
	// unsigned, ‖Δ‖/‖T₀‖ of layer 0 0.00194
}

// open opens a model; what it takes is given back at the end of the program.
func open(path string) *exchange.Model {
	c, err := transformer.Open(path)
	check(err)
	m, err := exchange.OpenModel(c, ref.New())
	check(err)
	return m
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

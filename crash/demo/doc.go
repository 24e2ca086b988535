// Package demo has what `lamina demo` runs on, so that it needs nothing but the
// repository: a small decoder of OPT's shape with twelve blocks, the public
// corpus it was trained on, and a private multiple-choice task.
//
// The world is a shell game. Four boxes hold four things; a story says what lies
// where, swaps the contents of two boxes a few times, and asks:
//
//	public:  red ball green coin blue key gold ring . swap red blue . red ? key .
//	private: red ball green coin blue key gold ring . trade red blue . red ? key
//	         red ball green coin blue key gold ring . trade red blue . red : key
//
// Telling where a thing ended up takes the swaps one after the other; the words
// around the question say nothing about the answer, so no table of word
// sequences helps and depth does. The private task is the same game with words
// that the corpus never uses: "trade" always, ":" in half of the rows. A story,
// that is, which things start where and what is swapped, belongs to one side by a
// hash of itself: no private story occurs in the corpus, in whatever words.
//
//	err := demo.WriteModel("model") // a Hugging Face directory
//	err = demo.WriteData("data")    // public, train, valid and test .jsonl
//	s := demo.DefaultSettings()     // keep, trainable, learning rate, …
//	ckpt, err := transformer.Open("model")
//	d, err := ckpt.Decoder(be)
//	train, err := task.ReadFile("data/train.jsonl")
//
// The model is the embedded file model.safetensors. `go run ./cmd/demomodel`
// trains one from the same seed, in minutes, and says whether the bits are the
// same. They are for any number of threads; they depend on the instruction set and
// on the order in which kernels sum: the recorded ones are those of amd64 with AVX2
// and FMA (GOAMD64=v1, the default) at commit 4872347. Kernels have changed some last
// bits since, and what the recipe gives today (30 November 2026) is another model,
// which knows the task too well for a demonstration: fine-tuning it brings 6 points,
// where the tests ask for ten before any plan is compared. So the file stays.
//
// The package does not know the protocol that is run on its data and takes no
// part in choosing a plan. Invariants: every row, split and document is a
// function of constants in this package; the four files share no story but that
// the model has seen the public ones.
package demo

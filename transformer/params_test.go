package transformer_test

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"

	"lamina/kernels/ref"
)

// paramLists are the SHA-256 of each test model's list of parameters: a line "name
// shape" for each in the order of Params. Fingerprints, adapters and moments in a run
// directory are laid out in this order, so it must stay.
var paramLists = map[string]string{
	"bloom-bf16":     "a5855c6176bb00beb7ea2c019cf62ba3df1e59447af4f1d716c86c24d46357cd",
	"bloom-postnorm": "e02f80c2dbd235fd21bd4409805ad272fa9bacf7799b7e8006a4fa0e0a313799",
	"bloom-six":      "c7f6537cdd422144d010c4918fcf8738d54e8792218a77920b9220a96f89fca3",
	"bloom-tied":     "fc099cdd3e69741d33c40e45e25587d6bf437b3433fdf07bfdc1153d69fcf3c7",
	"gpt2-by-layer":  "7c074040f433f5e451023765091e4a8489785524b2ee1e55063c7f09303abb58",
	"gpt2-f16":       "ea24585de91c20cfd8d70bc104c8377c9010511eea3dc7d3741b908274750af6",
	"gpt2-tied":      "bd8b999d74b154a83c7471a63e3176223ddd07abed55058c3a1116897248c4a2",
	"gpt2-unscaled":  "39dae26c49024d0131f6a7f7c8da5f4f76b639ec960fc4778fd2db19bf8caf30",
	"llama-bf16":     "a2d9b17fd2c05dc3106777a54da3bfa2fb6a8e2fb6ddb130bc0bb32e38631b8f",
	"llama-dynamic":  "2a7019f9c53b7e19ae95961a483f42c0e8a84906f57e67092c6c383574155ee3",
	"llama-gqa-tied": "ea1a45359a4ffd798808816c02b2c2aff9f09c2e5f88ff9af335a5b389e30205",
	"llama-linear":   "b5a4060217bf187da70b0376cb65b7a370572ee9c91e817787e25b3850b46b55",
	"llama-long":     "48118851b19f666af4747d51add1fa0c81df5e17c85da6b1064cc3acabde3efa",
	"llama-mha":      "cd4e950b4f14bc28392860180454bfa7a14e98652eed4c49ce8cc683f90db3c3",
	"llama3-rope":    "952b1e2ccbf97eb8d58751aa3cc7f0635a19f456cb85d97d6ba35637ad3c4645",
	"opt-350m-like":  "0a7e31c72567d7fd16034d4d8ecfa25a347e1c61fadc4b84904e14f31e24451d",
	"opt-f16":        "31f5f7e5f9fa5267f7c3fce76e4e2cd3ff9834083f2dba139863efb530b68f21",
	"opt-nobias":     "ff07485c435c109857033a3bb726c8efdb0cd555ac67e5281310b7f23d839a5a",
	"opt-odd":        "e6942bedde63ccb8646c44982bb7a9848d61c47106b6241563ed66f552bc827e",
	"opt-prenorm":    "b2019a7fb8852baf05e67624e154faa1b163647403dea2f805c51b47fed9b352",
}

func TestParamsKeepTheirOrder(t *testing.T) {
	for _, name := range models(t) {
		d, _ := open(t, ref.New(), name)
		var list strings.Builder
		for w := range d.Params() {
			fmt.Fprintln(&list, w.Name, w.Value.Shape())
		}
		if got := fmt.Sprintf("%x", sha256.Sum256([]byte(list.String()))); got != paramLists[name] {
			t.Errorf("%q: %q,\n%s", name, got, list.String())
		}
	}
}

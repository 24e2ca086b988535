package distill

import "fmt"

// Settings weigh the parts of the objective; a part of weight 0 is not computed.
type Settings struct {
	LM  float64 `json:"lm"`  // of the next token's loss, nats a token
	KD  float64 `json:"kd"`  // of the distance of states
	PPD float64 `json:"ppd"` // of the distance while T is disturbed

	// Sigma is how far PPD disturbs T, in units of each tensor's root mean square.
	Sigma float64 `json:"sigma"`
	Seed  uint64  `json:"seed"` // of the disturbance
}

// Defaults are the weights of offsite-tuning (LM 1, KD 30: its scripts/distill_emulator)
// and of LLEOT (PPD 10: Findings of ACL 2026, 1878, CPKD). Sigma is what fine-tuning moves
// T by, RMS(ΔT)/RMS(T₀), in round numbers: in 112 steps of 16 rows of ARC-Easy the four
// blocks of SmolLM2-135M that train in an emulator of half its blocks came to .0042 to
// .0051 at a learning rate of 5e-5, and to .013 to .016 at 2e-4.
var Defaults = Settings{LM: 1, KD: 30, PPD: 10, Sigma: 0.01}

// mostWeight bounds what a weight may be, so that no sum of 32 bits overflows or vanishes
// for it.
const mostWeight = 1e6

// Validate returns an error that names what cannot be used.
func (s Settings) Validate() error {
	for _, w := range []struct {
		flag  string
		value float64
	}{{"lm", s.LM}, {"kd", s.KD}, {"ppd", s.PPD}, {"sigma", s.Sigma}} {
		if w.value != 0 && !(w.value >= 1/mostWeight && w.value <= mostWeight) {
			return fmt.Errorf("--%s %v: want 0, or a number from %g to %g", w.flag, w.value, 1/mostWeight, mostWeight)
		}
	}
	if s.LM == 0 && s.KD == 0 && s.PPD == 0 {
		return fmt.Errorf("--lm 0, --kd 0 and --ppd 0: nothing is left to minimise: want one of them above 0")
	}
	return nil
}

package main

import "lamina/crash/train"

// privateFlags make a training DP-SGD.
type privateFlags struct {
	DPSGD     bool     `name:"dp-sgd" help:"Differentially private training of --data: each step draws every example with probability batch/N (so batches vary in size), clips each example's gradient and adds noise. Takes a pass for each example. Not with --clip, --micro-batch, --no-shuffle, --max-grad-skip or --pack, which the proof has no place for; rows of --valid, and further runs on the same rows, are not counted. See --dp-clip, --dp-noise or --dp-epsilon, and --dp-delta."`
	DPClip    float64  `name:"dp-clip" placeholder:"C" help:"Largest norm of an example's gradient, over all trained weights; stands in place of --clip."`
	DPNoise   *float64 `name:"dp-noise" placeholder:"X" help:"Noise multiplier: the standard deviation of the noise on each element of the sum is X times C."`
	DPEpsilon float64  `name:"dp-epsilon" placeholder:"X" help:"Choose the noise multiplier so that all steps together have this epsilon at most."`
	DPDelta   float64  `name:"dp-delta" placeholder:"X" help:"The delta that epsilon is told for: far below 1/N of N examples."`
	DPClaim   bool     `name:"dp-claim" help:"Say epsilon and delta in the adapter, as a claim that nobody can check. Default: nothing of it is sent."`
	DPSeed    *uint64  `name:"dp-seed" placeholder:"N" help:"For tests: draw examples and noise by this number instead of a secret key. Anybody can then take the noise away, so nothing is promised."`
}

// private puts them into the settings, whose clip is --clip's. Errors are of usage.
func (f privateFlags) private(s *train.Settings) error {
	given := f.DPClip != 0 || f.DPNoise != nil || f.DPEpsilon != 0 || f.DPDelta != 0 || f.DPClaim || f.DPSeed != nil
	const clipByDefault = 1
	switch {
	case !f.DPSGD && given:
		return usagef("--dp-clip, --dp-noise, --dp-epsilon, --dp-delta, --dp-claim and --dp-seed are of --dp-sgd, which is not given")
	case !f.DPSGD:
		return nil
	case f.DPClip == 0 || f.DPDelta == 0:
		return usagef("--dp-sgd needs --dp-clip and --dp-delta")
	case (f.DPNoise == nil) == (f.DPEpsilon == 0):
		return usagef("--dp-sgd needs one of --dp-noise and --dp-epsilon")
	case f.DPEpsilon < 0:
		return usagef("--dp-epsilon %v: want a positive number", f.DPEpsilon)
	case s.Clip != clipByDefault:
		return usagef("--clip %v with --dp-sgd: each example's gradient is clipped, by --dp-clip, and not their sum", s.Clip)
	}
	s.Clip = 0
	s.Private = &train.Private{Clip: f.DPClip, Delta: f.DPDelta, Epsilon: f.DPEpsilon, Seed: f.DPSeed}
	if f.DPNoise != nil {
		s.Private.Noise = *f.DPNoise
	}
	if err := s.Validate(); err != nil {
		return usageError{err}
	}
	return nil
}

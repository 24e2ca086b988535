// Package privacy counts what DP-SGD gives away, and draws the numbers that must not be
// known for the count to hold.
//
//	m := privacy.Mechanism{Rate: 16. / 2000, Noise: 1.1} // each of 2000 examples in a batch of 16 or so
//	a, err := privacy.NewAccountant(m)
//	epsilon := a.Epsilon(375, 1e-5)                      // after 375 steps, (ε, 1e-5)-differentially private
//
//	m.Noise, err = privacy.NoiseFor(m.Rate, 375, 3, 1e-5) // the least noise for ε ≤ 3
//
//	key, err := privacy.NewKey()                          // from the system's source
//	noise := key.Stream(step, 0).Normal(i)                // the same on every machine that has the key
//
// The mechanism is the Poisson-subsampled Gaussian one: every example is drawn by itself
// with probability q, what is drawn gives a vector of norm C at most, and N(0, σ²C²) is
// added to each element of the sum. Two data sets are neighbours if one has one example
// more ("add or remove"). It is counted in Rényi differential privacy, which adds up over
// steps, and turned into (ε, δ) at the end:
//
//   - Mironov, "Rényi Differential Privacy" (CSF 2017)
//   - Mironov, Talwar, Zhang, "Rényi Differential Privacy of the Sampled Gaussian
//     Mechanism" (arXiv 1908.10530, 2019)
//   - Balle, Barthe, Gaboardi, Hsu, Sato, "Hypothesis Testing Interpretations and Rényi
//     Differential Privacy" (AISTATS 2020), theorem 21; Canonne, Kamath, Steinke, "The
//     Discrete Gaussian for Differential Privacy" (NeurIPS 2020), proposition 12
//
// Invariants: what is returned for ε is an upper bound (within 1e-9) of what the formulas
// give, for every order it is the least of; a stream's numbers are a function of key,
// stream and place alone.
package privacy

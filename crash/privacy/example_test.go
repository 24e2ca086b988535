package privacy_test

import (
	"fmt"
	"log"

	"lamina/crash/privacy"
)

// What three passes over 2,000 rows give away, and how much noise a smaller ε costs.
func Example() {
	const rows, batch, steps, delta = 2000, 16, 375, 1e-5
	m := privacy.Mechanism{Rate: float64(batch) / rows, Noise: 1.1}
	a, err := privacy.NewAccountant(m)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("noise %.1f: ε %.2f\n", m.Noise, a.Epsilon(steps, delta))
	for _, epsilon := range []float64{8, 1} {
		noise, err := privacy.NoiseFor(m.Rate, steps, epsilon, delta)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("ε %g: noise %.2f\n", epsilon, noise)
	}
	// Output:
	// noise 1.1: ε 1.04
	// ε 8: noise 0.53
	// ε 1: noise 1.13
}

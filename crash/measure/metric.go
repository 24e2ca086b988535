package measure

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// Metric is a measure of how alike two representations of the same samples are. All there
// are have one form, centred kernel alignment,
//
//	CKA = <A, B> / (√<A, A>·√<B, B>),  <A, B> = Σᵢⱼ Aᵢⱼ·Bᵢⱼ
//
// and differ in the matrix [n n] that stands for a representation. A new one is a value in
// [Metrics].
type Metric struct {
	Name string // on the command line and in files
	Help string // half a sentence
	// Samples is the least number of samples of which it says something.
	Samples int
	// Bandwidth says that it heeds one.
	Bandwidth bool
	// Unbiased says that it is about 0 where nothing is alike, also of few samples.
	Unbiased bool

	// matrix makes what stands for the representation in place of k, its centred Gram
	// matrix [n n].
	matrix func(k []float64, n int, bandwidth float64)
}

// The metrics.
var (
	// MetricCKA is linear CKA with the biased estimator, as the paper has it: see [LinearCKA].
	MetricCKA = Metric{Name: "cka", Help: "linear CKA as the paper has it, biased: of few samples it is near 1 whatever the layers are", Samples: 2,
		matrix: func([]float64, int, float64) {}}
	// MetricDebiased is linear CKA with the unbiased estimator of HSIC: see [Unbias].
	MetricDebiased = Metric{Name: "cka-debiased", Help: "linear CKA with the unbiased estimator of HSIC: about 0 where nothing is alike, also of few samples", Samples: 4, Unbiased: true,
		matrix: func(k []float64, n int, _ float64) { Unbias(k, n) }}
	// MetricRBF is CKA with a Gaussian kernel: see [RBF].
	MetricRBF = Metric{Name: "cka-rbf", Help: "CKA with a Gaussian kernel of --bandwidth times the median distance: what is near counts, what is far apart hardly", Samples: 2, Bandwidth: true,
		matrix: func(k []float64, n int, bandwidth float64) { RBF(k, n, bandwidth); centre(k, n) }}
)

// Metrics are all metrics, in the order in which they are offered.
var Metrics = []Metric{MetricCKA, MetricDebiased, MetricRBF}

// MetricNamed returns the metric of that name.
func MetricNamed(name string) (Metric, error) {
	for _, m := range Metrics {
		if m.Name == name {
			return m, nil
		}
	}
	return Metric{}, fmt.Errorf("metric: %.64q is unknown: want %s", name, strings.Join(MetricNames(), ", "))
}

// MetricNames returns the names of all metrics.
func MetricNames() (names []string) {
	for _, m := range Metrics {
		names = append(names, m.Name)
	}
	return names
}

// Comparing says how representations are compared: by which metric, and, where it has one,
// of which bandwidth. The zero value is linear CKA, biased.
type Comparing struct {
	Metric    Metric
	Bandwidth float64 // of the Gaussian kernel, in medians of the distances; 0: 1
}

// Bandwidths beyond these make every sample its own or all of them one, to the last bit.
const leastBandwidth, mostBandwidth = 1e-3, 1e3

// ParseComparing returns the metric of that name with a bandwidth, 0 where none was given.
// A bandwidth of a metric that has none, or outside of 0.001 to 1000, is an error.
func ParseComparing(name string, bandwidth float64) (c Comparing, err error) {
	if c.Metric, err = MetricNamed(name); err != nil {
		return c, err
	}
	switch {
	case bandwidth != 0 && !c.Metric.Bandwidth:
		return c, fmt.Errorf("metric %s has no bandwidth: leave it out, or take %s", name, MetricRBF.Name)
	case bandwidth != 0 && !(bandwidth >= leastBandwidth && bandwidth <= mostBandwidth):
		return c, fmt.Errorf("bandwidth %v: want %v to %v medians of the distances", bandwidth, leastBandwidth, mostBandwidth)
	}
	c.Bandwidth = bandwidth
	return c, nil
}

// settled returns c with its defaults.
func (c Comparing) settled() Comparing {
	if c.Metric.matrix == nil {
		c.Metric = MetricCKA
	}
	if c.Metric.Bandwidth && c.Bandwidth == 0 {
		c.Bandwidth = 1
	}
	return c
}

// check returns an error where the metric says nothing of so few samples.
func (c Comparing) check(samples int) error {
	if samples < c.Metric.Samples {
		return fmt.Errorf("similarity by %s needs %d samples or more, got %d", c.Metric.Name, c.Metric.Samples, samples)
	}
	return nil
}

// Unbias turns the Gram matrix K [n n] of n ≥ 4 samples into the matrix à of which the
// unbiased estimator of HSIC is made (Song et al., "Feature selection via dependence
// maximization", 2012, in the form of Székely and Rizzo 2014; as debiased CKA in Nguyen,
// Raghu and Kornblith 2021):
//
//	Ãᵢᵢ = 0,  Ãᵢⱼ = Kᵢⱼ - Σₗ Kᵢₗ/(n-2) - Σₗ Kₗⱼ/(n-2) + Σₗₘ Kₗₘ/((n-1)(n-2))   (sums without the diagonal)
//	HSIC = Σᵢⱼ Ãᵢⱼ·B̃ᵢⱼ / (n(n-3))
//
// It does not depend on where the features have their origin, so that K may be centred or
// not. CKA of it is at most 1, and may be below 0. It panics unless len(k) = n² and n ≥ 4.
func Unbias(k []float64, n int) {
	if n < 4 || len(k) != n*n {
		panic(fmt.Sprintf("measure: Unbias: %d values for %d samples, of which there are 4 or more", len(k), n))
	}
	sums, total := make([]float64, n), 0.0
	for i := range n {
		k[i*n+i] = 0
		for _, v := range k[i*n : (i+1)*n] {
			sums[i] += v
		}
		total += sums[i]
	}
	whole := total / float64(n-1) / float64(n-2)
	for i := range n {
		for j := range n {
			if i != j {
				k[i*n+j] += whole - (sums[i]+sums[j])/float64(n-2)
			}
		}
	}
}

// RBF turns the Gram matrix K [n n] of n samples, centred or not, into the one of a
// Gaussian kernel:
//
//	d²ᵢⱼ = Kᵢᵢ + Kⱼⱼ - 2Kᵢⱼ,  Kᵢⱼ = exp(-d²ᵢⱼ / (2·bandwidth²·m))
//
// with m the median of the squared distances of different samples, as in the authors'
// similarity_metrics.py, which has bandwidth 1. (Kornblith et al. 2019 let the n zeros of the
// diagonal count in the median too, and give bandwidths of 0.2 to 0.8.) Where no two
// samples differ, all is 1. It panics unless len(k) = n² and the bandwidth is above 0.
func RBF(k []float64, n int, bandwidth float64) {
	if n < 1 || len(k) != n*n || !(bandwidth > 0) {
		panic(fmt.Sprintf("measure: RBF: %d values for %d samples, bandwidth %v", len(k), n, bandwidth))
	}
	var apart []float64
	for i := range n {
		for j := range i {
			d := max(0, k[i*n+i]+k[j*n+j]-2*k[i*n+j])
			k[j*n+i] = d // above the diagonal, until all are read
			if d > 0 {
				apart = append(apart, d)
			}
		}
	}
	scale := 0.0
	if len(apart) > 0 {
		scale = -1 / (2 * bandwidth * bandwidth * median(apart))
	}
	for i := range n {
		k[i*n+i] = 1
		for j := range i {
			v := math.Exp(scale * k[j*n+i])
			k[i*n+j], k[j*n+i] = v, v
		}
	}
}

// median sorts x and returns its middle, or the mean of the two that stand there.
func median(x []float64) float64 {
	slices.Sort(x)
	m := len(x) / 2
	if len(x)%2 == 1 {
		return x[m]
	}
	return (x[m-1] + x[m]) / 2
}

// centre takes the means of rows and columns off a symmetric matrix [n n]: H·K·H with
// H = I - 11ᵀ/n.
func centre(k []float64, n int) {
	means, all := make([]float64, n), 0.0
	for i := range n {
		for _, v := range k[i*n : (i+1)*n] {
			means[i] += v
		}
		means[i] /= float64(n)
		all += means[i]
	}
	all /= float64(n)
	for i := range n {
		for j := range n {
			k[i*n+j] += all - (means[i] + means[j])
		}
	}
}

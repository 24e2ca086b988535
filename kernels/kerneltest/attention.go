package kerneltest

import (
	"math"
	"sync"
	"testing"

	"lamina/internal/cases"
	"lamina/kernels"
	"lamina/tensor"
)

var attentionRows = []row{
	{"RoPE", (*suite).rope},
	{"Attention", (*suite).attention},
	{"AttentionSegments", (*suite).attentionSegments},
	{"AttentionPrefix", (*suite).attentionPrefix},
	{"AttentionDecode", (*suite).attentionDecode},
}

func (s *suite) rope(t *testing.T) {
	for _, shape := range []struct{ n, heads, k, half int }{
		{1, 1, 2, 1}, {3, 2, 8, 4}, {5, 3, 16, 8}, {2, 4, 64, 32}, {9, 2, 80, 40}, {3, 2, 10, 3}, {4, 3, 33, 16},
		{3, 2, 64, 16}, {3, 1, 7, 0}, {0, 2, 8, 4}, {2, 2, 128, 64}, {130, 1, 6, 3},
	} {
		for _, inverse := range []bool{false, true} {
			src := newSource(uint64(shape.k))
			width := shape.heads * shape.k
			x, angles := src.normal(shape.n*width, []float64{1, 1e30}[shape.n%2]), src.normal(shape.n*shape.half, 10)
			cosines, sines := make([]float64, len(angles)), make([]float64, len(angles))
			for i, a := range angles {
				cosines[i], sines[i] = float64(float32(math.Cos(a))), float64(float32(math.Sin(a)))
			}
			s.check(t, testCase{
				name: named("RoPE %+v inverse=%v", shape, inverse),
				operands: []operand{
					out("Y", shape.n, width).rows(), in("X", x, shape.n, width).rows(),
					in("Cos", cosines, shape.n, shape.half).rows(), in("Sin", sines, shape.n, shape.half).rows(),
				},
				run: func(be kernels.Backend, o []tensor.Tensor) {
					kernels.RoPE(be, kernels.RoPEArgs{Y: o[0], X: o[1], Cos: o[2], Sin: o[3], HeadDim: shape.k, Inverse: inverse})
				},
				bound: func(_, i int, _, u float64) float64 {
					j := i % shape.k
					if j >= 2*shape.half {
						return 0
					}
					mate := i + shape.half
					if j >= shape.half {
						mate = i - shape.half
					}
					angle := i/width*shape.half + j%shape.half
					return 3 * u * (math.Abs(x[i]*cosines[angle]) + math.Abs(x[mate]*sines[angle]))
				},
				alias:  [][2]int{{0, 1}},
				poison: []int{1},
			})
		}
	}
}

// heads is the geometry of attention: query heads, key heads, head width.
type heads struct{ h, g, k int }

// sequence is one segment of a test: its own rows and those before them.
type sequence struct {
	len, prefix      int
	q, k, v          []float64 // own rows
	prefixK, prefixV []float64 // prefix rows and one more of NaN, which nobody reads
	slopes           []float64 // of the query heads, the same in a whole batch; or nil
}

// newSequence draws one sequence. size scales queries and keys: large values
// make the softmax sharp.
func newSequence(src source, n, prefix int, w heads, size float64) sequence {
	s := sequence{
		len: n, prefix: prefix,
		q: src.normal(n*w.h*w.k, size), k: src.normal(n*w.g*w.k, size), v: src.normal(n*w.g*w.k, 1),
	}
	if prefix > 0 {
		s.prefixK = withGap(src.normal(prefix*w.g*w.k, size), w.g*w.k)
		s.prefixV = withGap(src.normal(prefix*w.g*w.k, 1), w.g*w.k)
	}
	return s
}

func withGap(x []float64, n int) []float64 {
	for range n {
		x = append(x, math.NaN())
	}
	return x
}

// key and value return row pos of the whole sequence for key head g.
func (s sequence) key(w heads, pos, g int) []float64   { return s.row(w, pos, g, s.prefixK, s.k) }
func (s sequence) value(w heads, pos, g int) []float64 { return s.row(w, pos, g, s.prefixV, s.v) }

func (s sequence) row(w heads, pos, g int, prefix, own []float64) []float64 {
	if pos >= s.prefix {
		prefix, pos = own, pos-s.prefix
	}
	return prefix[(pos*w.g+g)*w.k:][:w.k]
}

// The operands of attentionCase, in their order; two more for each prefix.
const (
	argOut = iota
	argQ
	argK
	argV
	argPrefix
)

// sloped gives the heads of a batch's sequences slopes, ALiBi's and stranger ones.
func sloped(w heads, batch []sequence) []sequence {
	slopes := make([]float64, w.h)
	for i := range slopes {
		slopes[i] = math.Exp2(-float64(i+1) * 8 / float64(w.h))
	}
	if w.h > 2 {
		slopes[1], slopes[2] = -0.003, 0
	}
	for i := range batch {
		batch[i].slopes = slopes
	}
	return batch
}

// attentionCase is the forward call on a ragged batch of the sequences.
func attentionCase(name string, w heads, batch []sequence, call func(kernels.Backend, kernels.AttentionArgs)) testCase {
	var q, k, v []float64
	var prefixes []operand
	args := kernels.AttentionArgs{Heads: w.h, KVHeads: w.g, HeadDim: w.k, Scale: 1 / math.Sqrt(float64(w.k))}
	rows := 0
	for _, s := range batch {
		args.Slopes = s.slopes
		q, k, v = append(q, s.q...), append(k, s.k...), append(v, s.v...)
		args.Segments = append(args.Segments, kernels.Segment{Start: rows, Len: s.len, PrefixLen: s.prefix})
		rows += s.len
		if s.prefix > 0 {
			prefixes = append(prefixes, in("prefix K", s.prefixK, s.prefix+1, w.g*w.k), in("prefix V", s.prefixV, s.prefix+1, w.g*w.k))
		}
	}
	c := testCase{name: named("%s %+v of %v, slopes %.2g", name, w, args.Segments, args.Slopes), operands: append([]operand{
		argOut: out("Out", rows, w.h*w.k),
		argQ:   in("Q", q, rows, w.h*w.k), argK: in("K", k, rows, w.g*w.k), argV: in("V", v, rows, w.g*w.k),
	}, prefixes...)}
	c.run = func(be kernels.Backend, o []tensor.Tensor) {
		call(be, withOperands(args, o))
	}
	bounds := sync.OnceValue(func() []float64 { return attentionBounds(w, batch, args.Scale) })
	c.bound = func(_, i int, _, u float64) float64 { return u * bounds()[i] }
	return c
}

// withOperands fills in the tensors.
func withOperands(a kernels.AttentionArgs, o []tensor.Tensor) kernels.AttentionArgs {
	a.Out, a.Q, a.K, a.V = o[argOut], o[argQ], o[argK], o[argV]
	next := argPrefix
	for _, s := range a.Segments {
		kv := kernels.KV{}
		if s.PrefixLen > 0 {
			kv = kernels.KV{K: o[next], V: o[next+1]}
			next += 2
		}
		a.Prefix = append(a.Prefix, kv)
	}
	return a
}

// scores returns, for one row and head, scale·q·k + slope·distance of the positions
// that it sees, how far off in units of u each may be, (K+4)·Σ|q||k| scaled alike and
// four times the slope's term, and the log-sum-exp.
func (s sequence) scores(w heads, t, h int, scale float64) (score, off []float64, lse float64) {
	q := s.q[(t*w.h+h)*w.k:][:w.k]
	n := s.prefix + t + 1
	score, off = make([]float64, n), make([]float64, n)
	top := math.Inf(-1)
	for pos := range n {
		for j, k := range s.key(w, pos, h/(w.h/w.g)) {
			score[pos] += scale * q[j] * k
			off[pos] += float64(w.k+4) * scale * math.Abs(q[j]*k)
		}
		if s.slopes != nil {
			term := s.slopes[h] * float64(pos-(n-1))
			score[pos] += term
			off[pos] += 4 * math.Abs(term)
		}
		top = max(top, score[pos])
	}
	for _, x := range score {
		lse += math.Exp(x - top)
	}
	return score, off, math.Log(lse) + top
}

// probabilities returns what the scores become, how far off in units of u each is,
// relative to itself: by its score's error and the rounding of score - max, and by the
// mean of that, from the denominator.
func (s sequence) probabilities(w heads, t, h int, scale float64) (p, off []float64) {
	p, off, lse := s.scores(w, t, h, scale)
	mean := 0.0
	for pos, x := range p {
		p[pos] = math.Exp(x - lse)
		off[pos] += math.Abs(x-lse) + 1
		mean += p[pos] * off[pos]
	}
	for pos := range off {
		off[pos] += mean + walk(len(p))
	}
	return p, off
}

// attentionBounds bounds the errors of argOut in units of u.
func attentionBounds(w heads, batch []sequence, scale float64) (bounds []float64) {
	for _, s := range batch {
		for t := range s.len {
			for h := range w.h {
				probabilities, off := s.probabilities(w, t, h, scale)
				sums := make([]float64, w.k)
				for pos, p := range probabilities {
					for j, v := range s.value(w, pos, h/(w.h/w.g)) {
						sums[j] += p * math.Abs(v) * off[pos]
					}
				}
				bounds = append(bounds, sums...)
			}
		}
	}
	return bounds
}

func geometries() []heads {
	return []heads{{1, 1, 64}, {4, 2, 16}, {6, 2, 8}, {3, 1, 5}, {2, 2, 80}, {4, 1, 33}, {2, 1, 128}}
}

// ragged draws a batch of sequences without prefixes.
func ragged(src source, w heads, size float64, lengths ...int) []sequence {
	batch := make([]sequence, len(lengths))
	for i, n := range lengths {
		batch[i] = newSequence(src, n, 0, w, size)
	}
	return batch
}

func (s *suite) attention(t *testing.T) {
	for i, w := range geometries() {
		for _, size := range []float64{0.3, 1, 6, 60} {
			src := newSource(uint64(i))
			s.check(t, attentionCase("Attention", w, ragged(src, w, size, 1, 2, 3, 7, 0, 33, 17, 64, 65), kernels.Attention))
		}
	}
	w := heads{2, 1, 16}
	s.check(t, attentionCase("Attention", w, ragged(newSource(50), w, 1, 130, 1, 611), kernels.Attention))
	s.check(t, attentionCase("Attention", w, nil, kernels.Attention))
	for i, w := range geometries() {
		for _, size := range []float64{0.3, 6} {
			src := newSource(uint64(i) + 150)
			s.check(t, attentionCase("Attention", w, sloped(w, ragged(src, w, size, 1, 2, 7, 0, 33, 65, 300)), kernels.Attention))
		}
	}
	s.attentionSick(t)
}

// attentionSick puts NaN and infinities into single elements: they reach exactly the
// rows that see them, and masked positions reach nobody. The middle of a batch moves
// through the tiles of its first sequence.
func (s *suite) attentionSick(t *testing.T) {
	w := heads{4, 2, 16}
	for _, first := range []int{1, 10, 25, 40, 57, 70, 140} {
		batch := ragged(newSource(61), w, 1, first, 5)
		c := attentionCase("Attention", w, batch, kernels.Attention)
		c.poison = []int{argQ, argK, argV}
		s.check(t, c)
		c = attentionBackwardCase(w, batch, newSource(62))
		c.poison = []int{3, 4, 5, 6}
		s.check(t, c)
	}
	far := sloped(w, ragged(newSource(63), w, 1, 30, 200, 9))
	c := attentionBackwardCase(w, far, newSource(64))
	c.poison = []int{3, 4, 5, 6}
	s.check(t, c)
	c = attentionCase("AttentionDecode", w, []sequence{newSequence(newSource(65), 1, 40, w, 1), newSequence(newSource(66), 1, 7, w, 1)}, kernels.AttentionDecode)
	c.poison = []int{argQ, argK, argV, argPrefix, argPrefix + 1}
	s.check(t, c)
}

// attentionSegments runs segments alone and in other company: same bits.
func (s *suite) attentionSegments(t *testing.T) {
	for i, w := range geometries() {
		src := newSource(uint64(i) + 70)
		batch := []sequence{
			newSequence(src, 9, 0, w, 1), newSequence(src, 33, 65, w, 1), newSequence(src, 70, 0, w, 1),
			newSequence(src, 1, 130, w, 1), newSequence(src, 2, 1, w, 1),
		}
		s.checkAlone(t, "Attention", w, batch, kernels.Attention)
		s.checkAlone(t, "Attention", w, sloped(w, batch), kernels.Attention)
	}
}

// checkAlone compares each sequence in a batch with the same sequence alone.
func (s *suite) checkAlone(t testing.TB, name string, w heads, batch []sequence, call func(kernels.Backend, kernels.AttentionArgs)) {
	all := attentionCase(name, w, batch, call)
	s.check(t, all)
	for _, d := range s.types {
		together := all.execute(t, s.be, d, aligned)
		row := 0
		for i, one := range batch {
			c := attentionCase(named("%s: segment %d alone", name, i), w, []sequence{one}, call)
			want := make([][]byte, len(c.operands))
			size := len(together[argOut]) / all.operands[argOut].shape[0]
			want[argOut] = together[argOut][row*size : (row+one.len)*size]
			c.wantBits(t, "against the batch", d, want, c.execute(t, s.be, d, aligned))
			row += one.len
		}
	}
}

// attentionPrefix moves the border between prefix and own rows: same bits, for
// any split of a sequence of 650 rows.
func (s *suite) attentionPrefix(t *testing.T) {
	w := heads{4, 2, 16}
	whole := ragged(newSource(80), w, 1, 650)
	s.attentionSplit(t, w, whole[0])
	s.attentionSplit(t, w, sloped(w, whole)[0])
	s.attentionSharedPrefix(t)
}

// attentionSplit compares the later rows of a sequence, the earlier ones a prefix,
// with those of the whole.
func (s *suite) attentionSplit(t *testing.T, w heads, whole sequence) {
	c := attentionCase("Attention", w, []sequence{whole}, kernels.Attention)
	for _, d := range s.types {
		together := c.execute(t, s.be, d, aligned)
		for i, p := range []int{64, 1, 5, 63, 649, 128, 257, 600} {
			if i%cases.Each(4) != 0 {
				continue
			}
			part := attentionCase("Attention after a prefix", w, []sequence{whole.split(w, p)}, kernels.Attention)
			want := make([][]byte, len(part.operands))
			want[argOut] = together[argOut][p*len(together[argOut])/whole.len:]
			part.wantBits(t, named("split at %d", p), d, want, part.execute(t, s.be, d, aligned))
		}
	}
}

// split turns the first p rows into a prefix.
func (s sequence) split(w heads, p int) sequence {
	own := p * w.g * w.k
	return sequence{
		len: s.len - p, prefix: p, slopes: s.slopes,
		q: s.q[p*w.h*w.k:], k: s.k[own:], v: s.v[own:],
		prefixK: withGap(append([]float64(nil), s.k[:own]...), w.g*w.k),
		prefixV: withGap(append([]float64(nil), s.v[:own]...), w.g*w.k),
	}
}

// attentionSharedPrefix gives three segments one prefix, of which they use
// different lengths.
func (s *suite) attentionSharedPrefix(t *testing.T) {
	w := heads{4, 2, 16}
	src := newSource(81)
	long := newSequence(src, 3, 100, w, 1)
	batch := []sequence{long, newSequence(src, 4, 0, w, 1), newSequence(src, 5, 0, w, 1)}
	for i, n := range []int{100, 64, 7} {
		batch[i].prefix, batch[i].prefixK, batch[i].prefixV = n, long.prefixK, long.prefixV
	}
	c := attentionCase("Attention with a shared prefix", w, batch, nil)
	args := kernels.AttentionArgs{Heads: w.h, KVHeads: w.g, HeadDim: w.k, Scale: 1 / math.Sqrt(float64(w.k))}
	row := 0
	for _, b := range batch {
		args.Segments = append(args.Segments, kernels.Segment{Start: row, Len: b.len, PrefixLen: b.prefix})
		row += b.len
	}
	c.operands = c.operands[:argPrefix+2]
	c.operands[argPrefix] = in("prefix K", long.prefixK, 101, w.g*w.k)
	c.operands[argPrefix+1] = in("prefix V", long.prefixV, 101, w.g*w.k)
	c.run = func(be kernels.Backend, o []tensor.Tensor) {
		a := args
		a.Out, a.Q, a.K, a.V = o[argOut], o[argQ], o[argK], o[argV]
		kv := kernels.KV{K: o[argPrefix], V: o[argPrefix+1]}
		a.Prefix = []kernels.KV{kv, kv, kv}
		kernels.Attention(be, a)
	}
	s.check(t, c)
}

func (s *suite) attentionDecode(t *testing.T) {
	for i, w := range geometries() {
		src := newSource(uint64(i) + 90)
		var batch []sequence
		for _, prefix := range []int{0, 1, 2, 7, 31, 32, 33, 64, 65, 127, 130} {
			batch = append(batch, newSequence(src, 1, prefix, w, 1))
		}
		s.checkAlone(t, "AttentionDecode", w, batch, kernels.AttentionDecode)
		s.checkAlone(t, "AttentionDecode", w, sloped(w, batch), kernels.AttentionDecode)
	}
	w := heads{4, 2, 64}
	src := newSource(99)
	batch := []sequence{newSequence(src, 1, 1500, w, 1), newSequence(src, 1, 700, w, 6)}
	s.checkAlone(t, "AttentionDecode", w, batch, kernels.AttentionDecode)
	s.checkAlone(t, "AttentionDecode", w, sloped(w, batch), kernels.AttentionDecode)
}

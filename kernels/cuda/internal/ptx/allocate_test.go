package ptx

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// A register that is not written keeps being seen, whatever shares its slot.
func TestSlotsKeepWhatIsNotWritten(t *testing.T) {
	p := parse(t, snippet("", `
	mov.u32 %r2, 1; add.u32 %r3, %r2, 1; add.u32 %r4, %r3, 1; st.global.u32 [%rd1], %r4;
	mov.u32 %r5, 0;
	loop: setp.eq.u32 %p1, %r5, 3; @%p1 add.u32 %r6, %r7, 1; @%p1 bra out;
	add.u32 %r5, %r5, 1; setp.eq.u32 %p2, %r5, 9; @%p2 mov.u32 %r7, 1; bra loop;
	out:`))
	m := New(Options{})
	caught(t, m.Launch(p, "k", [3]int{1, 1, 1}, [3]int{1, 1, 1}, 0, arguments(m.Alloc(4), uint64(0))), Uninitialised, "register %r7")
	// Hundreds of registers, of which two live at a time.
	body := "mov.u32 %r2, 1;\n"
	for range 300 {
		body += "{ .reg .b32 %x, %y; add.u32 %x, %r2, 1; add.u32 %y, %x, %x; sub.u32 %r2, %y, %x; }\n"
	}
	p = parse(t, snippet("", body+"st.global.u32 [%rd1], %r2;"))
	if n := len(p.functions["k"].slots); n > 20 {
		t.Errorf("%d slots", n)
	}
	out := m.Alloc(4)
	if err := m.Launch(p, "k", [3]int{1, 1, 1}, [3]int{1, 1, 1}, 0, arguments(out, uint64(0))); err != nil {
		t.Fatal(err)
	}
	if got := download[uint32](t, m, out, 1)[0]; got != 301 {
		t.Errorf("%d, not 301", got)
	}
}

// What a turn of a loop leaves to the next keeps its slot, though the only instructions
// that use it stand before others that want one, and one of them writes what it reads.
func TestSlotsOfLoops(t *testing.T) {
	got := threads(t, 8, "", `
	mov.u32 %r2, 0; mov.u32 %r9, 0;
	loop: add.u32 %r2, %r2, 1; setp.ge.u32 %p1, %r2, 6; @%p1 bra out;
	mul.lo.u32 %r5, %r1, 100; add.u32 %r6, %r5, 1; add.u32 %r9, %r9, %r6; bra loop;
	out:`)
	wantEach(t, got, func(thread int) uint32 { return uint32(5 * (100*thread + 1)) })
	// Only a guard writes it again.
	got = threads(t, 8, "", `
	mov.u32 %r2, 7; mov.u32 %r3, 0; mov.u32 %r9, 0;
	loop: setp.eq.u32 %p2, %r3, 3; @%p2 mov.u32 %r2, 9; add.u32 %r9, %r9, %r2;
	mul.lo.u32 %r5, %r1, 100; add.u32 %r6, %r5, 1; add.u32 %r9, %r9, %r6;
	add.u32 %r3, %r3, 1; setp.lt.u32 %p1, %r3, 5; @%p1 bra loop;`)
	wantEach(t, got, func(thread int) uint32 { return uint32(3*7 + 2*9 + 5*(100*thread+1)) })
}

// Programs by chance, with loops and branches, compute the same with and without sharing.
func TestSlotsOfProgramsByChance(t *testing.T) {
	limit := maxLiveness
	defer func() { maxLiveness = limit }()
	for seed := range uint64(150) {
		g := &chance{r: rand.New(rand.NewPCG(seed, 9))}
		for i := range 6 {
			g.line("mov.u32 %%r%d, %d;", 10+i, g.r.IntN(100))
		}
		g.some(0)
		g.line("mov.u32 %%r9, 0;")
		for i := range 6 {
			g.line("mad.lo.u32 %%r9, %%r9, 31, %%r%d;", 10+i)
		}
		maxLiveness = limit
		shared := threads(t, 32, "", g.text)
		maxLiveness = -1
		apart := threads(t, 32, "", g.text)
		wantEach(t, shared, func(i int) uint32 { return apart[i] })
		if seed < 20 {
			// And a thread alone, which nobody takes another way than.
			maxLiveness = limit
			for i := range 4 {
				only := fmt.Sprintf("setp.ne.u32 %%p9, %%r1, %d; @%%p9 ret;\n", i)
				if alone := threads(t, 32, "", only+g.text); alone[i] != shared[i] {
					t.Fatalf("thread %d computes %#x alone, %#x among others", i, alone[i], shared[i])
				}
			}
		}
	}
}

// chance writes a program: registers %r10 to %r15 live throughout, others for a while.
type chance struct {
	r      *rand.Rand
	text   string
	labels int
}

func (g *chance) line(format string, args ...any) { g.text += fmt.Sprintf(format, args...) + "\n" }

func (g *chance) reg() string { return fmt.Sprintf("%%r%d", 10+g.r.IntN(6)) }

func (g *chance) some(depth int) {
	for range 3 + g.r.IntN(5) {
		g.labels++
		n := g.labels
		switch k := g.r.IntN(8); {
		case k < 3:
			op := []string{"add.u32", "sub.u32", "mul.lo.u32", "xor.b32", "min.u32"}[g.r.IntN(5)]
			g.line("%s %s, %s, %s;", op, g.reg(), g.reg(), g.reg())
		case k == 3:
			g.line("{ .reg .b32 %%t<3>; add.u32 %%t1, %s, %%r1; mul.lo.u32 %%t2, %%t1, %%t1; add.u32 %s, %%t2, %s; }", g.reg(), g.reg(), g.reg())
		case k == 4:
			g.line("setp.lt.u32 %%p1, %s, %s; @%%p1 mov.u32 %s, %s;", g.reg(), g.reg(), g.reg(), g.reg())
		case depth > 2:
		case k < 7:
			// The condition of a loop stands at its end, or at its beginning.
			g.line("{ .reg .b32 %%n, %%m; .reg .pred %%q; mov.u32 %%n, 0; and.b32 %%m, %%r1, 3;\nL%d: add.u32 %%n, %%n, 1; setp.gt.u32 %%q, %%n, %%m;", n)
			if k == 6 {
				g.some(depth + 1)
				g.line("@!%%q bra L%d; }", n)
				break
			}
			g.line("@%%q bra E%d;", n)
			g.some(depth + 1)
			g.line("bra L%d;\nE%d: }", n, n)
		default:
			g.line("setp.gt.s32 %%p2, %s, %s; @%%p2 bra M%d;", g.reg(), g.reg(), n)
			g.some(depth + 1)
			g.line("bra N%d; M%d:", n, n)
			g.some(depth + 1)
			g.line("N%d:", n)
		}
	}
}

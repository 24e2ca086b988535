package ptx

import (
	"os"
	"strings"
	"testing"
)

// Bugs that are planted, each caught by its name.
func TestPlantedBugs(t *testing.T) {
	const shared = `.shared .align 16 .b8 room[256]; `
	mine := `
	mul.wide.u32 %rd4, %r1, 4; add.u64 %rd5, %rd2, %rd4; add.u64 %rd6, %rd1, %rd4;
	mov.u64 %rd7, room; add.u64 %rd8, %rd7, %rd4; `
	for name, c := range map[string]struct {
		kind    Kind
		threads int
		body    string
		says    []string
	}{
		"read behind the end": {OutOfBounds, 64, mine + `add.u64 %rd5, %rd5, 4; ld.global.f32 %f1, [%rd5]; st.global.f32 [%rd6], %f1;`,
			[]string{"thread [63 0 0]", "4 bytes read from global memory", "0 bytes behind 256 bytes allocated", "ld.global.f32 %f1, [%rd5];"}},
		"read across the end":  {OutOfBounds, 1, `ld.global.v4.f32 {%f1, %f2, %f3, %f4}, [%rd2+248];`, []string{"16 bytes read"}},
		"write before":         {OutOfBounds, 64, mine + `st.global.u32 [%rd6+-8], %r1;`, []string{"thread [0 0 0]", "4 bytes written"}},
		"null":                 {OutOfBounds, 1, `mov.u64 %rd4, 0; ld.global.u32 %r2, [%rd4];`, []string{"before all memory"}},
		"generic nowhere":      {OutOfBounds, 1, `ld.u32 %r2, [%rd1+100000000];`, nil},
		"shared behind":        {OutOfBounds, 65, mine + `st.shared.u32 [%rd8], %r1;`, []string{"thread [64 0 0]", "outside the shared variables"}},
		"shared null":          {OutOfBounds, 1, `mov.u32 %r2, 0; ld.shared.u32 %r3, [%r2];`, nil},
		"local behind":         {OutOfBounds, 1, `.local .b8 mem[8]; mov.u64 %rd4, mem; st.local.u32 [%rd4+8], %r1;`, []string{"local memory"}},
		"parameters behind":    {OutOfBounds, 1, `ld.param.u64 %rd4, [in+8];`, []string{"parameters of 16 bytes"}},
		"vector load":          {Misaligned, 1, `ld.global.v4.f32 {%f1, %f2, %f3, %f4}, [%rd2+4];`, []string{"16 bytes read"}},
		"word":                 {Misaligned, 2, mine + `st.shared.u32 [%rd8+2], %r1;`, []string{"byte 2 of shared variable room of 256 bytes"}},
		"shared not written":   {Uninitialised, 64, mine + `setp.lt.u32 %p1, %r1, 63; @%p1 st.shared.u32 [%rd8], %r1; bar.sync 0; ld.shared.u32 %r2, [%rd8];`, []string{"thread [63 0 0]", "byte 252 of shared variable room"}},
		"global not written":   {Uninitialised, 1, `ld.global.u32 %r2, [%rd1];`, []string{"4 bytes read from global memory that nothing has written"}},
		"half a word written":  {Uninitialised, 1, `st.global.u16 [%rd1], %r1; ld.global.u32 %r2, [%rd1];`, nil},
		"local not written":    {Uninitialised, 1, `.local .b8 mem[8]; ld.local.u32 %r2, [mem];`, nil},
		"register":             {Uninitialised, 4, `setp.lt.u32 %p1, %r1, 3; @%p1 mov.u32 %r5, 1; add.u32 %r6, %r5, 1;`, []string{"register %r5", "thread [3 0 0]"}},
		"predicate":            {Uninitialised, 4, `@%p7 mov.u32 %r5, 1;`, []string{"predicate %p7"}},
		"no barrier":           {SharedRace, 64, mine + `st.shared.u32 [%rd8], %r1; xor.b64 %rd9, %rd8, 128; setp.ge.u32 %p1, %r1, 32; @%p1 ld.shared.u32 %r2, [%rd9];`, []string{"thread [32 0 0]", "read what thread [0 0 0] wrote"}},
		"no second barrier":    {SharedRace, 64, mine + `st.shared.u32 [%rd8], %r1; bar.sync 0; xor.b64 %rd9, %rd8, 128; setp.lt.u32 %p1, %r1, 32; @%p1 ld.shared.u32 %r2, [%rd9]; @!%p1 st.shared.u32 [%rd8], %r1;`, []string{"thread [32 0 0]", "written after a thread of warp 0 read it"}},
		"within a warp":        {SharedRace, 32, mine + `st.shared.u32 [%rd8], %r1; xor.b64 %rd9, %rd8, 4; ld.shared.u32 %r2, [%rd9];`, []string{"thread [0 0 0]", "read what thread [1 0 0] wrote"}},
		"all to one place":     {SharedRace, 64, `st.shared.u32 [room], %r1;`, []string{"written otherwise than thread [0 0 0]"}},
		"bytes of one word":    {SharedRace, 64, `cvt.u64.u32 %rd4, %r1; mov.u64 %rd5, room; add.u64 %rd5, %rd5, %rd4; st.shared.u8 [%rd5], %r1; ld.shared.u8 %r2, [%rd5]; bar.sync 0; st.shared.u8 [room+3], %r1;`, []string{"byte 3"}},
		"global, other warp":   {GlobalRace, 64, `and.b32 %r2, %r1, 31; setp.eq.u32 %p1, %r2, 0; @%p1 st.global.u32 [%rd1], %r1;`, []string{"thread [32 0 0]"}},
		"global, same warp":    {GlobalRace, 32, `st.global.u32 [%rd1], %r1;`, []string{"thread [1 0 0]"}},
		"half a warp waits":    {DivergentBarrier, 64, `setp.lt.u32 %p1, %r1, 48; @%p1 bar.sync 0;`, []string{"thread [48 0 0]", "16 of the 32 threads of the warp take another way"}},
		"some have ended":      {DivergentBarrier, 64, `setp.ge.u32 %p1, %r1, 48; @%p1 ret; bar.sync 0;`, []string{"have ended"}},
		"a warp never comes":   {DivergentBarrier, 64, `setp.lt.u32 %p1, %r1, 32; @%p1 bar.sync 0;`, []string{"32 of 64 threads are at barrier 0"}},
		"exchange with absent": {DivergentBarrier, 32, `setp.lt.u32 %p1, %r1, 16; @!%p1 bra done; shfl.sync.bfly.b32 %r2, %r1, 1, 31, -1; done:`, []string{"take another way"}},
		"exchange beyond":      {Uninitialised, 16, `shfl.sync.bfly.b32 %r2, %r1, 16, 31, -1;`, []string{"lane 16 is read"}},
		"whole warp needed":    {DivergentBarrier, 16, `mov.b32 %r2, 0; mov.f32 %f1, 0f00000000; mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%f1, %f1, %f1, %f1}, {%r2, %r2, %r2, %r2}, {%r2, %r2}, {%f1, %f1, %f1, %f1};`, nil},
		"copy not waited for":  {Uninitialised, 1, `cp.async.ca.shared.global [room], [%rd2], 16; cp.async.commit_group; ld.shared.u32 %r2, [room];`, []string{"byte 0 of shared variable room"}},
		"trap":                 {Trap, 1, `trap;`, nil},
		"for ever":             {Limits, 1, `again: bra again;`, []string{"too long"}},
		"no body":              {Unsupported, 1, `{ .param .b32 p; .param .b32 q; st.param.b32 [p], %r1; call.uni (q), absent, (p); }`, []string{"absent"}},
	} {
		t.Run(name, func(t *testing.T) {
			p := parse(t, snippet(shared+".extern .func (.param .b32 r) absent (.param .b32 a);", c.body))
			m := New(Options{MaxSteps: 1e5})
			in := upload(t, m, make([]uint32, 64))
			out := m.Alloc(256)
			err := m.Launch(p, "k", [3]int{1, 1, 1}, [3]int{c.threads, 1, 1}, 0, arguments(out, in))
			caught(t, err, c.kind, append(c.says, c.kind.String(), "in k: line ")...)
		})
	}
}

// A race is one between blocks, too, whatever their order.
func TestBlocksThatRace(t *testing.T) {
	for name, body := range map[string]string{
		"two write":       `mov.u32 %r2, %ctaid.x; st.global.u32 [%rd1], %r2;`,
		"write and read":  `mov.u32 %r2, %ctaid.x; setp.eq.u32 %p1, %r2, 0; @%p1 st.global.u32 [%rd2], %r2; @!%p1 ld.global.u32 %r3, [%rd2];`,
		"add without red": `ld.global.u32 %r2, [%rd2]; add.u32 %r2, %r2, 1; st.global.u32 [%rd2], %r2;`,
	} {
		for seed := range uint64(4) {
			m := New(Options{Seed: seed})
			in := upload(t, m, make([]uint32, 64))
			err := m.Launch(parse(t, snippet("", body)), "k", [3]int{5, 1, 1}, [3]int{1, 1, 1}, 0, arguments(m.Alloc(256), in))
			caught(t, err, GlobalRace, "another block")
			t.Log(name, err)
		}
	}
	m := New(Options{})
	in := upload(t, m, make([]uint32, 64))
	if err := m.Launch(parse(t, snippet("", `red.global.add.u32 [%rd2], 1; mov.u32 %r2, 7; st.global.u32 [%rd1], %r2;`)), "k", [3]int{5, 1, 1}, [3]int{64, 1, 1}, 0, arguments(m.Alloc(256), in)); err != nil {
		t.Error("atomic additions, and writes of one value: ", err)
	}
	if n := download[uint32](t, m, in, 1)[0]; n != 5*64 {
		t.Errorf("%d additions", n)
	}
}

// The product without one of its barriers.
func TestMissingSyncthreads(t *testing.T) {
	b, err := os.ReadFile("testdata/kernels.ptx")
	if err != nil {
		t.Fatal(err)
	}
	at := strings.Index(string(b), "product(")
	barriers := strings.Count(string(b[at:]), "bar.sync 	0;")
	if barriers < 2 {
		t.Fatalf("%d barriers", barriers)
	}
	for i := range 2 {
		src := string(b[:at])
		for k, part := range strings.SplitAfter(string(b[at:]), "bar.sync 	0;") {
			if k == i {
				part = strings.TrimSuffix(part, "bar.sync 	0;")
			}
			src += part
		}
		m := New(Options{})
		x := upload(t, m, make([]float32, 32*32))
		err := m.Launch(parse(t, src), "product", [3]int{2, 2, 1}, [3]int{16, 16, 1}, 0, arguments(m.Alloc(4096), x, x, uint32(32)))
		caught(t, err, SharedRace, "product", "shared variable")
	}
}

func TestLaunchIsChecked(t *testing.T) {
	p := parse(t, snippet(".extern .shared .align 16 .b8 dynamic[]; ", `st.shared.u32 [dynamic], 1;`)+`
.visible .entry small(.param .u32 a) .maxntid 64, 1, 1 { ret; }
.visible .entry exactly() .reqntid 64 .minnctapersm 1 { ret; }
.visible .entry large() { .local .b8 x[600000]; ret; }`)
	m := New(Options{})
	args := arguments(uint64(0), uint64(0))
	launch := func(entry string, grid, block [3]int, shared int, params []byte) error {
		return m.Launch(p, entry, grid, block, shared, params)
	}
	one := [3]int{1, 1, 1}
	caught(t, launch("nobody", one, one, 0, args), BadParameter, "no such entry")
	caught(t, launch("k", one, one, 0, args[:12]), BadParameter, "12 bytes of parameters, not 16")
	caught(t, launch("k", one, [3]int{1025, 1, 1}, 0, args), Limits)
	caught(t, launch("k", one, [3]int{32, 32, 2}, 0, args), Limits, "2048 threads")
	caught(t, launch("k", [3]int{0, 1, 1}, one, 0, args), Limits, "a grid")
	caught(t, launch("k", [3]int{1, 65536, 1}, one, 0, args), Limits, "a grid")
	caught(t, launch("small", one, [3]int{65, 1, 1}, 0, arguments(uint32(1))), Limits, "allows 64")
	caught(t, launch("k", one, one, 48<<10+4, args), Limits, "49156 bytes of shared memory")
	caught(t, launch("k", one, one, 0, args), OutOfBounds) // no dynamic shared memory
	caught(t, launch("exactly", one, [3]int{32, 1, 1}, 0, nil), Limits, "requires [64 1 1]")
	caught(t, launch("large", one, one, 0, nil), Limits, "600016 bytes of local memory")
	if err := launch("k", one, one, 48<<10, args); err != nil {
		t.Error(err)
	}
	if err := m.AllowShared(p, "k", MaxShared+1); err == nil {
		t.Error("more shared memory than there is")
	}
	if err := m.AllowShared(p, "k", 64<<10); err != nil {
		t.Error(err)
	}
	if err := launch("k", one, one, 64<<10, args); err != nil {
		t.Error(err)
	}
}

// Without checks, a kernel that reads what nobody wrote runs.
func TestChecksCanBeLeftOut(t *testing.T) {
	p := parse(t, snippet("", `ld.global.u32 %r2, [%rd1]; st.global.u32 [%rd1], %r1;`))
	m := New(Options{NoRaces: true, NoUninitialised: true})
	if err := m.Launch(p, "k", [3]int{2, 1, 1}, [3]int{64, 1, 1}, 0, arguments(m.Alloc(64), m.Alloc(4))); err != nil {
		t.Error(err)
	}
}

func TestMemory(t *testing.T) {
	m := New(Options{})
	a, b := m.Alloc(10), m.Alloc(1)
	if a%512 != 0 || b%512 != 0 || b < a+10+4096 {
		t.Errorf("allocations at %#x and %#x", a, b)
	}
	if _, err := m.Bytes(a, 11); err == nil {
		t.Error("more bytes than there are")
	}
	if _, err := m.Bytes(a-1, 1); err == nil {
		t.Error("bytes before")
	}
	if err := m.Set(a, 7, 10); err != nil {
		t.Error(err)
	}
	if err := m.Copy(b, a+9, 1); err != nil {
		t.Error(err)
	}
	if v, err := m.Bytes(b, 1); err != nil || v[0] != 7 {
		t.Errorf("%v, %v", v, err)
	}
	if err := m.Free(a + 1); err == nil {
		t.Error("freed in the middle")
	}
	if err := m.Free(a); err != nil {
		t.Error(err)
	}
	if err := m.Free(a); err == nil {
		t.Error("freed twice")
	}
	if _, err := m.Bytes(a, 1); err == nil {
		t.Error("bytes of what was freed")
	}
	p := parse(t, snippet("", `ld.global.u8 %r2, [%rd1];`))
	for range 2 {
		caught(t, m.Launch(p, "k", [3]int{1, 1, 1}, [3]int{1, 1, 1}, 0, arguments(a, b)), OutOfBounds, "before all memory")
	}
}

package ptx

// Program is a parsed PTX text, decoded and ready to run on any number of machines.
type Program struct {
	functions map[string]*function
	vars      map[string]*variable // of the module
	order     []*variable          // in the order of the text
}

// Entries returns the names of the kernels, in no order.
func (p *Program) Entries() []string {
	var names []string
	for name, f := range p.functions {
		if f.entry {
			names = append(names, name)
		}
	}
	return names
}

// space is a state space.
type space uint8

const (
	generic space = iota
	global
	shared
	local
	param
	constant
)

var spaces = map[string]space{".global": global, ".shared": shared, ".local": local, ".param": param, ".const": constant}

func (s space) String() string {
	return [...]string{"generic", "global", "shared", "local", "param", "const"}[s]
}

// variable is a named place in a state space.
type variable struct {
	name   string
	space  space
	align  int
	size   int // bytes; 0 for the dynamic shared array
	init   []byte
	offset int // in its function's area, or in the block's shared memory
	// refs are addresses within the initial value: of other variables.
	refs []reference
}

// reference is an address that stands in an initial value.
type reference struct {
	at   int
	name string
	off  int64
}

// slotKind says what fills a slot of the register file.
type slotKind uint8

const (
	slotRegister slotKind = iota
	slotConst
	slotSpecial // value: which special register
	slotAddress // of v, and value added
)

// slot is what stands behind an index of a function's register file: a register, a
// number from the text, a special register or the address of a variable. All of them
// are read alike.
type slot struct {
	kind  slotKind
	value uint64
	v     *variable
}

// function is a kernel or a device function.
type function struct {
	name    string
	entry   bool
	defined bool
	code    []instr
	ready   []uint32 // per slot, the threads that have it at the beginning
	varying []int32  // slots that a launch or a block decides
	slots   []slot
	preds   []string // names
	// params, rets: formal parameters; for a kernel, offsets in the parameter buffer.
	params, rets []*variable
	paramBytes   int // of the formal parameters: a kernel's buffer
	frameBytes   int // of the parameters in a thread's area
	localBytes   int
	locals       []*variable // of local memory
	uses         map[*variable]bool
	calls        map[*function]bool
	maxThreads   int
	reqThreads   [3]int
	line         int32
}

// named is a register that an instruction reads, by its name in the text.
type named struct {
	slot int32
	name string
}

// instr is one instruction, decoded.
type instr struct {
	run   func(w *warp, in *instr, m uint32)
	f1    func(d, a []uint64)
	f2    func(d, a, b []uint64)
	f3    func(d, a, b, c []uint64)
	cmp   func(a, b []uint64) uint32
	x     any // what only some instructions have
	s1    func(d, a []float64)
	s2    func(d, a, b []float64)
	s3    func(d, a, b, c []float64)
	text  string
	off   int64 // of an address, or a number
	d     int32 // slots (or predicates) of the result and the operands
	a     int32
	b     int32
	c     int32
	pred  int32 // the guard: a predicate, or -1
	pc    int32
	line  int32
	reads []named
	// memory
	regs    []int32
	width   uint16 // bytes of an element
	space   space
	sign    bool
	not     bool  // the guard is negated
	float   bool  // the memory has F32
	fromOff int64 // of the source of a copy
	// control
	jumps  bool
	target int32
	join   int32 // where a branch's two ways meet; -1: at the end
}

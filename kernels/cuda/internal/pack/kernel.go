package pack

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Kernel is an entry of a module.
type Kernel struct {
	Name   string
	Module string
	Params []Param
	// Bytes is the size of the parameters laid out as the entry wants them.
	Bytes int
	// Threads is the largest block that the kernel was compiled for
	// (__launch_bounds__); 0 where it says nothing.
	Threads int
}

// Param is one parameter of a kernel.
type Param struct {
	Type   string // as PTX has it: "u64", "u32", "f32", or "b8" for a struct
	Size   int    // bytes
	Offset int    // in the buffer of all parameters
}

// Find returns a kernel by its name.
func Find(name string) (*Kernel, bool) {
	k, ok := kernels()[name]
	return k, ok
}

// All returns every kernel, in the order of their names.
func All() []*Kernel {
	var all []*Kernel
	for _, k := range kernels() {
		all = append(all, k)
	}
	slices.SortFunc(all, func(a, b *Kernel) int { return strings.Compare(a.Name, b.Name) })
	return all
}

var kernels = sync.OnceValue(func() map[string]*Kernel {
	all := map[string]*Kernel{}
	for _, module := range Names() {
		ptx, err := PTX(module)
		if err != nil {
			panic("cuda/pack: " + err.Error())
		}
		entries, err := Entries(module, string(ptx))
		if err != nil {
			panic("cuda/pack: " + err.Error())
		}
		for _, k := range entries {
			if all[k.Name] != nil {
				panic("cuda/pack: " + k.Name + " stands in two modules")
			}
			all[k.Name] = k
		}
	}
	return all
})

var (
	entryPattern = regexp.MustCompile(`\.entry\s+(\w+)\s*\(([^)]*)\)\s*((?:\.\w+[^\n{]*\n?)*)`)
	paramPattern = regexp.MustCompile(`^\.param\s+(?:\.align\s+(\d+)\s+)?\.(\w+)\s+\w+(?:\[(\d+)\])?$`)
	limitPattern = regexp.MustCompile(`\.maxntid\s+(\d+)`)
)

// Entries reads what the kernels of a PTX text take.
func Entries(module, ptx string) ([]*Kernel, error) {
	var all []*Kernel
	for _, m := range entryPattern.FindAllStringSubmatch(ptx, -1) {
		k := &Kernel{Name: m[1], Module: module}
		for _, field := range strings.Split(m[2], ",") {
			field = strings.TrimSpace(field)
			if field == "" {
				continue
			}
			p, align, err := parseParam(field)
			if err != nil {
				return nil, fmt.Errorf("%s: %s: %w", module, k.Name, err)
			}
			p.Offset = (k.Bytes + align - 1) / align * align
			k.Bytes = p.Offset + p.Size
			k.Params = append(k.Params, p)
		}
		if limit := limitPattern.FindStringSubmatch(m[3]); limit != nil {
			k.Threads, _ = strconv.Atoi(limit[1]) // digits
		}
		all = append(all, k)
	}
	return all, nil
}

func parseParam(field string) (p Param, align int, err error) {
	m := paramPattern.FindStringSubmatch(field)
	if m == nil {
		return p, 0, fmt.Errorf("no parameter: %q", field)
	}
	bits := strings.TrimLeft(m[2], "bfsu")
	n, err := strconv.Atoi(bits)
	if err != nil || n%8 != 0 {
		return p, 0, fmt.Errorf("unknown type .%s", m[2])
	}
	p = Param{Type: m[2], Size: n / 8}
	align = p.Size
	if m[3] != "" {
		count, _ := strconv.Atoi(m[3]) // digits
		p.Size *= count
	}
	if m[1] != "" {
		align, _ = strconv.Atoi(m[1]) // digits
	}
	return p, align, nil
}

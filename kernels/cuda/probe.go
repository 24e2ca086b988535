package cuda

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"sync"

	"lamina/kernels/cuda/internal/drv"
	"lamina/kernels/cuda/internal/pack"
	"lamina/kernels/cuda/internal/sys"
)

// Report is what this machine has for the backend.
type Report struct {
	Built          bool    `json:"built"`                     // with -tags cuda
	Driver         string  `json:"driver,omitempty"`          // what the library was loaded by
	Version        string  `json:"version,omitempty"`         // CUDA version of the driver: "12.2"
	Product        string  `json:"product,omitempty"`         // path of cuBLASLt
	ProductVersion string  `json:"product_version,omitempty"` // "12.8.4"
	ProductFault   string  `json:"product_fault,omitempty"`   // why there is none
	Pack           string  `json:"pack"`                      // digest of the kernels
	Devices        []Found `json:"devices,omitempty"`
	Tried          []Tried `json:"tried,omitempty"`
	// Fault is why no device can be used, with what to do; "" if one can.
	Fault string `json:"fault,omitempty"`
}

// Found is a device that the driver shows. Sizes are in bytes.
type Found struct {
	Index   int    `json:"index"`
	Name    string `json:"name"`
	UUID    string `json:"uuid,omitempty"`
	Compute string `json:"compute"` // "9.0"
	Memory  int64  `json:"memory"`
	Free    int64  `json:"free,omitempty"`  // of one that can be used
	Fault   string `json:"fault,omitempty"` // why it cannot
}

// Tried is a place where a library was looked for.
type Tried struct {
	Library string `json:"library"` // "libcuda", "libcublasLt"
	Path    string `json:"path"`    // a file, a folder, or a name that the loader was given
	Result  string `json:"result"`  // "loaded", or why not
}

// Probe looks at this machine: libraries, driver, and each device, which it takes into
// use for a moment. It never fails; what is wrong stands in the report.
func Probe() Report { return probe(system()) }

// Usable returns why device n cannot be used: nil if it can.
func (r Report) Usable(n int) error {
	switch {
	case n >= 0 && n < len(r.Devices) && r.Devices[n].Fault == "":
		return nil
	case n >= 0 && n < len(r.Devices):
		return errors.New(r.Devices[n].Fault + r.another())
	case len(r.Devices) == 0 && r.Fault != "":
		return errors.New(r.Fault)
	}
	return fmt.Errorf("cuda: no device %d: there are %d", n, len(r.Devices))
}

// another names a device that can be used.
func (r Report) another() string {
	for _, f := range r.Devices {
		if f.Fault == "" {
			return fmt.Sprintf("; use cuda:%d (%s)", f.Index, f.Name)
		}
	}
	return ""
}

// Choose returns the device that is taken where none is named: the first that can be
// used, or -1 and, in one line, why there is none. A machine without cuBLASLt has none:
// its matrix products would be slower than the processor's.
func Choose() (device int, why string) { return choose(system()) }

// libraries are the driver and cuBLASLt, as far as they were found.
type libraries struct {
	finder  sys.Finder
	driver  *drv.Driver
	path    string // of the driver's library, which may be there without a driver
	version int    // as the driver counts, 0 where it does not tell
	err     error  // why there is no driver
	tried   []Tried

	once       sync.Once // for what follows, which is only looked for where it is needed
	products   sys.Library
	productErr error
}

// system finds the libraries of this machine, once.
var system = sync.OnceValue(func() *libraries { return find(sys.System(), sys.Built) })

// loadDriver returns the driver of this machine.
func loadDriver() (*drv.Driver, error) { return system().driver, system().err }

// loadProducts returns cuBLASLt; its error says where it may be put.
func loadProducts() (sys.Library, error) { return system().product() }

// find looks for the driver and initialises it.
func find(f sys.Finder, built bool) *libraries {
	l := &libraries{finder: f}
	if !built {
		l.err = fmt.Errorf("cuda: %w", sys.ErrNotBuilt)
		return l
	}
	lib, tried, err := f.Find(sys.Driver)
	l.note("libcuda", tried)
	if err != nil {
		l.err = noDriver(err)
		return l
	}
	l.path = lib.Path()
	l.version, _ = drv.Version(lib) // Open says what is wrong
	if l.driver, l.err = drv.Open(lib); l.err != nil {
		l.driver = nil
	}
	return l
}

// noDriver says what a machine without a driver library lacks.
func noDriver(err error) error {
	var missing *sys.NotFound
	if errors.As(err, &missing) && missing.Broken != nil {
		return fmt.Errorf("cuda: %w: install the NVIDIA driver again", err)
	}
	return fmt.Errorf("cuda: %w (no NVIDIA driver on this machine; a container needs --gpus all): install the NVIDIA driver, or set %s to its folder",
		err, sys.PathVariable)
}

// product looks for cuBLASLt, once.
func (l *libraries) product() (sys.Library, error) {
	l.once.Do(func() {
		if errors.Is(l.err, sys.ErrNotBuilt) {
			l.productErr = l.err
			return
		}
		l.products, l.productErr = l.findProduct()
	})
	return l.products, l.productErr
}

func (l *libraries) findProduct() (sys.Library, error) {
	version := l.version
	if version == 0 {
		version = anyDriver
	}
	want, tooNew := sys.Products(version)
	lib, tried, err := l.finder.Find(want)
	l.note("libcublasLt", append(tooNew, tried...))
	if err == nil {
		_, err = sys.BindCublasLt(lib)
	}
	if err == nil {
		return lib, nil
	}
	var missing *sys.NotFound
	if errors.As(err, &missing) && missing.Broken == nil {
		err = fmt.Errorf("libcublasLt not found (tried %d places; set %s to its folder)", len(tried)+len(tooNew), sys.PathVariable)
	}
	return nil, fmt.Errorf("cuda: %w", err)
}

// anyDriver is newer than any driver.
const anyDriver = 1 << 30

// note keeps where a library was looked for.
func (l *libraries) note(library string, tried []sys.Attempt) {
	for _, a := range tried {
		if a.Why == "" {
			a.Why = "loaded"
		}
		l.tried = append(l.tried, Tried{library, a.Path, a.Why})
	}
}

// probe reports on libraries, and on the devices of the driver.
func probe(l *libraries) Report {
	products, err := l.product()
	r := Report{Built: !errors.Is(l.err, sys.ErrNotBuilt), Driver: l.path, Pack: pack.Digest(), Tried: l.tried}
	if l.version > 0 {
		r.Version = drv.Dotted(l.version)
	}
	if err != nil {
		r.ProductFault = err.Error()
	} else {
		r.Product, r.ProductVersion = products.Path(), productVersion(products)
	}
	if l.driver == nil {
		r.Fault = l.err.Error()
		return r
	}
	all, err := l.driver.Devices()
	if err != nil {
		r.Fault = err.Error()
	}
	usable := false
	for _, i := range all {
		f := look(l.driver, i)
		r.Devices = append(r.Devices, f)
		usable = usable || f.Fault == ""
	}
	if !usable && r.Fault == "" {
		r.Fault = noneUsable(r.Devices)
	}
	return r
}

// look takes a device into use for a moment.
func look(d *drv.Driver, i drv.Info) Found {
	f := Found{Index: i.Index, Name: i.Name, UUID: i.UUID, Compute: fmt.Sprintf("%d.%d", i.Major, i.Minor), Memory: i.Memory}
	err := i.Usable()
	if err == nil {
		var dev *drv.Device
		if dev, err = d.Device(i.Index); err == nil {
			f.Free, _, err = dev.MemInfo()
			err = cmp.Or(err, compiles(dev), dev.Close())
		}
	}
	if err != nil {
		f.Fault = err.Error()
	}
	return f
}

// compiles has the driver make machine code of a kernel that does nothing: some installed
// drivers lack their compiler.
func compiles(dev *drv.Device) error {
	m, err := dev.Load([]byte(".version 7.8\n.target sm_80\n.address_size 64\n.visible .entry lamina_probe()\n{\n\tret;\n}\n"))
	if err != nil {
		return err
	}
	return m.Unload()
}

// noneUsable says why none of the devices can be used.
func noneUsable(all []Found) string {
	var why []string
	for _, f := range all {
		why = append(why, strings.TrimPrefix(f.Fault, "cuda: "))
	}
	if len(why) == 0 {
		return "cuda: the driver shows no device"
	}
	return "cuda: " + strings.Join(why, "; ")
}

// productVersion asks cuBLASLt for its version.
func productVersion(lib sys.Library) string {
	p, err := sys.BindCublasLt(lib)
	if err != nil {
		return ""
	}
	v := int(p.GetVersion())
	return fmt.Sprintf("%d.%d.%d", v/10000, v/100%100, v%100)
}

// choose is Choose for libraries. It takes no device into use.
func choose(l *libraries) (int, string) {
	if l.err != nil {
		return -1, notUsed(l.err)
	}
	all, err := l.driver.Devices()
	if err != nil {
		return -1, notUsed(err)
	}
	for _, i := range all {
		if i.Usable() != nil {
			continue
		}
		if _, err := l.product(); err != nil {
			return -1, notUsed(err) + "; matrix products would be slow, using cpu"
		}
		return i.Index, ""
	}
	var found []Found
	for _, i := range all {
		found = append(found, Found{Fault: i.Usable().Error()})
	}
	return -1, notUsed(errors.New(noneUsable(found)))
}

// notUsed writes why the CPU is taken, in one line.
func notUsed(err error) string {
	return "cuda: not used: " + strings.ReplaceAll(strings.TrimPrefix(err.Error(), "cuda: "), "\n", " ")
}

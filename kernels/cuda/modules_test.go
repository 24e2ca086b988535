package cuda

import (
	"os"
	"strconv"
	"testing"
	"time"

	"lamina/kernels/cuda/internal/drv"
	"lamina/kernels/cuda/internal/pack"
	"lamina/kernels/cuda/internal/sim"
)

// TestHardwareModules has the driver of a GPU make machine code of every kernel, and lists
// what each takes; see TestHardware.
func TestHardwareModules(t *testing.T) {
	n, err := strconv.Atoi(os.Getenv("LAMINA_CUDA"))
	if err != nil {
		t.Skip("no GPU is named: LAMINA_CUDA=0 names the first")
	}
	if err := Probe().Usable(n); err != nil {
		t.Skip(err)
	}
	driver, err := loadDriver()
	if err != nil {
		t.Fatal(err)
	}
	loadAll(t, driver, n)
}

// Every kernel of every module is found where its PTX is loaded.
func TestModulesLoad(t *testing.T) {
	m := sim.New(sim.Options{})
	driver, err := drv.Open(m)
	if err != nil {
		t.Fatal(err)
	}
	if loaded := loadAll(t, driver, 0); loaded != len(pack.All()) {
		t.Errorf("%d kernels of %d are loaded", loaded, len(pack.All()))
	}
	if err := m.Close(); err != nil {
		t.Error(err)
	}
}

// loadAll loads every module, looks each kernel up and logs its registers and the memory
// that they spill to, and returns how many there are.
func loadAll(t *testing.T, driver *drv.Driver, n int) (loaded int) {
	dev, err := driver.Device(n)
	if err != nil {
		t.Fatal(err)
	}
	defer dev.Close()
	t.Logf("driver %s, %+v", drv.Dotted(driver.Version()), dev.Info())
	start := time.Now()
	for _, name := range pack.Names() {
		ptx, err := pack.PTX(name)
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		module, err := dev.Load(ptx)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		t.Logf("%s: %v", name, time.Since(began).Round(time.Millisecond))
		for _, k := range pack.All() {
			if k.Module != name {
				continue
			}
			f, err := module.Function(k.Name)
			if err != nil {
				t.Error(err)
				continue
			}
			u, err := f.Usage()
			if err != nil || u.Threads < k.Threads {
				t.Errorf("%s: %+v, of which a block has %d: %v", k.Name, u, k.Threads, err)
			}
			t.Logf("  %s: %d registers, %d B spilled, %d B shared, blocks of %d", k.Name, u.Registers, u.Local, u.Shared, u.Threads)
			loaded++
		}
		if err := module.Unload(); err != nil {
			t.Error(err)
		}
	}
	t.Logf("%d kernels in %v", loaded, time.Since(start).Round(time.Millisecond))
	return loaded
}

package drv

import "fmt"

// Info describes a device. Sizes are in bytes.
type Info struct {
	Index           int
	Name            string
	UUID            string // "GPU-…", empty where the driver has no function for it
	Major, Minor    int    // compute capability
	Memory          int64
	Multiprocessors int
	L2              int
	SharedPerBlock  int // with [Function.SetShared]
	Mode            int // compute mode: 0 default, 2 prohibited, 3 one process
}

// Least is the least compute capability that the kernels run on: 8.0.
const Least = 80

// Usable returns why the device cannot be used, nil where it can.
func (i Info) Usable() error {
	switch {
	case i.Major*10+i.Minor < Least:
		return fmt.Errorf("cuda: device %d (%s) is compute %d.%d, need >= %d.%d: its tensor cores know no BF16",
			i.Index, i.Name, i.Major, i.Minor, Least/10, Least%10)
	case i.Mode == prohibited:
		return fmt.Errorf("cuda: device %d (%s) is in compute mode \"prohibited\": nvidia-smi -i %d -c DEFAULT permits use", i.Index, i.Name, i.Index)
	}
	return nil
}

const prohibited = 2 // CU_COMPUTEMODE_PROHIBITED

// Numbers of CUdevice_attribute.
const (
	attrMultiprocessors = 16
	attrMode            = 20
	attrL2              = 38
	attrMajor           = 75
	attrMinor           = 76
	attrShared          = 97
)

// Devices describes every device that the driver shows, those of no use to us too.
func (d *Driver) Devices() ([]Info, error) {
	n := onHeap[int32]()
	if err := d.call("cuDeviceGetCount", d.procs.DeviceGetCount, address(n)); err != nil {
		return nil, err
	}
	all := make([]Info, *n)
	for i := range all {
		var err error
		if all[i], _, err = d.info(i); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// info describes a device and returns its handle.
func (d *Driver) info(n int) (i Info, handle uintptr, err error) {
	i.Index = n
	out := onHeap[[256]byte]()
	number := onHeap[int32]()
	if err := d.call("cuDeviceGet", d.procs.DeviceGet, address(number), uintptr(n)); err != nil {
		return i, 0, err
	}
	handle = uintptr(*number)
	if err := d.call("cuDeviceGetName", d.procs.DeviceGetName, address(out), uintptr(len(out)), handle); err != nil {
		return i, 0, err
	}
	i.Name = cString(address(out))
	bytes := onHeap[uint64]()
	if err := d.call("cuDeviceTotalMem_v2", d.procs.DeviceTotalMem, address(bytes), handle); err != nil {
		return i, 0, err
	}
	i.Memory = int64(*bytes)
	if d.procs.DeviceGetUuid != nil && int32(d.procs.DeviceGetUuid(address(out), handle)) == 0 {
		i.UUID = fmt.Sprintf("GPU-%x-%x-%x-%x-%x", out[0:4], out[4:6], out[6:8], out[8:10], out[10:16])
	}
	for _, a := range []struct {
		to     *int
		number uintptr
	}{
		{&i.Multiprocessors, attrMultiprocessors}, {&i.Mode, attrMode}, {&i.L2, attrL2},
		{&i.Major, attrMajor}, {&i.Minor, attrMinor}, {&i.SharedPerBlock, attrShared},
	} {
		if err := d.call("cuDeviceGetAttribute", d.procs.DeviceGetAttribute, address(number), a.number, handle); err != nil {
			return i, 0, err
		}
		*a.to = int(*number)
	}
	return i, handle, nil
}

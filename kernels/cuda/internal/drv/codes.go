package drv

// code is an error of CUresult.
type code struct {
	name, text string
	remedy     string
	sticky     bool // the context is lost with it
}

// What the longer remedies say.
const (
	tellUs     = "this is a fault of the program: please report it with this message"
	tooBig     = "make batches or sequences smaller, or stop other programs on the device (nvidia-smi lists them)"
	notVisible = "no NVIDIA GPU can be seen: look at nvidia-smi, at CUDA_VISIBLE_DEVICES, and whether a container was started with its GPUs (--gpus all)"
	mismatch   = "the kernel module and the library are of different drivers, as after an update: reboot, or unload and load the nvidia module; in a container, start it again"
	olderPTX   = "the driver is too old for the kernels: update the NVIDIA driver to 520 or later"
	hardware   = "the hardware failed: look at nvidia-smi -q and the system's log for Xid errors"
)

// codes has what this package says of an error itself: the driver's own name and words
// replace the first two.
var codes = map[int]code{
	1:   {"CUDA_ERROR_INVALID_VALUE", "invalid argument", tellUs, false},
	2:   {"CUDA_ERROR_OUT_OF_MEMORY", "out of memory", tooBig, false},
	3:   {"CUDA_ERROR_NOT_INITIALIZED", "initialization error", tellUs, false},
	4:   {"CUDA_ERROR_DEINITIALIZED", "driver shutting down", "the process is ending", false},
	34:  {"CUDA_ERROR_STUB_LIBRARY", "CUDA driver is a stub library", "the library is the toolkit's stand-in for linking: take the folder \"stubs\" out of LD_LIBRARY_PATH", false},
	46:  {"CUDA_ERROR_DEVICE_UNAVAILABLE", "CUDA-capable device(s) is/are busy or unavailable", "another process has the device for itself, or its compute mode is exclusive: nvidia-smi shows both", false},
	100: {"CUDA_ERROR_NO_DEVICE", "no CUDA-capable device is detected", notVisible, false},
	101: {"CUDA_ERROR_INVALID_DEVICE", "invalid device ordinal", "nvidia-smi -L lists the devices; CUDA_VISIBLE_DEVICES hides some of them", false},
	200: {"CUDA_ERROR_INVALID_IMAGE", "device kernel image is invalid", tellUs, false},
	201: {"CUDA_ERROR_INVALID_CONTEXT", "invalid device context", "the thread is bound to no device: " + tellUs, false},
	209: {"CUDA_ERROR_NO_BINARY_FOR_GPU", "no kernel image is available for execution on the device", "the device is older than compute 8.0, or the driver knows less than the device", false},
	214: {"CUDA_ERROR_ECC_UNCORRECTABLE", "uncorrectable ECC error encountered", hardware, true},
	218: {"CUDA_ERROR_INVALID_PTX", "a PTX JIT compilation failed", tellUs, false},
	220: {"CUDA_ERROR_NVLINK_UNCORRECTABLE", "uncorrectable NVLink error detected during the execution", hardware, true},
	221: {"CUDA_ERROR_JIT_COMPILER_NOT_FOUND", "PTX JIT compiler library not found", "libnvidia-ptxjitcompiler.so.1 of the driver is missing: install the driver whole; a container needs the capability \"compute\"", false},
	222: {"CUDA_ERROR_UNSUPPORTED_PTX_VERSION", "the provided PTX was compiled with an unsupported toolchain.", olderPTX, false},
	223: {"CUDA_ERROR_JIT_COMPILATION_DISABLED", "PTX JIT compilation was disabled", "the environment has CUDA_DISABLE_PTX_JIT=1: the kernels are PTX, so unset it", false},
	226: {"CUDA_ERROR_CONTAINED", "Invalid device context", hardware, true},
	304: {"CUDA_ERROR_OPERATING_SYSTEM", "OS call failed or operation not supported on this OS", "the device files may be missing or forbidden: look at the rights of /dev/nvidia*", false},
	400: {"CUDA_ERROR_INVALID_HANDLE", "invalid resource handle", tellUs, false},
	500: {"CUDA_ERROR_NOT_FOUND", "named symbol not found", tellUs, false},
	600: {"CUDA_ERROR_NOT_READY", "device not ready", "", false},
	700: {"CUDA_ERROR_ILLEGAL_ADDRESS", "an illegal memory access was encountered", "a kernel left its memory: " + tellUs, true},
	701: {"CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES", "too many resources requested for launch", tellUs, false},
	702: {"CUDA_ERROR_LAUNCH_TIMEOUT", "the launch timed out and was terminated", "a device that drives a display ends long kernels: use another device", true},
	709: {"CUDA_ERROR_CONTEXT_IS_DESTROYED", "context is destroyed", tellUs, true},
	710: {"CUDA_ERROR_ASSERT", "device-side assert triggered", tellUs, true},
	714: {"CUDA_ERROR_HARDWARE_STACK_ERROR", "hardware stack error", hardware, true},
	715: {"CUDA_ERROR_ILLEGAL_INSTRUCTION", "an illegal instruction was encountered", tellUs, true},
	716: {"CUDA_ERROR_MISALIGNED_ADDRESS", "misaligned address", tellUs, true},
	717: {"CUDA_ERROR_INVALID_ADDRESS_SPACE", "operation not supported on global/shared address space", tellUs, true},
	718: {"CUDA_ERROR_INVALID_PC", "invalid program counter", tellUs, true},
	719: {"CUDA_ERROR_LAUNCH_FAILED", "unspecified launch failure", tellUs, true},
	721: {"CUDA_ERROR_TENSOR_MEMORY_LEAK", "tensor memory was not completely freed", tellUs, true},
	801: {"CUDA_ERROR_NOT_SUPPORTED", "operation not supported", "", false},
	802: {"CUDA_ERROR_SYSTEM_NOT_READY", "system not yet initialized", "on a machine with NVSwitch, start nvidia-fabricmanager", false},
	803: {"CUDA_ERROR_SYSTEM_DRIVER_MISMATCH", "system has unsupported display driver / cuda driver combination", mismatch, false},
	804: {"CUDA_ERROR_COMPAT_NOT_SUPPORTED_ON_DEVICE", "forward compatibility was attempted on non supported HW", "take the folder \"compat\" of CUDA out of LD_LIBRARY_PATH, or update the NVIDIA driver", false},
	810: {"CUDA_ERROR_MPS_CLIENT_TERMINATED", "the MPS client has been terminated by the server", "a fault of another client of the MPS server ends all of them: start the program again", true},
	900: {"CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED", "operation not permitted when stream is capturing", tellUs, false},
	901: {"CUDA_ERROR_STREAM_CAPTURE_INVALIDATED", "operation failed due to a previous error during capture", "", false},
	908: {"CUDA_ERROR_STREAM_CAPTURE_WRONG_THREAD", "attempt to terminate a thread-local capture sequence from another thread", tellUs, false},
	999: {"CUDA_ERROR_UNKNOWN", "unknown error", "often the kernel module is not loaded whole: run nvidia-smi once as root, or reboot", false},
}

package sys

import (
	"path/filepath"
	"runtime"
	"slices"
)

// Places returns the folders in which a library is looked for after the loader has not
// found it, as patterns: those of a toolkit that CUDA_HOME or CUDA_PATH names; of the
// wheels of Python environments (VIRTUAL_ENV, CONDA_PREFIX, the python3 on PATH, the usual
// prefixes), which is where images for GPUs often have CUDA; of conda; of toolkits below
// /usr/local; and of the driver in containers and in WSL.
func (f Finder) Places(w Want) []string {
	driver := []string{"/usr/lib/wsl/lib", "/usr/local/nvidia/lib64", "/run/opengl-driver/lib",
		"/usr/lib/" + multiarch() + "-linux-gnu", "/usr/lib64"}
	if !w.Toolkit {
		return driver
	}
	var all []string
	for _, name := range []string{"CUDA_HOME", "CUDA_PATH"} {
		if home := f.Getenv(name); home != "" {
			all = append(all, toolkit(home)...)
		}
	}
	for _, packages := range f.sitePackages() {
		all = append(all, packages+"/nvidia/*/lib", packages+"/torch/lib")
	}
	if conda := f.Getenv("CONDA_PREFIX"); conda != "" {
		all = append(all, filepath.Join(conda, "lib"))
	}
	all = append(all, "/opt/conda/lib")
	all = append(all, toolkit("/usr/local/cuda")...)
	all = append(all, toolkit("/usr/local/cuda-*")...)
	return unique(append(all, driver...))
}

// toolkit returns where a toolkit has its libraries.
func toolkit(home string) []string {
	target := multiarch() + "-linux"
	if runtime.GOARCH == "arm64" {
		target = "sbsa-linux"
	}
	return []string{filepath.Join(home, "lib64"), filepath.Join(home, "targets", target, "lib")}
}

// multiarch is what Linux calls the processor.
func multiarch() string {
	if runtime.GOARCH == "arm64" {
		return "aarch64"
	}
	return "x86_64"
}

// sitePackages returns where Python environments keep what is installed, as patterns.
func (f Finder) sitePackages() []string {
	var prefixes []string
	for _, name := range []string{"VIRTUAL_ENV", "CONDA_PREFIX"} {
		if p := f.Getenv(name); p != "" {
			prefixes = append(prefixes, p)
		}
	}
	prefixes = append(prefixes, f.pythons()...)
	if home := f.Getenv("HOME"); home != "" {
		prefixes = append(prefixes, filepath.Join(home, ".local"), filepath.Join(home, ".pyenv/versions/*"))
	}
	prefixes = append(prefixes, "/opt/conda", "/opt/venv", "/usr/local")
	var all []string
	for _, p := range prefixes {
		all = append(all, p+"/lib/python3*/site-packages")
	}
	for _, p := range []string{"/usr/local", "/usr"} { // Debian's
		all = append(all, p+"/lib/python3*/dist-packages")
	}
	return unique(all)
}

// pythons returns the prefixes of the python3 that PATH has first, before and after its
// links are followed.
func (f Finder) pythons() []string {
	for _, bin := range filepath.SplitList(f.Getenv("PATH")) {
		path := filepath.Join(bin, "python3")
		if filepath.IsAbs(bin) && f.Exists(path) {
			real := f.Resolve(path)
			return []string{filepath.Dir(bin), filepath.Dir(filepath.Dir(real))}
		}
	}
	return nil
}

// unique drops what stands in a list before.
func unique(all []string) []string {
	var kept []string
	for _, s := range all {
		if !slices.Contains(kept, s) {
			kept = append(kept, s)
		}
	}
	return kept
}

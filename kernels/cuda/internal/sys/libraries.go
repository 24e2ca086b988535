package sys

import "fmt"

// Driver is the driver's library.
var Driver = Want{Names: []string{"libcuda.so.1"}}

// products are the versions of cuBLASLt that are known, the newest first, and the least
// driver of each as cuDriverGetVersion counts: a library runs on any driver of its own
// major version or a later one.
var products = []struct {
	name   string
	driver int
}{{"libcublasLt.so.13", 13000}, {"libcublasLt.so.12", 12000}, {"libcublasLt.so.11", 11000}}

// Products returns what to look for as cuBLASLt with a driver of this version, and the
// versions that it is too old for.
func Products(driver int) (w Want, tooNew []Attempt) {
	w.Toolkit = true
	for _, p := range products {
		if driver < p.driver {
			tooNew = append(tooNew, Attempt{p.name, fmt.Sprintf("needs a driver of CUDA %d", p.driver/1000)})
			continue
		}
		w.Names = append(w.Names, p.name)
	}
	return w, tooNew
}

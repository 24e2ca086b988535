//go:build !race

package kerneltest

// stride is which of the products are checked: every one.
const stride = 1

//go:build !unix

package parcel_test

// special are what only some systems have.
var special []hostile

//go:build noasm || !amd64

package simd

func has(Feature) bool { return false }

func noTiles() string { return "this build has no assembly for AMX" }

package machine

import (
	"cmp"
	"runtime/debug"
	"slices"
	"strings"
)

// Static reports whether the binary was built without cgo and without CUDA, so that it
// needs no loader.
func Static() bool {
	info, ok := debug.ReadBuildInfo()
	return ok && !slices.ContainsFunc(info.Settings, func(s debug.BuildSetting) bool {
		return s.Key == "CGO_ENABLED" && s.Value == "1" || s.Key == "-tags" && slices.Contains(strings.Split(s.Value, ","), "cuda")
	})
}

// Version returns what the binary was built from.
func Version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown version"
	}
	v := info.Main.Version
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && (v == "" || v == "(devel)") {
			v = s.Value[:min(12, len(s.Value))]
		}
	}
	return cmp.Or(v, "(devel)")
}

package machine

import (
	"cmp"
	"runtime/debug"
	"slices"
)

// Static reports whether the binary was built without cgo, so that it needs no
// loader.
func Static() bool {
	info, ok := debug.ReadBuildInfo()
	return ok && !slices.Contains(info.Settings, debug.BuildSetting{Key: "CGO_ENABLED", Value: "1"})
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

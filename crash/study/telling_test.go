package study_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lamina/crash/study"
)

// TestReadExperimentRefuses what does not fit, by name; a table of an earlier version, without
// anything beside it, is shown.
func TestReadExperimentRefuses(t *testing.T) {
	const row = `{"row":"crash","plan":"0* 1 3*","share":"none","seed":1,"emulator_zs":null,"emulator_ft":null,"plug_in":0.5,"plug_in_norm":null,"stderr":0.1,"n":4,"delta":null,"held_params":10,"train_params":5,"seconds":1,"peak_bytes":1}`
	table := func(row, more string) string {
		return `{"rows":[` + row + `],"comparisons":[],"model":"m","task":"t","splits":{"train":1,"valid":1,"support":1,"test":1},"versions":{}` + more + `}`
	}
	for name, c := range map[string]struct{ table, config, want string }{
		"earlier":       {table(row, ""), "", ""},
		"later":         {table(row, `,"new":1`), `{"new":2,"keep":3}`, ""},
		"no rows":       {table("", ""), "", "holds no rows"},
		"cut":           {table(row, "")[:90], "", "ends in the middle"},
		"layers":        {table(row, `,"page":{"blocks":3,"params":10,"metric":"acc","kinds":[]}`), "", "layer 3 of 3"},
		"clusters":      {table(row, `,"page":{"blocks":4,"params":10,"metric":"acc","clusters":[[0,4]],"kinds":[]}`), "", "cluster"},
		"no model":      {table(row, `,"page":{"blocks":0,"params":10,"metric":"acc","kinds":[]}`), "", "0 blocks"},
		"broken config": {table(row, ""), `{"keep":"many"}`, "config.json"},
	} {
		dir := t.TempDir()
		for file, text := range map[string]string{"table.json": c.table, "config.json": c.config} {
			if text == "" {
				continue
			}
			if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o666); err != nil {
				t.Fatal(err)
			}
		}
		x, err := study.ReadExperiment(dir)
		if (err == nil) != (c.want == "") || err != nil && (!strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), dir)) {
			t.Errorf("%s: %v", name, err)
		}
		if err == nil {
			if err := x.WritePage(); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

package task

import (
	"strings"
	"testing"

	"github.com/dlclark/regexp2/v2"
)

// A panic of the engine is an error that names the pattern; a whole engine finds.
func TestPanickingEngineIsAnError(t *testing.T) {
	whole, err := NewPattern("a+")
	if err != nil {
		t.Fatal(err)
	}
	if found, err := whole.all("baa"); err != nil || len(found) != 1 || found[0][0] != "aa" {
		t.Errorf("found %v, error %v", found, err)
	}
	broken := &Pattern{text: "a+", re: new(regexp2.Regexp)}
	if _, err := broken.all("baa"); !gaveUp(err) {
		t.Errorf("all: error %v", err)
	}
	if _, err := broken.without("baa"); !gaveUp(err) {
		t.Errorf("without: error %v", err)
	}
}

func gaveUp(err error) bool {
	return err != nil && strings.HasPrefix(err.Error(), `the pattern "a+": the engine of patterns gave up: runtime error: `)
}

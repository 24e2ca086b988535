package task

import (
	"strings"
	"testing"
	"time"
)

// TestPatternsEnd: counts of repetitions take no memory, and what goes back and forth for
// ever ends with one line that has not the text in it.
func TestPatternsEnd(t *testing.T) {
	text := strings.Repeat("a", 20000) + "\n"
	for pattern, bad := range map[string]string{
		`a{1000}`: "", `(((a{1000}){1000}){1000})`: "", `(?:a{0,2147483647}){0,2147483647}`: "",
		`(a?){1000000}b`: "backtracking", `((a{1,1000}){1,1000}){1,1000}b`: "takes longer than 5s for one text",
	} {
		p, err := NewPattern(pattern)
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		_, err = p.all(text)
		if (err == nil) != (bad == "") || bad != "" && (!strings.Contains(err.Error(), bad) || len(err.Error()) > 500) || time.Since(began) > 20*time.Second {
			t.Errorf("%s: %.600v after %v", pattern, err, time.Since(began))
		}
	}
}

package chat

import (
	"testing"
	"time"
)

// A panic of the library is an error that names the function of the template.
func TestPanickingStrftimeIsAnError(t *testing.T) {
	_, err := written(func(string, time.Time) string { panic("no such day") }, "%d", time.Time{})
	if err == nil || err.Error() != "strftime_now gave up: no such day" {
		t.Errorf("error %v", err)
	}
	if text, err := formatTime(time.Date(2024, 2, 29, 0, 0, 0, 0, time.UTC), "%d %b"); text != "29 Feb" || err != nil {
		t.Errorf("%q, error %v", text, err)
	}
}

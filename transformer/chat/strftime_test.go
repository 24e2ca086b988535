package chat_test

import (
	"encoding/json"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"lamina/transformer/chat"
)

// now renders strftime_now(format) at a time.
func now(format string, at time.Time) (string, error) {
	// A quoted Go string is one of Jinja's too, since the formats hold no odd bytes.
	return chat.Render("{{ strftime_now("+strconv.Quote(format)+") }}", nil, chat.Options{Now: at})
}

// TestStrftimeAgreesWithPython: a format is written as Python writes it or refused
// by name, never written otherwise. testdata/strftime.json is Python's.
func TestStrftimeAgreesWithPython(t *testing.T) {
	text, err := os.ReadFile("testdata/strftime.json")
	var cases []struct {
		Time    time.Time
		Written map[string]string
	}
	if err == nil {
		err = json.Unmarshal(text, &cases)
	}
	if err != nil || len(cases) < 5 {
		t.Fatalf("%d times, %v", len(cases), err)
	}
	equal, refused := 0, 0
	for _, c := range cases {
		for format, want := range c.Written {
			got, err := now(format, c.Time)
			switch {
			case err != nil && strings.Contains(err.Error(), "strftime_now"):
				refused++
			case err != nil || got != want:
				t.Errorf("%s: %q: %q, %v; want %q", c.Time, format, got, err, want)
			default:
				equal++
			}
		}
	}
	if equal < 65*len(cases) {
		t.Errorf("%d written and %d refused: want at least 65 written of each time", equal, refused)
	}
}

// TestStrftimeOfTemplates: what dates in published templates are made of is written,
// whatever the time's zone, which Python's times without one do not show.
func TestStrftimeOfTemplates(t *testing.T) {
	at := time.Date(2024, 3, 5, 14, 7, 9, 0, time.FixedZone("CET", 3600))
	for format, want := range map[string]string{
		"%d %b %Y": "05 Mar 2024", "%B %-d, %Y": "March 5, 2024", "%-m/%-d/%y": "3/5/24", "%a %e": "Tue  5",
		"%A, %I:%M %p": "Tuesday, 02:07 PM", "%-H:%M:%S": "14:07:09", "%H:%M%z %Z.": "14:07 .", "%F %T": "2024-03-05 14:07:09",
		"day %j, week %V": "day 065, week 10", "100%% of %-M": "100% of 7", "100%": "100%",
	} {
		if got, err := now(format, at); err != nil || got != want {
			t.Errorf("%q: %q, %v; want %q", format, got, err, want)
		}
	}
	if got, err := now(strings.Repeat("%c", 1<<12), at); err == nil || !strings.Contains(err.Error(), "8192 bytes") {
		t.Errorf("a long format: %.20q, %v", got, err)
	}
	for _, format := range []string{"%L", "%-e", "%_d", "%^B", "%:z", "%é", "% d"} {
		want := "%" + string([]rune(format)[1:2])
		if got, err := now(format, at); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %q, %v; want an error that names it", format, got, err)
		}
	}
}

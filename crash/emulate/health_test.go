package emulate_test

import (
	"context"
	"math"
	"strings"
	"testing"

	"lamina/crash/crashtest"
	"lamina/crash/emulate"
	"lamina/kernels/ref"
)

func TestHealth(t *testing.T) {
	for _, c := range []struct {
		h      emulate.Health
		broken bool
		says   string
	}{
		{emulate.Health{Emulator: 4, Full: 3, Chance: 10}, false, "is 4.00 nats a token, the full model's 3.00, chance's (ln V) 10.00"},
		{emulate.Health{Emulator: 6.5, Full: 3, Chance: 10}, false, ""},
		{emulate.Health{Emulator: 6.51, Full: 3, Chance: 10}, true, ""},
		{emulate.Health{Emulator: 13, Full: 3, Chance: 10}, true, ""},
		{emulate.Health{Emulator: math.NaN(), Full: 3, Chance: 10}, true, ""},
		{emulate.Health{Emulator: 9.9, Full: 9.5, Chance: 10}, false, ""}, // a text the model does not know
		{emulate.Health{Emulator: 4.9, Chance: 10}, false, "is 4.90 nats a token, chance's"},
		{emulate.Health{Emulator: 5.1, Chance: 10}, true, ""},
		{emulate.Health{Emulator: 10.1, Chance: 10}, true, ""},
		{emulate.Health{Emulator: 5.1, Elsewhere: 3, Chance: 10}, false, "on its owner's text 3.00"},
		{emulate.Health{Emulator: 6.6, Elsewhere: 3, Chance: 10}, true, ""},
	} {
		warning := c.h.Warning()
		if c.h.Broken() != c.broken || (warning != "") != c.broken || !strings.Contains(c.h.String(), c.says) {
			t.Errorf("%+v: broken %t, %q, warning %q", c.h, c.h.Broken(), c.h, warning)
		}
		if c.broken && (strings.Contains(warning, "\n") || !strings.Contains(warning, "--share all")) {
			t.Errorf("warning %q", warning)
		}
		// Against an unknown full model only chance itself is sure.
		if unsure := c.h.Full+c.h.Elsewhere == 0 && c.h.Emulator < c.h.Chance; c.broken && unsure != strings.Contains(warning, "may be broken") {
			t.Errorf("warning %q, unsure %t", warning, unsure)
		}
	}
}

func TestLoss(t *testing.T) {
	be := ref.New()
	d := crashtest.Small(be, "opt")
	rows := [][]int32{{3, 1, 4, 1, 5}, {9}, {2, 6}}
	got, err := emulate.Loss(context.Background(), be, d, rows)
	if chance := math.Log(61); err != nil || math.Abs(got-chance) > 1 {
		t.Errorf("loss %v (%v) of a random model, chance's is %v", got, err, chance)
	}
	if _, err := emulate.Loss(context.Background(), be, d, [][]int32{{7}}); err == nil {
		t.Error("a loss of no token")
	}
}

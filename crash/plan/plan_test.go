package plan

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

func mustPlan(t *testing.T, text string) Plan {
	t.Helper()
	plan, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

func TestPlanReadsAndPrints(t *testing.T) {
	plan := mustPlan(t, "\t0*  1 2 2\n5* 5 9 ")
	want := Plan{{0, true}, {1, false}, {2, false}, {2, false}, {5, true}, {5, false}, {9, false}}
	if !slices.Equal(plan, want) {
		t.Fatalf("parsed %v", plan)
	}
	if got := plan.String(); got != "0* 1 2 2 5* 5 9" {
		t.Errorf("printed %q", got)
	}
	for name, c := range map[string]struct{ got, want []int }{
		"Kept":            {plan.Kept(), []int{0, 1, 2, 5, 9}},
		"Trainable":       {plan.Trainable(), []int{0, 5}},
		"TrainablePlaces": {plan.TrainablePlaces(), []int{0, 4}},
		"Copies":          {plan.Copies(), []int{5}},
	} {
		if !slices.Equal(c.got, c.want) {
			t.Errorf("%s = %v, want %v", name, c.got, c.want)
		}
	}
	// A copy may stand below its starred layer, and layers in any order.
	if got := mustPlan(t, "7 3* 3 7*").Copies(); !slices.Equal(got, []int{0, 2}) {
		t.Errorf("copies %v", got)
	}
}

func TestPlanIsJSONText(t *testing.T) {
	type holder struct {
		Plan Plan `json:"plan"`
	}
	text, err := json.Marshal(holder{mustPlan(t, "0* 1 5*")})
	if err != nil || string(text) != `{"plan":"0* 1 5*"}` {
		t.Fatalf("%s, %v", text, err)
	}
	var back holder
	if err := json.Unmarshal(text, &back); err != nil || back.Plan.String() != "0* 1 5*" {
		t.Errorf("%v, %v", back, err)
	}
	if err := json.Unmarshal([]byte(`{"plan":"0* 0*"}`), &back); err == nil || back.Plan.String() != "0* 1 5*" {
		t.Errorf("a bad plan gave %v and changed the old one to %v", err, back.Plan)
	}
}

func TestBadPlansAreNamed(t *testing.T) {
	for text, want := range map[string]string{
		"":                         "plan: no places",
		" \n":                      "plan: no places",
		"0 x":                      `plan: place 1: "x" is no layer`,
		"0 *":                      `plan: place 1: "*" is no layer`,
		"0 1**":                    `plan: place 1: "1**" is no layer`,
		"0 -1":                     `plan: place 1: "-1" is no layer`,
		"+1":                       `plan: place 0: "+1" is no layer`,
		"0 1.5":                    `plan: place 1: "1.5" is no layer`,
		"0x1":                      `plan: place 0: "0x1" is no layer`,
		"1_0":                      `plan: place 0: "1_0" is no layer`,
		"0,1":                      `plan: place 0: "0,1" is no layer`,
		"99999999999999999999":     `plan: place 0: "99999999999999999999" is no layer`,
		"0* 1 0*":                  "plan: place 2: layer 0 already trains at place 0",
		"٣":                        `plan: place 0: "٣" is no layer`,
		strings.Repeat("1 ", 1e5):  "plan: more than 1024 places: a model has so many layers at most",
		strings.Repeat("a", 10000): `plan: place 0: "aaa`,
	} {
		plan, err := Parse(text)
		if err == nil {
			t.Errorf("%.20q gave %v", text, plan)
		} else if !strings.HasPrefix(err.Error(), want) || len(err.Error()) > 300 {
			t.Errorf("%.20q: %v, want %q", text, err, want)
		}
	}
}

func TestValidateNamesPlaceAndValue(t *testing.T) {
	for _, c := range []struct {
		plan   Plan
		layers int
		want   string
	}{
		{Plan{{0, true}, {11, true}}, 12, ""},
		{Plan{{0, true}, {12, true}}, 12, "plan: place 1: layer 12 out of range (the model has layers 0 to 11)"},
		{Plan{{3, false}, {-1, false}}, 12, "plan: place 1: layer -1 is negative"},
		{Plan{{4, true}, {4, false}, {4, true}}, 12, "plan: place 2: layer 4 already trains at place 0; a star stands once"},
		{nil, 12, `plan: no places: want layer numbers such as "0* 1 2 5*"`},
	} {
		err := c.plan.Validate(c.layers)
		got := ""
		if err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%v of %d layers: %q, want %q", c.plan, c.layers, got, c.want)
		}
	}
}

func TestIdentityPlan(t *testing.T) {
	if got := Identity(4, []int{0, 3}).String(); got != "0* 1 2 3*" {
		t.Errorf("%q", got)
	}
}

// FuzzPlan holds that any text either is refused with one line, or prints to a
// text that reads back to the same plan.
func FuzzPlan(f *testing.F) {
	for _, s := range []string{"", "0* 1 2 2 5* 9", "0 -1", "1** 2", "999999999999", "0* 0*", "0\x00", "5 \xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		plan, err := Parse(text)
		if err != nil {
			if strings.Contains(err.Error(), "\n") {
				t.Fatalf("more than one line: %q", err)
			}
			return
		}
		again, err := Parse(plan.String())
		if err != nil || !slices.Equal(again, plan) {
			t.Fatalf("%q printed as %q reads as %v, %v", text, plan, again, err)
		}
		if err := plan.Validate(maxLayer + 1); err != nil {
			t.Fatalf("%q was read but is not valid: %v", text, err)
		}
	})
}

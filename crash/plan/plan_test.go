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
	want := Plan{{Layer: 0, Trainable: true}, {Layer: 1}, {Layer: 2}, {Layer: 2}, {Layer: 5, Trainable: true}, {Layer: 5}, {Layer: 9}}
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
		"":                          "plan: no places",
		" \n":                       "plan: no places",
		"0 x":                       `plan: place 1: "x" is no layer`,
		"0 *":                       `plan: place 1: "*" is no layer`,
		"0 1**":                     `plan: place 1: "1**" is no layer`,
		"0 -1":                      `plan: place 1: "-1" is no layer`,
		"+1":                        `plan: place 0: "+1" is no layer`,
		"0 1.5":                     `plan: place 1: "1.5" is no layer`,
		"0x1":                       `plan: place 0: "0x1": a scale of 1 is the layer as it is`,
		"0x":                        `plan: place 0: "0x": scale "": want a number such as 0.7, or fit`,
		"0x0":                       `plan: place 0: "0x0": a scale of 0 leaves nothing of the layer`,
		"0xnan":                     `plan: place 0: "0xnan": scale "nan": want a number`,
		"0x0x1p-2":                  `plan: place 0: "0x0x1p-2": scale "0x1p-2": want a number`,
		"0x1e9":                     `plan: place 0: "0x1e9": a scale of 1e+09: want at most`,
		"0x1_0":                     `plan: place 0: "0x1_0": scale "1_0": want a number`,
		"0*x0.5":                    `plan: place 0: "0*x0.5" is no layer`,
		"0*:svd0.5":                 `plan: place 0: "0*:svd0.5" is no layer`,
		"0:":                        `plan: place 0: "0:": transform "" is unknown: want one of svd0.5, `,
		"0:svd":                     `plan: place 0: "0:svd": transform "svd": want a number behind svd, such as svd0.5`,
		"0:svd0":                    `plan: place 0: "0:svd0": transform svd: 0: want a share of the weights`,
		"0:svd1.5":                  `plan: place 0: "0:svd1.5": transform svd: 1.5: want a share of the weights`,
		"0:svdx":                    `plan: place 0: "0:svdx": transform "svdx" is unknown`,
		"0:svd0.5:q8_0":             `plan: place 0: "0:svd0.5:q8_0": transform "svd0.5:q8_0": want a number`,
		"0:int9":                    `plan: place 0: "0:int9": transform int: 9: want a whole number of bits, 2 to 8`,
		"0:int2.5":                  `plan: place 0: "0:int2.5": transform int: 2.5: want a whole number`,
		"0:q4_05":                   `plan: place 0: "0:q4_05": transform "q4_05" is unknown`,
		"0* ~~ 2":                   `plan: place 1: "~~" is no map of a gap: want one of ~, ~patch, ~hadamard, ~scalar`,
		"0* ~ghost 2":               `plan: place 1: "~ghost" is no map of a gap`,
		"0x0.5:replaceme 5":         `plan: place 0: "0x0.5:replaceme": what replaceme folds in is made for the layer as it is`,
		"2:replaceme 5 2:replaceme": "plan: place 2: layer 2 takes up another gap at place 0: replaceme stands once a layer",
		"1_0":                       `plan: place 0: "1_0" is no layer`,
		"0,1":                       `plan: place 0: "0,1" is no layer`,
		"99999999999999999999":      `plan: place 0: "99999999999999999999" is no layer`,
		"0* 1 0*":                   "plan: place 2: layer 0 already trains at place 0",
		"٣":                         `plan: place 0: "٣" is no layer`,
		strings.Repeat("1 ", 1e5):   "plan: more than 1024 places: a model has so many layers at most",
		strings.Repeat("a", 10000):  `plan: place 0: "aaa`,
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
		{Plan{{Layer: 0, Trainable: true}, {Layer: 11, Trainable: true}}, 12, ""},
		{Plan{{Layer: 0, Trainable: true}, {Layer: 12, Trainable: true}}, 12, "plan: place 1: layer 12 out of range (the model has layers 0 to 11)"},
		{Plan{{Layer: 3}, {Layer: -1}}, 12, "plan: place 1: layer -1 is negative"},
		{Plan{{Layer: 4, Trainable: true}, {Layer: 4}, {Layer: 4, Trainable: true}}, 12, "plan: place 2: layer 4 already trains at place 0; a star stands once"},
		{Plan{MapSlot(Ghost), {Layer: 2}, MapSlot(Patch), {Layer: 4}, MapSlot(Scalar)}, 6, ""},
		{Plan{{Layer: 5}, {Layer: 3}, MapSlot(Ghost), {Layer: 9}}, 12, ""},
		{Plan{MapSlot(Ghost), {Layer: 0}}, 6, "plan: place 0: ~: nothing is left out below layer 0: there is no gap to fill"},
		{Plan{{Layer: 2}, MapSlot(Patch), {Layer: 3}}, 6, "plan: place 1: ~patch: nothing is left out between layers 2 and 3: there is no gap to fill"},
		{Plan{{Layer: 4}, MapSlot(Ghost), {Layer: 2}}, 6, "plan: place 1: ~: nothing is left out between layers 4 and 2: there is no gap to fill"},
		{Plan{{Layer: 0}, {Layer: 5}, MapSlot(Ghost)}, 6, "plan: place 2: ~: nothing is left out above layer 5: there is no gap to fill"},
		{Plan{{Layer: 0}, {Layer: 5, Transform: Transform{Name: "replaceme"}}}, 6, "plan: place 1: 5:replaceme: nothing is left out above layer 5: there is no gap to fill"},
		{Plan{{Layer: 0}, MapSlot(Ghost), MapSlot(Patch), {Layer: 5}}, 6, "plan: place 2: ~patch: a map stands in this gap already, ~"},
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

// TestPlanOfEverything: maps, scales and transforms read, print and are told apart.
func TestPlanOfEverything(t *testing.T) {
	const text = "0* ~ 3 3x0.7 5xfit 5*  9:svd0.5 9x-0.25:q8_0 9:replaceme ~patch 11:int4 ~hadamard 13* ~scalar"
	p := mustPlan(t, text)
	if got, want := p.String(), strings.Join(strings.Fields(text), " "); got != want {
		t.Errorf("printed %q, want %q", got, want)
	}
	want := Plan{
		{Layer: 0, Trainable: true}, {Layer: -1, Map: Ghost}, {Layer: 3}, {Layer: 3, Scale: 0.7}, {Layer: 5, Scale: FitScale}, {Layer: 5, Trainable: true},
		{Layer: 9, Transform: Transform{"svd", 0.5}}, {Layer: 9, Scale: -0.25, Transform: Transform{Name: "q8_0"}}, {Layer: 9, Transform: Transform{Name: "replaceme"}},
		{Layer: -1, Map: Patch}, {Layer: 11, Transform: Transform{"int", 4}}, {Layer: -1, Map: Hadamard}, {Layer: 13, Trainable: true}, {Layer: -1, Map: Scalar},
	}
	if !slices.Equal(p, want) {
		t.Errorf("read %v, want %v", p, want)
	}
	if got := p.Kept(); !slices.Equal(got, []int{0, 3, 5, 9, 11, 13}) {
		t.Errorf("kept %v", got)
	}
	if got := p.Copies(); !slices.Equal(got, []int{4}) {
		t.Errorf("copies %v", got)
	}
	if got, want := p.Gaps(16), []Gap{{2, 1, 2}, {4, 4, 4}, {6, 6, 8}, {10, 10, 10}, {12, 12, 12}, {14, 14, 15}}; !slices.Equal(got, want) {
		t.Errorf("gaps %v, want %v", got, want)
	}
	if err := (Plan{{Layer: 3, Map: Ghost}}).Validate(4); err == nil {
		t.Error("a map of layer 3 was taken")
	}
	if err := (Plan{{Layer: 3, Trainable: true, Scale: 0.5}}).Validate(4); err == nil {
		t.Error("a scaled layer that trains was taken")
	}
	for _, k := range Transforms {
		if parsed, err := ParseTransform(k.example()); err != nil || parsed.Name != k.Name || k.Help == "" {
			t.Errorf("%s: %v, %v", k.example(), parsed, err)
		}
	}
}

// FuzzPlan holds that any text either is refused with one line, or prints to a
// text that reads back to the same plan.
func FuzzPlan(f *testing.F) {
	for _, s := range []string{"", "0* 1 2 2 5* 9", "0 -1", "1** 2", "999999999999", "0* 0*", "0\x00", "5 \xff", "0* ~ 3x0.7 5xfit:q8_0 9:svd0.5 ~patch 11*", "0x-1e-3 ~scalar", "0:prune0.00005 1x1e-6"} {
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
		if err := plan.Validate(maxLayer + 1); err != nil && !slices.ContainsFunc(plan, Slot.IsMap) { // a gap is known by the model alone
			t.Fatalf("%q was read but is not valid: %v", text, err)
		}
	})
}

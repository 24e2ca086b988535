package leak

// fewFalse is the rate of false positives at which an attack is judged that names few rows
// and is right: 1 %.
const fewFalse = 0.01

// enoughOthers is from how many others on fewFalse leaves one false positive.
const enoughOthers = int(1 / fewFalse)

// Membership is what the attacks by the loss tell of the audited rows, from the losses that
// [Observe] gave of the trained and of the untrained model. The control is the same attack
// on the untrained model, which has seen none of the rows: what differs from 0.5 there is
// told by the rows and not by the training.
func Membership(a Audited, tuned, base []float64) Table {
	var t Table
	gained := make([]float64, len(tuned))
	for i := range gained {
		gained[i] = base[i] - tuned[i]
	}
	a.attack(&t, "membership by loss", negative(tuned), a.auc(negative(base)), "untrained model")
	a.attack(&t, "membership by loss less the untrained model's", gained, Interval{0.5, 0.5, 0.5}, "chance")
	return t
}

// MembershipLiRA is what LiRA tells by shadows; the control are the shadows themselves, each
// attacked by the others as if it were the model: none of them knows members from others.
func MembershipLiRA(a Audited, how Variant, tuned []float64, shadows []Shadow) (Table, error) {
	var t Table
	scores, err := LiRA(how, tuned, shadows)
	if err != nil {
		return t, err
	}
	var innocent []float64
	for k, s := range shadows {
		rest := append(append([]Shadow{}, shadows[:k]...), shadows[k+1:]...)
		if scores, err := LiRA(how, s.Losses, rest); err == nil {
			innocent = append(innocent, a.auc(scores).Value)
		}
	}
	control, of := Interval{0.5, 0.5, 0.5}, "chance"
	if len(innocent) > 1 {
		control, of = meanBetween(innocent), "a shadow in its place"
	}
	a.attack(&t, "membership by LiRA ("+string(how)+")", scores, control, of)
	if len(shadows) < enoughShadows {
		t.note("LiRA with %d shadows (%s): the rows share one variance, which from %d on each has of its own", len(shadows), how, enoughShadows)
	}
	return t, nil
}

// attack adds the rows of one attack.
func (a Audited) attack(t *Table, name string, scores []float64, control Interval, of string) {
	members, others := a.split(scores)
	n := len(scores)
	t.Rows = append(t.Rows,
		Row{Measure: name + ", AUC", Interval: AUC(members, others), N: n, Control: &control, ControlOf: of},
		Row{Measure: name + ", found at 1% false alarms", Interval: TPR(members, others, fewFalse), Unit: "%", N: n,
			Control: &Interval{fewFalse, fewFalse, fewFalse}, ControlOf: "chance"})
	if len(others) < enoughOthers {
		t.note("%d others: below %d, 1%% of false alarms means none", len(others), enoughOthers)
	}
}

func (a Audited) auc(scores []float64) Interval { return AUC(a.split(scores)) }

func negative(x []float64) []float64 {
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = -v
	}
	return out
}

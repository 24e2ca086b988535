package task

import "lamina/record"

// What the harness calls a task's kinds of requests.
const (
	multipleChoice = "multiple_choice"
	loglikelihood  = "loglikelihood"
	rollingKind    = "loglikelihood_rolling"
	generateUntil  = "generate_until"
)

// OutputType returns the harness's name of what is asked of a model for documents
// of a shape.
func OutputType(shape Shape) string {
	switch shape {
	case Continuation, Tokens:
		return loglikelihood
	case Text:
		return rollingKind
	case Generation:
		return generateUntil
	}
	return multipleChoice
}

// Frame returns what stands before the examples, between a prompt and its choice,
// and after each example, as the harness's configuration has it.
func (t Task) Frame() (description, delimiter, shotDelimiter string) {
	if t.own != nil {
		return t.own.Description, t.own.Delimiter, t.own.ShotDelimiter
	}
	if t.beside != nil {
		return "", *t.beside, "\n\n"
	}
	return "", " ", "\n\n"
}

// Version returns the number that the harness has for the task under rules, "" for
// none.
func (t Task) Version(rules Rules) string { return t.source.Version[rules] }

// Target returns what the harness logs as the target of a document: the place of
// the right choice, or the text or texts that are right.
func (t Task) Target(item *Item) record.Value {
	d := item.Document()
	if d.Target != "" {
		return d.Target
	}
	switch item.Shape {
	case Choice:
		if t.wide {
			return " " + t.choice(d.Options[d.Gold])
		}
		return int64(item.Gold)
	case ContextChoice:
		return trimSpace(d.Continuation)
	case Continuation:
		return d.Continuation
	case Text:
		return item.Requests[0].Continuation
	case Answers:
		places := make([]int64, len(item.Requests))
		for i := range places {
			places[i] = int64(i)
		}
		return places
	case Generation:
		list := make(record.List, len(item.Answers))
		for i, a := range item.Answers {
			list[i] = a
		}
		return list
	}
	ids := make([]int64, len(item.Pair.Target))
	for i, id := range item.Pair.Target {
		ids[i] = int64(id)
	}
	return ids
}

// PythonText returns str(v) of Python: a text as it is, a list in brackets.
func PythonText(v record.Value) string {
	switch v := v.(type) {
	case string:
		return v
	case record.List:
		text := []byte{'['}
		for i := range v {
			if i > 0 {
				text = append(text, ", "...)
			}
			s, _ := v[i].(string)
			text = append(text, record.PythonText(s)...)
		}
		return string(append(text, ']'))
	}
	return string(record.AppendPython(nil, v, 0))
}

package record_test

import (
	"fmt"
	"strings"

	"lamina/record"
)

// The rows of a file, one object a line. A path goes into objects, and through lists
// of them.
func ExampleScan() {
	file := strings.NewReader(`{"id": 7, "question": {"stem": "Which is a star?", "choices": [{"text": "sun"}, {"text": "moon"}]}}
{"id": 8, "question": {"stem": "Which can be eaten?"}}
`)
	for row, err := range record.Scan(file, "arc.jsonl") {
		if err != nil {
			fmt.Println(err)
			return
		}
		stem, err := row.Text("question.stem")
		if err != nil {
			fmt.Println(err)
			return
		}
		choices, err := row.Texts("question.choices.text")
		if err != nil {
			err = row.At.Errorf("%w", err)
		}
		fmt.Println(stem, choices, err)
	}
	// Output:
	// Which is a star? [sun moon] <nil>
	// Which can be eaten? [] arc.jsonl:2 (byte 100): field "question.choices.text": is missing
}

// What a file says twice, or not in JSON, is an error with its place.
func ExampleParse() {
	_, err := record.Parse([]byte(`{"gold": 1, "gold": 2}`), record.Location{File: "arc.jsonl", Line: 3})
	fmt.Println(err)
	_, err = record.Parse([]byte(`{"gold": 01}`), record.Location{File: "arc.jsonl", Line: 4})
	fmt.Println(err)
	// Output:
	// arc.jsonl:3: field "gold" comes twice
	// arc.jsonl:4: field "gold": column 11: a number with a leading zero
}

// A cell of a table that Python wrote, and the value as Python prints it again.
func ExampleParseLiteral() {
	v, err := record.ParseLiteral(`['a', "it's", 1.0, None]`)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%s\n", record.AppendPython(nil, v, 0))
	// Output: ["a", "it's", 1.0, null]
}

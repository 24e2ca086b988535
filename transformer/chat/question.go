package chat

import (
	"fmt"

	"lamina/record"
)

// Question is the conversation of one message of a user, after that of the system where
// there is one.
func Question(system, user string) []Message {
	messages := []Message{{Role: "user", Content: user}}
	if system != "" {
		messages = append([]Message{{Role: "system", Content: system}}, messages...)
	}
	return messages
}

// ParseVariables reads further variables of a template, a JSON object, or none from "".
// source names the text in errors.
func ParseVariables(source, text string) (record.Object, error) {
	if text == "" {
		return nil, nil
	}
	o, err := record.Parse([]byte(text), record.Location{File: source})
	if err != nil {
		return nil, fmt.Errorf("%v (want a JSON object)", err)
	}
	return o.Fields, nil
}

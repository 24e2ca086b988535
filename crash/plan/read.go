package plan

import (
	"fmt"
	"strings"

	"lamina/internal/files"
)

// Read reads a plan as flags name it: its text, or @FILE with the text or with the
// JSON object that lamina plan writes, whose field "plan" it is.
func Read(flag string) (Plan, error) {
	path, isFile := strings.CutPrefix(flag, "@")
	if !isFile {
		return Parse(flag)
	}
	data, err := files.ReadInput(path)
	if err != nil {
		return nil, err
	}
	text := strings.TrimSpace(string(data))
	if strings.HasPrefix(text, "{") {
		var object struct {
			Plan Plan `json:"plan"`
		}
		err := files.DecodeJSON(path, data, &object)
		if err == nil && len(object.Plan) == 0 {
			err = fmt.Errorf("%s: has no field \"plan\": want what lamina plan wrote", path)
		}
		return object.Plan, err
	}
	plan, err := Parse(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return plan, nil
}

// ReadShared reads a plan for a model of so many layers as [Read] does, and fills its
// removed places as sharing, a name of [ParseSharing], says.
func ReadShared(flag, sharing string, layers int) (Plan, error) {
	kept, err := Read(flag)
	if err != nil {
		return nil, err
	}
	how, err := ParseSharing(sharing)
	if err != nil {
		return nil, err
	}
	return Share(kept, layers, how)
}

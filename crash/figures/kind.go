package figures

import (
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"

	"lamina/internal/files"
	"lamina/internal/plot"
	"lamina/internal/report"
)

// Kind is a measurement whose result files can be shown.
type Kind struct {
	Name string // as "result" of the file has it
	// read makes a section of a file, whose bytes data are. An error names path.
	read func(path string, data []byte) (Shown, error)
}

// Kinds are all that can be shown, in the order in which a page has them.
var Kinds = []Kind{
	{"similarity", similarity},
	{"lens", lensResult},
	{"tasks", tasks},
	{"importance", importance},
	{"replacement", replacement},
	{"weights", weights},
	{"features", features},
	{"interpolate", interpolate},
	{"surface", landscape},
	{"study", studied},
}

// Shown is a result as people see it.
type Shown struct {
	section  report.Section
	pictures []named       // those of the section's figures, the one for --plot first
	told     *report.Table // what a command prints; nil: the section's first table
}

// Text is the result as a command prints it: a table, "" where there is none.
func (s Shown) Text() string {
	switch {
	case s.told != nil:
		return s.told.Text()
	case len(s.section.Tables) > 0:
		return s.section.Tables[0].Text()
	}
	return ""
}

// named is a picture with the name that its file gets.
type named struct {
	name    string // small letters, digits and dashes
	picture *plot.Picture
}

// add puts a picture into the section, with what stands around it: caption, alternative
// text, values; f.SVG is set here.
func (s *Shown) add(name string, p *plot.Picture, f report.Figure) {
	f.SVG = template.HTML(p.SVG())
	s.section.Figures = append(s.section.Figures, f)
	s.pictures = append(s.pictures, named{name, p})
}

// Draw writes the first picture as a file of that ending: ".png", or ".svg" and all others.
func (s Shown) Draw(w io.Writer, ending string) error { return s.pictures[0].picture.Write(w, ending) }

// head is what every result file begins with.
type head struct {
	Result  string   `json:"result"`
	Command []string `json:"command"`
}

// kind is the head's kind. Files of versions that did not name it, and those that lamina run
// keeps, are known as what they were: the similarity of layers.
func (h head) kind(data []byte) string {
	var old struct {
		Matrix json.RawMessage `json:"matrix"`
		Metric string          `json:"metric"`
	}
	if h.Result == "" && json.Unmarshal(data, &old) == nil && old.Matrix != nil && old.Metric != "" {
		return "similarity"
	}
	return h.Result
}

// Encode returns the result file of v, a struct or map: the two members of every file, then
// those of v. It fails where v is no JSON object or holds a number that JSON has no word for.
func Encode(kind string, command []string, v any) ([]byte, error) {
	first, err := plainJSON(head{kind, command})
	if err != nil {
		return nil, err
	}
	rest, err := plainJSON(v)
	switch {
	case err != nil:
		return nil, fmt.Errorf("result %s: %w", kind, err)
	case rest[0] != '{':
		return nil, fmt.Errorf("result %s: want a JSON object, got %.20q", kind, rest)
	case string(rest) == "{}\n":
		return first, nil
	}
	return append(append(first[:len(first)-2], ','), rest[1:]...), nil
}

// plainJSON is v as JSON with a newline, "<" and "&" as they are.
func plainJSON(v any) ([]byte, error) {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return []byte(b.String()), err
}

// Read makes a section of a result file. The kind is "" where the file is no result, or
// one of a kind that is not known here, which the error names.
func Read(path string, data []byte) (kind string, s Shown, err error) {
	var h head
	if err := files.DecodeJSON(path, data, &h); err != nil {
		return "", s, err
	}
	if kind = h.kind(data); kind == "" {
		return "", s, fmt.Errorf("%s: no \"result\" in it: not a result of lamina", path)
	}
	at := slices.IndexFunc(Kinds, func(k Kind) bool { return k.Name == kind })
	if at < 0 {
		return "", s, fmt.Errorf("%s: a result of the kind %.64q, which this version cannot show", path, kind)
	}
	s, err = Kinds[at].read(path, data)
	s.section.Command = h.Command
	return kind, s, err
}

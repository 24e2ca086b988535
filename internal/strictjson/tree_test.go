package strictjson_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"lamina/internal/strictjson"
)

func TestParse(t *testing.T) {
	many := "{"
	for i := range 100 {
		many += fmt.Sprintf("%q:%d,", fmt.Sprint("m", i), i)
	}
	for text, want := range map[string]string{
		`{"a":[1,2.5e3,-1,true,false,null,"x\n\u00e9\ud83d\ude00\/"]}`: "",
		`[`:                       "a value should be",
		`[1,]`:                    "want a value",
		`[1 2]`:                   "want ','",
		`{"a":1,}`:                "field name",
		`{"a" 1}`:                 "want ':'",
		`{a:1}`:                   "field name",
		`{"a":1}x`:                "the end of the",
		`{"a":1,"\u0061":2}`:      `duplicate member "a"`,
		many + `"m7":1}`:          `duplicate member "m7"`,
		`"abc`:                    "ends inside quotes",
		`"ab` + "\n" + `c"`:       "control character",
		`"\` + "\n" + `"`:         "unknown escape",
		`"\x"`:                    "unknown escape",
		`"\u12"`:                  `\u without`,
		`"\ud800"`:                "half a surrogate",
		`"\udc00\ud800"`:          "half a surrogate",
		`"\ud800\u0041"`:          "half a surrogate",
		"\"\xff\"":                "invalid UTF-8",
		"\"\xff\\n\"":             "invalid UTF-8",
		`-`:                       "a number without digits",
		`1.2.3`:                   "the end of the",
		`nul`:                     "want a value",
		``:                        "a value",
		strings.Repeat("[", 1000): "nested deeper",
	} {
		n, err := strictjson.Parse([]byte(text), strictjson.Rules{Depth: 64})
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: error %v, want %q in it", text, err, want)
		}
		if err == nil && n.Kids[0].Kids[6].Text != "x\né😀/" {
			t.Errorf("string read as %q", n.Kids[0].Kids[6].Text)
		}
	}
}

func TestParseTellsWhereValuesStand(t *testing.T) {
	text := ` { "a" : [ 1 , { } ] , "b":"x"} `
	n, err := strictjson.Parse([]byte(text), rules)
	if err != nil {
		t.Fatal(err)
	}
	list := n.Kids[0]
	for want, n := range map[string]strictjson.Node{
		strings.TrimSpace(text): *n, "[ 1 , { } ]": list, "1": list.Kids[0], "{ }": list.Kids[1], `"x"`: n.Kids[1],
	} {
		if got := text[n.Start:n.End]; got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// FuzzParse: what is read is JSON without a doubled name, and every part of it is read
// the same by itself.
func FuzzParse(f *testing.F) {
	f.Add(`{"a":[1,2.5e3,"\u00e9",null,{"b":true}],"c":{}}`)
	f.Add(`[{"a":1,"a":2}]`)
	f.Fuzz(func(t *testing.T, text string) {
		n, err := strictjson.Parse([]byte(text), strictjson.Rules{Depth: 16})
		if err != nil {
			return
		}
		if !json.Valid([]byte(text)) {
			t.Fatalf("%q is no JSON", text)
		}
		for _, kid := range n.Kids {
			alone, err := strictjson.Parse([]byte(text[kid.Start:kid.End]), strictjson.Rules{Depth: 16})
			if err != nil || alone.Kind != kid.Kind || alone.Text != kid.Text || len(alone.Kids) != len(kid.Kids) {
				t.Errorf("%q by itself: %v", text[kid.Start:kid.End], err)
			}
		}
	})
}

func ExampleParse() {
	n, err := strictjson.Parse([]byte(`{"vocab": {"a": 0, "b": 1}}`), strictjson.Rules{Depth: 8})
	if err != nil {
		fmt.Println(err)
		return
	}
	vocab := n.Kids[0]
	for i, token := range vocab.Names {
		fmt.Println(token, vocab.Kids[i].Text)
	}
	// Output:
	// a 0
	// b 1
}

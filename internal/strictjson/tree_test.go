package strictjson_test

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"lamina/internal/heaptest"
	"lamina/internal/strictjson"
)

// kids returns the members or elements of a value.
func kids(n strictjson.Node) (all []strictjson.Node) {
	for _, kid := range n.Items() {
		all = append(all, kid)
	}
	for _, kid := range n.Members() {
		all = append(all, kid)
	}
	return all
}

// Whatever the text, a tree of it takes less than sixteen times its bytes.
func TestParseTakesLittle(t *testing.T) {
	if !heaptest.Counts {
		t.Skip("memory is counted without the race detector")
	}
	const size = 1 << 21
	fill := func(s string) string { return strings.Repeat(s, size/len(s)) }
	var names, short, escaped strings.Builder
	for i := range size / 9 {
		fmt.Fprintf(&names, "%q:0,", fmt.Sprintf("%04x", i))
		fmt.Fprintf(&short, "%q:{},", strconv.FormatInt(int64(i), 36))
		fmt.Fprintf(&escaped, `"\n%x":0,`, i)
	}
	for _, text := range []string{
		"[" + fill("[],") + "[]]", "[" + fill("0,") + "0]", "[" + fill("{},") + "0]", "[" + fill(`{"a":{}},`) + "0]", "[" + fill(`{"":0},`) + "0]", "[" + fill(`"",`) + "0]", "[" + fill(`"\n",`) + "0]",
		"[" + fill("[[[[]]]],") + "0]", fill("["), fill("{"), fill(","), fill(":"), "[" + fill("0,"), fill(`"`), `["` + fill(`\u0000`) + `"]`, fill(" "), `{"a":[` + fill("1,") + "1]}",
		"{" + names.String() + `"":0}`, "{" + short.String() + `"":0}`, "{" + escaped.String() + `"":0}`, `{"a":{` + names.String() + `"":0}`, "{" + names.String() + names.String() + "}",
	} {
		took := heaptest.Allocated(func() { strictjson.Parse([]byte(text), strictjson.Rules{Depth: 64}) })
		if ratio := float64(took) / float64(len(text)); ratio > 16 {
			t.Errorf("%.24q: %d bytes take %d, %.1f times as many", text, len(text), took, ratio)
		}
	}
}

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
		if err == nil && kids(kids(n)[0])[6].Text() != "x\né😀/" {
			t.Errorf("string read as %q", kids(kids(n)[0])[6].Text())
		}
	}
}

func TestParseTellsWhereValuesStand(t *testing.T) {
	text := ` { "a" : [ 1 , { } ] , "b":"x"} `
	n, err := strictjson.Parse([]byte(text), rules)
	if err != nil {
		t.Fatal(err)
	}
	list := kids(n)[0]
	for want, n := range map[string]strictjson.Node{
		strings.TrimSpace(text): n, "[ 1 , { } ]": list, "1": kids(list)[0], "{ }": kids(list)[1], `"x"`: kids(n)[1],
	} {
		if got := n.Source(); got != want {
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
		var n strictjson.Node
		var err error
		took := heaptest.Allocated(func() { n, err = strictjson.Parse([]byte(text), strictjson.Rules{Depth: 16}) })
		if took > uint64(16*len(text)+64<<10) {
			t.Errorf("%q takes %d bytes", text, took)
		}
		if err != nil {
			return
		}
		if !json.Valid([]byte(text)) {
			t.Fatalf("%q is no JSON", text)
		}
		if n.Len() != len(kids(n)) {
			t.Errorf("%q has %d parts, and says %d", text, len(kids(n)), n.Len())
		}
		for _, kid := range kids(n) {
			alone, err := strictjson.Parse([]byte(kid.Source()), strictjson.Rules{Depth: 16})
			if err != nil || alone.Kind() != kid.Kind() || alone.Text() != kid.Text() || alone.Len() != kid.Len() {
				t.Errorf("%q by itself: %v", kid.Source(), err)
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
	for _, vocab := range n.Members() {
		for token, id := range vocab.Members() {
			fmt.Println(token, id.Text())
		}
	}
	// Output:
	// a 0
	// b 1
}

package report

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"regexp"
	"slices"
	"strings"
)

// The page's script is page.js and, where a figure has data for it, whatever else stands in
// scripts: files of ours, embedded here, each by itself in a block and working on the page
// as it finds it. It may add to the page, never be needed to read it, and may ask for nothing.
// No "<" stands in it (n > i says the same as i < n), so that nothing in it can end the element
// and a reader of XML can read the page.
var scripts = []string{pageScript, surfaceScript}

//go:embed page.js
var pageScript string

//go:embed surface.js
var surfaceScript string

// script is the one script element's text.
func script() string { return strings.Join(scripts, "") }

// policy is the page's Content-Security-Policy: nothing is fetched, and nothing runs or
// sets styles but the script and the styles that stand in the page, by their digests. A
// string that became an element after all would stay dead text.
func policy(r Report) string {
	styles := []string{digest(pageStyle)}
	for _, s := range r.Sections {
		trusted := []template.HTML{s.HTML}
		for _, f := range s.Figures {
			trusted = append(trusted, f.SVG)
		}
		for _, t := range trusted {
			for _, m := range styleElement.FindAllStringSubmatch(string(t), -1) {
				if d := digest(m[1]); !slices.Contains(styles, d) {
					styles = append(styles, d)
				}
			}
		}
	}
	return fmt.Sprintf("default-src 'none'; script-src %s; style-src %s; base-uri 'none'; form-action 'none'", digest(script()), strings.Join(styles, " "))
}

// styleElement finds the styles of a picture.
var styleElement = regexp.MustCompile(`(?s)<style>(.*?)</style>`)

// digest is the source expression of an element's text.
func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

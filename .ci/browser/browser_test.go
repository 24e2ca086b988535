package browser

import (
	"context"
	"encoding/base64"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// tab is a page in a browser of its own.
type tab struct {
	*testing.T // of the step under way
	ctx        context.Context

	sync.Mutex
	said []string // by the console, and requests beyond the page
}

// open opens a page and fails at the end of the test where the console said something or
// anything but the page was asked for.
func open(t *testing.T, path string) *tab {
	t.Helper()
	// Whoever runs as root, as containers do, has no sandbox; the pages are our own.
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.NoSandbox, chromedp.Flag("headless", "new"), chromedp.Flag("hide-scrollbars", true))
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(cancel)
	ctx, cancel = context.WithTimeout(ctx, 5*time.Minute)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	b := &tab{T: t, ctx: ctx}
	address := "file://" + path
	chromedp.ListenTarget(ctx, func(event any) { b.heard(event, address) })
	b.do(network.Enable(), log.Enable(), runtime.Enable(),
		chromedp.Navigate(address))
	t.Cleanup(func() {
		b.Lock()
		defer b.Unlock()
		for _, s := range b.said {
			t.Error(s)
		}
	})
	return b
}

func (b *tab) heard(event any, address string) {
	b.Lock()
	defer b.Unlock()
	switch e := event.(type) {
	case *runtime.EventConsoleAPICalled:
		for _, a := range e.Args {
			b.said = append(b.said, fmt.Sprintf("console: %s", a.Value))
		}
	case *runtime.EventExceptionThrown:
		b.said = append(b.said, "exception: "+e.ExceptionDetails.Error())
	case *log.EventEntryAdded:
		b.said = append(b.said, fmt.Sprintf("%s: %s", e.Entry.Source, e.Entry.Text))
	case *network.EventRequestWillBeSent:
		if e.Request.URL != address {
			b.said = append(b.said, "asked for "+e.Request.URL)
		}
	}
}

func (b *tab) do(actions ...chromedp.Action) {
	b.Helper()
	if err := chromedp.Run(b.ctx, actions...); err != nil {
		b.Fatal(err)
	}
}

// eval returns what an expression of JavaScript comes to.
func eval[V any](b *tab, expression string, args ...any) (v V) {
	b.Helper()
	b.do(chromedp.Evaluate(fmt.Sprintf(expression, args...), &v, func(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }))
	return v
}

// shot writes what the tab shows, all of it, to the folder of screenshots.
func (b *tab) shot(name string) {
	b.Helper()
	dir := os.Getenv("SHOTS")
	if dir == "" {
		return
	}
	var image []byte
	b.do(chromedp.FullScreenshot(&image, 100))
	if err := os.WriteFile(filepath.Join(dir, name+".png"), image, 0o666); err != nil {
		b.Fatal(err)
	}
}

// be makes the tab so wide, light or dark.
func (b *tab) be(width int64, scheme string) {
	b.Helper()
	b.do(emulation.SetDeviceMetricsOverride(width, 900, 1, width < 500),
		emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}}))
}

// TestPages looks at every page in turn.
func TestPages(t *testing.T) {
	axe, err := os.ReadFile(os.Getenv("AXE"))
	if err != nil {
		t.Fatalf("axe-core: %v", err)
	}
	for name, path := range pages {
		t.Run(name, func(t *testing.T) {
			b := open(t, path)
			step := func(what string, do func(b *tab)) {
				t.Run(what, func(t *testing.T) {
					b.T = t
					do(b)
				})
				b.T = t
			}
			b.be(1280, "light")
			step("pointer", pointer)
			step("cells", cells)
			step("keyboard", keyboard)
			step("rotate", rotate)
			for _, scheme := range []string{"light", "dark"} {
				for _, width := range []int64{1280, 390} {
					step(fmt.Sprintf("%s-%d", scheme, width), func(b *tab) {
						b.be(width, scheme)
						b.shot(fmt.Sprintf("%s-%s-%d", name, scheme, width))
						look(b, width, scheme)
						if scheme == "light" || width > 500 { // a phone at night has both of what the others have
							accessible(b, string(axe))
						}
					})
				}
			}
			b.be(1280, "dark")
			step("print", func(b *tab) { onPaper(b, name) })
			step("without-script", withoutScript)
		})
	}
}

// readout is what the line below a picture says.
func (b *tab) readout(figure int) string {
	b.Helper()
	return eval[string](b, `document.querySelectorAll('figure')[%d].querySelector('.readout').textContent`, figure)
}

type mark struct {
	X, Y float64
	Text string
}

// marks are some elements of a picture with a title, where they are on the screen.
func (b *tab) marks(figure int) []mark {
	b.Helper()
	return eval[[]mark](b, `(() => {
		const svg = document.querySelectorAll('figure')[%d].querySelector('svg')
		svg.scrollIntoView({block: 'center', behavior: 'instant'})
		const titles = [...svg.querySelectorAll(':scope * > title')].filter(t => !t.parentNode.dataset.points)
		return [0.1, 0.5, 0.9].filter(() => titles.length).map(share => {
			const t = titles[Math.floor(share * titles.length)]
			const r = t.parentNode.getBoundingClientRect()
			return {X: r.left + r.width / 2, Y: r.top + r.height / 2, Text: t.textContent}
		}).filter(m => document.elementFromPoint(m.X, m.Y)?.querySelector(':scope > title')?.textContent === m.Text)
	})()`, figure)
}

// pointer: the line below each picture says what the title under the pointer says.
func pointer(b *tab) {
	told := 0
	for figure := range eval[int](b, `document.querySelectorAll('figure').length`) {
		for _, m := range b.marks(figure) {
			b.do(chromedp.MouseEvent(input.MouseMoved, m.X, m.Y))
			if got := b.readout(figure); got != m.Text {
				b.Errorf("figure %d at %.0f, %.0f: %q, want %q", figure, m.X, m.Y, got, m.Text)
			}
			told++
		}
		b.do(chromedp.MouseEvent(input.MouseMoved, 1, 1))
		if got := eval[bool](b, `document.querySelectorAll('figure')[%d].querySelector('.readout')?.classList.contains('told') ?? false`, figure); got {
			b.Errorf("figure %d still tells of what the pointer left", figure)
		}
	}
	if told == 0 {
		b.Error("nothing was pointed at")
	}
}

// keyboard: tab reaches every picture, arrow keys walk over its values and back.
func keyboard(b *tab) {
	reached := map[string]bool{}
	for range eval[int](b, `document.querySelectorAll('a, summary, [tabindex]').length`) {
		b.do(chromedp.KeyEvent(kb.Tab))
		at := eval[string](b, `(() => { const b = document.activeElement.closest('.picture'); return b ? String([...document.querySelectorAll('.picture')].indexOf(b)) : '' })()`)
		if at == "" || reached[at] {
			continue
		}
		reached[at] = true
		said := func() string {
			return eval[string](b, `document.activeElement.parentNode.querySelector('.readout')?.textContent ?? ''`)
		}
		hint := said()
		if hint == "" {
			continue // a picture without values to read
		}
		var path []string
		for _, key := range []string{kb.ArrowRight, kb.ArrowRight, kb.ArrowDown, kb.ArrowLeft, kb.End, kb.Home, kb.Escape} {
			b.do(chromedp.KeyEvent(key))
			path = append(path, said())
		}
		walked := slices.Clone(path[:5])
		slices.Sort(walked)
		if slices.Contains(walked, hint) || len(slices.Compact(walked)) < 2 || path[5] != path[0] || path[6] != hint {
			b.Errorf("picture %s: %q", at, path)
		}
	}
	if want := eval[int](b, `document.querySelectorAll('.picture').length`); len(reached) != want || want == 0 {
		b.Errorf("tab reached %d pictures of %d", len(reached), want)
	}
}

// look: nothing is cut off, or of the wrong theme.
func look(b *tab, width int64, scheme string) {
	for _, wrong := range eval[[]string](b, lookAt, width, scheme == "dark") {
		b.Error(wrong)
	}
}

// accessible: axe-core looked at the page, and calls nothing serious or critical.
func accessible(b *tab, axe string) {
	b.do(chromedp.Evaluate(axe, nil))
	type result struct {
		Passes     int
		Violations []string
	}
	found := eval[result](b, `axe.run(document).then(r => ({Passes: r.passes.length, Violations: r.violations
		.filter(v => v.impact === 'serious' || v.impact === 'critical')
		.map(v => v.id + ': ' + v.help + ': ' + v.nodes.slice(0, 3).map(n => n.html.slice(0, 160) + ' ' + n.failureSummary).join(' | '))}))`)
	for _, v := range found.Violations {
		b.Errorf("axe: %s", v)
	}
	if found.Passes < 15 {
		b.Errorf("axe: %d rules passed: did it look?", found.Passes)
	}
}

// lookAt lists what is wrong on a page of that width, light or dark.
const lookAt = `(() => {
	const wrong = [], width = %d, dark = %t
	for (const d of document.querySelectorAll('details')) d.open = true
	if (document.documentElement.scrollWidth > width) wrong.push('the page is ' + document.documentElement.scrollWidth + ' px wide')
	if (!document.querySelector('.summary p')) wrong.push('no summary')
	const light = colour => { const [r, g, b] = colour.match(/\d+/g).map(Number); return (r + g + b) / 3 > 127 }
	if (light(getComputedStyle(document.body).backgroundColor) === dark) wrong.push('light and dark are mixed up')
	for (const svg of document.querySelectorAll('svg')) {
		const paper = getComputedStyle(svg.querySelector('rect')).fill
		if (light(paper) === dark) wrong.push('a picture on the wrong paper: ' + paper)
	}
	let wide = 0
	for (const box of document.querySelectorAll('.scroll')) {
		box.scrollLeft = 1e6
		if (box.scrollLeft > 0) wide++
		const head = box.querySelector('tbody th')
		if (head && Math.abs(head.getBoundingClientRect().left - box.getBoundingClientRect().left) > 1) wrong.push('the first column scrolls away: ' + box.ariaLabel)
		box.scrollLeft = 0
	}
	if (width === 390 && wide === 0) wrong.push('nothing is wider than the page')
	return wrong
})()`

// withoutScript: the page tells all: nothing that only a script would show is missing.
func withoutScript(b *tab) {
	with := eval[string](b, `(() => {
		for (const r of document.querySelectorAll('.readout, .scene')) r.remove()
		for (const d of document.querySelectorAll('details')) d.open = false
		return document.body.innerText
	})()`)
	b.do(emulation.SetScriptExecutionDisabled(true), chromedp.Reload())
	var without string
	b.do(chromedp.Text("body", &without, chromedp.ByQuery))
	if squeeze(with) != squeeze(without) {
		b.Errorf("%d characters with the script, %d without it", len(with), len(without))
	}
}

func squeeze(s string) string { return strings.Join(strings.Fields(s), " ") }

// onPaper: nothing floats there, nor is there what only a pointer serves.
func onPaper(b *tab, name string) {
	var pdf []byte
	b.do(chromedp.ActionFunc(func(ctx context.Context) (err error) {
		pdf, _, err = page.PrintToPDF().WithPrintBackground(false).Do(ctx)
		return err
	}))
	if len(pdf) < 10_000 || !strings.HasPrefix(string(pdf), "%PDF-") {
		b.Errorf("a PDF of %d bytes", len(pdf))
	}
	if dir := os.Getenv("SHOTS"); dir != "" {
		if err := os.WriteFile(filepath.Join(dir, name+".pdf"), pdf, 0o666); err != nil {
			b.Fatal(err)
		}
	}
	b.do(emulation.SetEmulatedMedia().WithMedia("print"))
	if left := eval[string](b, `[...document.querySelectorAll('nav, .readout')].map(e => getComputedStyle(e).display).filter(d => d !== 'none').join()`); left != "" {
		b.Errorf("shown on paper: %s", left)
	}
}

// rotate: a surface turns under the pointer and by arrow keys.
func rotate(b *tab) {
	for i := range eval[int](b, `document.querySelectorAll('.scene canvas').length`) {
		canvas := fmt.Sprintf(`document.querySelectorAll('.scene canvas')[%d]`, i)
		at := eval[mark](b, `(() => { const c = %s; c.scrollIntoView({block: 'center', behavior: 'instant'}); const r = c.getBoundingClientRect(); return {X: r.left + r.width / 2, Y: r.top + r.height / 2} })()`, canvas)
		look := func() string {
			b.do(chromedp.Sleep(50 * time.Millisecond))
			return eval[string](b, `%s.toDataURL()`, canvas)
		}
		before := look()
		if raw, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(before, "data:image/png;base64,")); err != nil || len(raw) < 2000 {
			b.Errorf("surface %d: an empty picture of %d bytes, %v", i, len(raw), err)
		}
		b.do(chromedp.MouseEvent(input.MousePressed, at.X, at.Y, chromedp.ButtonLeft),
			chromedp.MouseEvent(input.MouseMoved, at.X+80, at.Y+20, chromedp.ButtonLeft),
			chromedp.MouseEvent(input.MouseReleased, at.X+80, at.Y+20, chromedp.ButtonLeft))
		turned := look()
		eval[bool](b, `(%s.focus(), true)`, canvas)
		b.do(chromedp.KeyEvent(kb.ArrowLeft), chromedp.KeyEvent(kb.ArrowLeft))
		if byKey := look(); turned == before || byKey == turned {
			b.Errorf("surface %d: turned by the pointer: %t, by keys: %t", i, turned != before, byKey != turned)
		}
	}
}

// cells of a heat map are squares that can be hit, each with its value.
func cells(b *tab) {
	for _, m := range eval[[]mark](b, `[...document.querySelectorAll('g[shape-rendering] > path')].slice(0, 40).map(p => {
		const r = p.getBoundingClientRect(); return {X: r.width, Y: r.height, Text: p.querySelector('title')?.textContent ?? ''} })`) {
		if m.X < 4 || math.Abs(m.X-m.Y) > 0.5 || m.Text == "" {
			b.Errorf("a cell of %.1f by %.1f pixels that says %q", m.X, m.Y, m.Text)
		}
	}
}

package report

import (
	"fmt"
	"html/template"
	"slices"
	"strings"
	"unicode"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// Table is rows of finished strings. Every row has one cell per column; the first one
// names the row.
type Table struct {
	Caption string // shown in HTML only
	Columns []Column
	Rows    [][]string
	Best    [][2]int // rows and columns of the cells that are set in bold, in HTML and Markdown
}

// IsBest says whether a cell is set in bold.
func (t Table) IsBest(row, column int) bool { return slices.Contains(t.Best, [2]int{row, column}) }

// Column is the head of a column.
type Column struct {
	Name  string
	Right bool   // numbers: set to the right
	Help  string // what the column holds; listed below the table in HTML
}

// Explained returns the columns that say what they hold.
func (t Table) Explained() []Column {
	return slices.DeleteFunc(slices.Clone(t.Columns), func(c Column) bool { return c.Help == "" })
}

// check panics where a row does not fit the columns.
func (t Table) check(op string) {
	for i, row := range t.Rows {
		if len(row) != len(t.Columns) {
			panic(fmt.Sprintf("report: Table.%s: row %d has %d cells for %d columns", op, i, len(row), len(t.Columns)))
		}
	}
}

// writer returns the table for go-pretty, which writes text, Markdown and CSV.
func (t Table) writer(op string) table.Writer {
	t.check(op)
	w := table.NewWriter()
	style := table.StyleLight
	style.Format.Header = text.FormatDefault // the library shouts by default
	style.Options.DrawBorder = false
	style.Options.SeparateColumns = false
	style.CSV.FieldProtection = false // it would turn -0.5 into '-0.5
	w.SetStyle(style)
	head := make(table.Row, len(t.Columns))
	configs := make([]table.ColumnConfig, len(t.Columns))
	for i, c := range t.Columns {
		head[i] = oneLine(c.Name)
		align := text.AlignLeft
		if c.Right {
			align = text.AlignRight
		}
		configs[i] = table.ColumnConfig{Number: i + 1, Align: align, AlignHeader: align}
	}
	w.SetColumnConfigs(configs)
	w.AppendHeader(head)
	for _, row := range t.Rows {
		cells := make(table.Row, len(row))
		for i, s := range row {
			cells[i] = oneLine(s)
		}
		w.AppendRow(cells)
	}
	return w
}

// Text returns the table for a terminal, ending in a line end. Control
// characters, which could be a terminal's commands, are shown as spaces.
func (t Table) Text() string { return lines(t.writer("Text").Render()) }

// Markdown returns the table as GitHub-flavoured Markdown. Cells show as
// plain text: a character with a meaning in Markdown or HTML is escaped.
func (t Table) Markdown() string {
	plain := Table{Columns: make([]Column, len(t.Columns)), Rows: make([][]string, len(t.Rows))}
	t.check("Markdown")
	for i, c := range t.Columns {
		plain.Columns[i] = Column{Name: markdownEscaper.Replace(c.Name), Right: c.Right}
	}
	for i, row := range t.Rows {
		plain.Rows[i] = make([]string, len(row))
		for j, s := range row {
			plain.Rows[i][j] = markdownEscaper.Replace(s)
			if t.IsBest(i, j) {
				plain.Rows[i][j] = "**" + plain.Rows[i][j] + "**"
			}
		}
	}
	return lines(plain.writer("Markdown").RenderMarkdown())
}

// The bar between cells is escaped by go-pretty. "_" and "-" within names such
// as plug_in stay readable: they mean nothing inside a word.
var markdownEscaper = strings.NewReplacer(`\`, `\\`, "`", "\\`", "*", `\*`, "[", `\[`, "]", `\]`, "<", "&lt;", ">", "&gt;", "&", "&amp;")

// CSV returns the table as RFC 4180 has it, with line feeds; the first record
// is the names of the columns. Spreadsheets run cells that begin with "=":
// open one from a stranger as text.
func (t Table) CSV() string { return lines(t.writer("CSV").RenderCSV()) }

// lines ends every form in exactly one line feed; go-pretty pads ends of lines.
func lines(s string) string {
	var b strings.Builder
	for line := range strings.Lines(s) {
		b.WriteString(strings.TrimRight(line, "\n"))
		b.WriteByte('\n')
	}
	return b.String()
}

// oneLine makes a cell safe to stand in a line of a terminal or a file.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp) {
			return ' '
		}
		return r
	}, s)
}

// HTML returns the table as a <table> element, for use outside a [Report].
func (t Table) HTML() template.HTML {
	t.check("HTML")
	var b strings.Builder
	if err := parsePage().ExecuteTemplate(&b, "table", t); err != nil {
		panic("report: Table.HTML: " + err.Error()) // a strings.Builder does not fail
	}
	return template.HTML(b.String())
}

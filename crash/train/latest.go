package train

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Latest is what a progress line says of a training: the last losses and the speed.
type Latest struct {
	loss, valid, speed float64
	metric             *float64
	terms              map[string]float64
}

// Add takes a line of metrics.
func (l *Latest) Add(m Metrics) {
	if m.ValidLoss != 0 {
		l.valid, l.metric = m.ValidLoss, m.ValidMetric
		return
	}
	l.loss, l.speed, l.terms = m.Loss, m.TokensPerSecond, m.Terms
}

// String fits a line of 80 columns with label and numbers.
func (l Latest) String() string {
	var parts []string
	if l.loss != 0 {
		parts = append(parts, fmt.Sprintf("loss %.3f", l.loss))
	}
	if len(l.terms) > 0 {
		parts = append(parts, PartsText(l.terms))
	}
	if l.valid != 0 {
		parts = append(parts, fmt.Sprintf("valid %.3f", l.valid))
	}
	if l.metric != nil {
		parts = append(parts, fmt.Sprintf("metric %.3f", *l.metric))
	}
	if l.speed != 0 {
		parts = append(parts, fmt.Sprintf("%.0f tok/s", l.speed))
	}
	return strings.Join(parts, " ")
}

// PartsText tells the parts of a loss in a line, by name.
func PartsText(terms map[string]float64) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(terms)) {
		parts = append(parts, fmt.Sprintf("%s %.3g", name, terms[name]))
	}
	return strings.Join(parts, " ")
}

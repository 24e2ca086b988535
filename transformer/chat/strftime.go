package chat

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/ncruces/go-strftime"

	"lamina/internal/foreign"
)

// What the library writes as Python does on Linux: the letters that may follow a
// percent sign, and those that may follow "%-", which takes the zero in front away.
// The rest differs and is refused. Python leaves %L, %N, %Q, %v and %+ as they stand,
// knows the flags _ 0 ^ # and widths, and takes the blank of %-e, %-k and %-l away too.
const (
	likePython         = "AaBbhmdeIlHkMSfyYCUWVgGwujpPcxXDFTRrnts%"
	likePythonUnpadded = "dmIHMSjUWV"
)

// maxFormat bounds the bytes of a format: two of them can become thirty.
const maxFormat = 4096

// formatTime is datetime.strftime of a time without a zone, in the C locale: for such a
// time Python writes nothing for %z and %Z.
func formatTime(at time.Time, format string) (string, error) {
	if len(format) > maxFormat {
		return "", fmt.Errorf("strftime_now: a format of %d bytes, more than the %d it may have", len(format), maxFormat)
	}
	var known strings.Builder
	for {
		text, rest, found := strings.Cut(format, "%")
		known.WriteString(text)
		if !found {
			break
		}
		if rest == "" { // Python leaves a last percent sign alone
			known.WriteString("%%")
			break
		}
		field, letters := rest[:1], likePython
		if field == "-" && len(rest) > 1 {
			field, letters = rest[:2], likePythonUnpadded
		}
		switch {
		case field == "z" || field == "Z":
		case strings.Contains(letters, field[len(field)-1:]):
			known.WriteString("%" + field)
		default:
			_, size := utf8.DecodeRuneInString(rest[len(field)-1:])
			return "", fmt.Errorf("strftime_now: %%%s of %.64q is not known", rest[:len(field)-1+size], format)
		}
		format = rest[len(field):]
	}
	return written(strftime.Format, known.String(), at)
}

// written calls the library, which is given a format out of a model's files.
func written(write func(string, time.Time) string, format string, at time.Time) (_ string, err error) {
	defer foreign.Recover(&err, "strftime_now")
	return write(format, at), nil
}

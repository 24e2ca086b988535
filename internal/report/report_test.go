package report_test

import (
	"bytes"
	"testing"
)

func checkPage(t *testing.T, page []byte) { t.Helper(); _ = bytes.Contains }

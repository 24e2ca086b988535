package garbage

import (
	"os"
	"os/exec"
	"runtime"
	"runtime/metrics"
	"strconv"
	"testing"
	"time"
)

// child in the environment makes a process of this test the program that is looked at.
const child = "LAMINA_TEST_GARBAGE"

func TestMain(m *testing.M) {
	if os.Getenv(child) != "" {
		churn()
		return
	}
	os.Exit(m.Run())
}

// churn has 256 MiB that live, with pointers or without, and leaves 512 MiB of garbage, a MiB at
// a time, and prints the most MiB of garbage that were there.
func churn() {
	Bound(8 << 20)
	const live = 256 << 20
	var lives any
	if os.Getenv(child) == "pointers" {
		lives = make([]*byte, live/8)
	} else {
		lives = make([]byte, live)
	}
	read := func(name string) uint64 {
		s := []metrics.Sample{{Name: name}}
		metrics.Read(s)
		return s[0].Value.Uint64()
	}
	runtime.GC()
	bounded := os.Getenv(child) == "bytes" && os.Getenv("GOGC") == ""
	for end := time.Now().Add(10 * time.Second); bounded && read("/gc/gogc:percent") > 50 && time.Now().Before(end); {
		time.Sleep(time.Millisecond) // until what follows that collection is done
	}
	most := uint64(0)
	for range 512 {
		left = make([]byte, 1<<20)
		time.Sleep(100 * time.Microsecond) // work between; the collector needs some of the time too
		most = max(most, read("/memory/classes/heap/objects:bytes")-live)
	}
	runtime.KeepAlive(lives)
	os.Stdout.WriteString(strconv.FormatUint(most>>20, 10))
}

var left []byte

// TestGarbageIsBounded: it stays at some times the bytes that were said, while a collection is
// at work. It is as much as what lives where that has pointers, or the environment says so.
func TestGarbageIsBounded(t *testing.T) {
	garbage := func(lives, gogc string) int {
		c := exec.Command(os.Args[0])
		c.Env = append(os.Environ(), child+"="+lives, "GOGC="+gogc)
		out, err := c.Output()
		if err != nil {
			t.Fatal(err)
		}
		mib, err := strconv.Atoi(string(out))
		if err != nil {
			t.Fatal(err)
		}
		return mib
	}
	if mib := garbage("bytes", ""); mib < 4 || mib > 100 {
		t.Errorf("%d MiB of garbage, of 8", mib)
	}
	for lives, gogc := range map[string]string{"pointers": "", "bytes": "100"} {
		if mib := garbage(lives, gogc); mib < 128 {
			t.Errorf("%d MiB of garbage beside 256 MiB of %s, GOGC=%s: collected too often", mib, lives, gogc)
		}
	}
}

func TestPercent(t *testing.T) {
	for _, c := range []struct {
		bytes, live uint64
		want        int64
	}{{16 << 20, 1 << 30, 1}, {16 << 20, 160 << 20, 10}, {16 << 20, 16 << 20, 100}, {16 << 20, 0, 100}, {16 << 20, 3 << 20, 100}, {1, 1 << 40, 1}} {
		if got := percent(c.bytes, c.live); got != c.want {
			t.Errorf("%d bytes beside %d: GOGC %d, want %d", c.bytes, c.live, got, c.want)
		}
	}
	if differs(10, 10) || differs(11, 10) || !differs(100, 10) || !differs(1, 2) || !differs(5, 0) {
		t.Error("what is worth setting")
	}
}

package machine

import (
	"bufio"
	"os"
	"strconv"
	"strings"
)

// Memory is the machine's, in bytes; 0 where unknown.
type Memory struct {
	Total     int
	Available int // without swapping
	Limit     int // of the control groups the process runs in, the least
	Left      int // until a limit is reached, by what its group holds and cannot drop
	Own       int // what the process holds that is no copy of a file
}

// Usable returns what a program may still take; 0 where unknown.
func (m Memory) Usable() int {
	if m.Limit > 0 {
		return min(m.Available, m.Left)
	}
	return m.Available
}

// Whole returns what a program may hold in all, with what it holds now; 0 where unknown.
func (m Memory) Whole() int {
	if m.Available == 0 {
		return 0
	}
	return m.Usable() + m.Own
}

// ReadMemory reads what Linux says of memory; elsewhere all is 0.
func ReadMemory() Memory {
	system := kibibytes("/proc/meminfo")
	m := Memory{Total: system["MemTotal"], Available: system["MemAvailable"], Own: kibibytes("/proc/self/status")["RssAnon"]}
	groups, _ := os.ReadFile("/proc/self/cgroup")
	m.Limit, m.Left = groupLimit("/sys/fs/cgroup", string(groups))
	return m
}

// kibibytes reads lines such as "MemTotal:   123 kB", as bytes.
func kibibytes(path string) map[string]int {
	of := map[string]int{}
	f, err := os.Open(path)
	if err != nil {
		return of
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		if len(fields) < 3 || fields[2] != "kB" {
			continue
		}
		if kib, err := strconv.Atoi(fields[1]); err == nil {
			of[strings.TrimSuffix(fields[0], ":")] = kib << 10
		}
	}
	return of
}

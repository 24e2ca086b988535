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
	Limit     int // of the control group the process runs in
}

// Usable returns what a program may still take; 0 where unknown.
func (m Memory) Usable() int {
	if m.Limit > 0 {
		return min(m.Available, m.Limit)
	}
	return m.Available
}

// ReadMemory reads what Linux says of memory; elsewhere all is 0.
func ReadMemory() Memory {
	var m Memory
	f, err := os.Open("/proc/meminfo")
	if err != nil {
		return m
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		if len(fields) < 2 {
			continue
		}
		kib, err := strconv.Atoi(fields[1])
		if err != nil {
			continue
		}
		switch fields[0] {
		case "MemTotal:":
			m.Total = kib << 10
		case "MemAvailable:":
			m.Available = kib << 10
		}
	}
	if text, err := os.ReadFile("/sys/fs/cgroup/memory.max"); err == nil {
		m.Limit, _ = strconv.Atoi(strings.TrimSpace(string(text))) // "max" stays 0
	}
	return m
}

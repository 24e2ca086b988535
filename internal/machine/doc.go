// Package machine says what a program runs on and what it was built from: for people
// who ask why it is slow or why it does not start. No result depends on it.
//
//	m := machine.ReadMemory()
//	fmt.Println(machine.Processor(), machine.Features(), m.Usable())
//
// Invariants: nothing fails; what the system does not tell is empty or 0.
package machine

package meter

import "fmt"

// cost is what makes compiling a function take time and memory. Hostile code is compiled before it can be stopped.
type cost struct {
	size     uint64 // bytes of its code, and values that it passes to what it calls and gets back
	branches uint64
	width    uint64 // local variables, and values that a block takes and leaves: the compiler follows each of them through all branches
}

const (
	maxSize = 1 << 20 // it takes some hundred bytes of memory for each

	// maxCompiling bounds the sum of all functions' time, in units of 20 to 40 ns: five to ten seconds are the most that branches may take. One
	// function may have 16,000, or 4,000 with 1,000 variables. Go's whole library of texts, time and JSON takes half of it.
	maxCompiling = 1 << 28

	checkBranches = 2 // a condition, and a call
	bulkBranches  = 8 // loops
)

// time is how long compiling takes, as measured: by the branches, by their square, and by the square of the width for each.
func (c cost) time() uint64 {
	return c.branches * (32 + c.branches + c.width*c.width/16)
}

// fits refuses a function that is too large.
func (m *module) fits(t *transcript) {
	if m.cost.size > maxSize {
		t.refuse(fmt.Errorf("it has a function of %d bytes, with the values that it passes: a function has %d at most", m.cost.size, maxSize))
	}
}

// compiles refuses a function that takes too long, after those before it.
func (m *module) compiles(t *transcript) {
	if m.compiling += m.cost.time(); m.compiling > maxCompiling {
		t.refuse(fmt.Errorf("its functions branch too often to be compiled: one has %d branches and %d variables", m.cost.branches, m.cost.width))
	}
}

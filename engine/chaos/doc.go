// Package chaos holds the fault harness: servers that are killed and restarted under load, and outputs that must come out
// exactly as if nothing had happened.
//
// What is right is computed in memory from the input topics as they are at the end, so the load may be anything; what is
// there is read back under read_committed.
package chaos

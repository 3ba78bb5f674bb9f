// Package simtest runs whole histories of a service in one process, in virtual time and by a seed: queries with their real tasks,
// operators, state layers, slots, commits and restores, over a broker and a disk that are simulated and fail as told.
//
// What is simulated is only what lies behind [cluster.Broker] and [cluster.Store]: a log with transactions ([Log]), a server's
// connections to it ([Conn]), a disk whose writes tear ([Disk]). No protocol is written a second time here.
//
// Every request takes a moment of virtual time that no other request ends in, so that goroutines run one at a time and in an order that
// the seed decides. Each request is a point where a failure can be injected, in all ways that the point has ([Plan]): refused,
// lost on its way there or back, told wrongly, the process dead before or after it.
//
// A service is one process, a second one that fences it, or two that share the slots and keep copies for each other ([History.Copies]).
//
// The oracle is the same input without failures: the committed outputs and dead letters must be the same, the changelogs must hold the
// same, and what is on disk after an orderly end must be what the changelogs hold. Processes that write at_least_once may repeat, but
// lose nothing.
package simtest

// Package cluster runs queries on Kafka: it owns slots, drives the tasks that belong to them, and commits what they do.
//
// # Slots
//
// A service has a fixed number of slots. A slot is the unit of ownership, of fencing and of transactions: Kafka's group protocol
// gives slots to servers ([Ownership]), each slot has one transactional id, and one goroutine runs all tasks of a slot. Which
// task belongs to which slot is a pure function ([SlotOf]), so servers never talk about it.
//
// # One transaction
//
// While there is work, a slot commits every CommitInterval:
//
//	flush      operators complete outputs and state; nothing was sent to Kafka before this moment
//	produce    outputs and changelogs, and wait until the changelogs are acknowledged
//	record     per changed task a record in the slot's partition of the slots topic: input positions, changelog
//	           positions, times of the operators (see [Record])
//	end        EndTxn; from its success on the new state is the committed one, and readers see it
//
// # When it fails
//
// A task that fails takes its whole query out of service; since nothing was sent yet, the slot's other tasks do not notice. A transaction
// that cannot commit is aborted and all tasks go back to the last commit; if that repeats, tasks commit one by one until
// the guilty one is found. An unknown outcome is never aborted: the transactional id is taken over again, which decides the transaction,
// and the slots records tell how. A fenced slot drops everything, waits until the group must have spoken, and begins again
// only if it is still the owner. A durable store that cannot be read is emptied once all slots have dropped their tasks, and restored.
//
// # Standbys
//
// A server may keep copies of the state of slots that others own (standbys): it follows their changelogs into its own durable store, as a restore does.
// The group says of which slots. A copy ends before its slot's tasks are restored here, so that a store has one writer, and the restore goes on
// where the copy ended. Pull queries may read copies ([Service.StandbyView]).
//
// # Goroutines
//
// Per owned slot one, and per task of it one that listens to the fetcher; a restore and a flush have one of their own while they
// last. One goroutine keeps all copies. One janitor per service trims repartition topics, reports offsets to lag tools, watches the disk and deletes dropped
// stores. Close awaits them all.
package cluster

// Package state is what operators remember, and how that memory stays exactly in step with Kafka.
//
// An operator sees four kinds of stores, all of them bytes to bytes: [KeyValueStore], [WindowStore], [SessionStore]
// and [JoinStore]. They come from the [Stores] of its task. Package codec makes the bytes.
//
// # Layers
//
// A [Task] holds the stores of one task in three layers:
//
//	open       what the running transaction wrote; only the task sees it
//	committed  what finished transactions wrote and the durable store lacks; immutable layers, newest first
//	durable    a sorted store on disk (package badger), written by whole flushes
//
// The slot that drives the task calls, in this order: Prepare (open is complete, its changes go to the changelog),
// then, once Kafka has committed, Commit, which makes open a committed layer and publishes it to readers with one pointer.
// Abort drops open: the stores are again what the last Commit left. Committed layers are merged geometrically, so that there
// are never more than a few, and no commit copies them all.
//
// # Flushes
//
// A flush writes the committed layers to the durable store, sorted, syncs, and only then, in a second update, writes the
// changelog positions that they reach. So the durable store is never ahead of Kafka; a flush that tears in the middle is
// healed by replaying the changelog from the old position, because a changelog holds absolute values. The layers stay until
// their flush is complete.
//
// # Time
//
// Window, session and join stores expire by stream time, never by the clock. See [Retention].
package state

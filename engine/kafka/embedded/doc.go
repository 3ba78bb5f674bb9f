// Package embedded is a Kafka broker inside the process, for when there is no other. It is the only package that
// imports kfake, which speaks Kafka's protocol from memory and keeps what it has in a directory.
//
// In-process clients reach it through [Broker.Dial] and need no port. With [Options.Listen] it opens a port on loopback
// as well, behind a guard that checks every request's size, key and version, because kfake trusts its clients.
//
// # What it promises
//
// Across graceful restarts it keeps everything, exactly once included. After a kill it starts again and has what was
// written, but exactly-once may be broken around the moment of the kill: an end-of-transaction marker and the other
// records of that transaction do not reach the disk as one. Use a real Kafka where that matters.
//
// # What its clients must do
//
//   - Use a new transactional id at every boot: put [Broker.BootID] into it. With a fixed id, a kill would let a later
//     commit revive what an earlier process had left open.
//   - Abort or commit every open transaction before [Broker.Close]. One left open, with an id that nobody uses again,
//     holds the last stable offset back until the transaction times out.
//
// # How it differs from Kafka
//
//   - One broker, one replica; nothing fails over.
//   - The cleaner never runs by itself: kfake compacts through open transactions and would lose committed records.
//     [Broker.Compact] runs it, and may be called only while no transaction is open on any compacted topic.
//   - Retention comes with compaction and takes whole batches, the last one too. Who compacts writes something lasting into a
//     log that would be left empty: kfake would begin its offsets anew at the next Open. For the same reason deleting all
//     records of a partition leaves the last one.
//   - Records without a key are accepted on compacted topics.
//   - message.timestamp.type of a topic is ignored: record timestamps are the producer's.
//   - The offsets of an unknown group are an error (GROUP_ID_NOT_FOUND), not an empty answer.
//   - Compaction moves the start of the log to the first record that is left, and applies retention.ms to compacted
//     topics too: set it to -1 there.
//   - A commit is visible when it returns; Kafka's markers follow a moment later.
//   - Timestamps far in the future and names of topics are not checked.
//   - Its memory grows with the log on load: about the log's size for a moment, 1 MB per 400 MB afterwards.
//
// docs/embedded-broker.md says the same to users.
package embedded

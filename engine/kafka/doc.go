// Package kafka is Millrace's door to Kafka, and the only package that imports sarama.
//
// It works on sarama's request layer (one typed request, one typed answer, on a connection of our own) and not on
// its per-message channels, which cost several times the CPU. From that layer it builds what the engine needs:
//
//   - [Client]: metadata and administration, shared by everyone in the process.
//   - [Fetcher]: reads many partitions, one connection per broker, read_committed, for any number of [Subscription]s.
//   - [Reader]: reads one partition to an end that is fixed beforehand; restores and the command log use it.
//   - [TxnProducer]: one transactional id, one owner; transactions of records on any partitions.
//   - [Producer]: idempotent, outside transactions; for at-least-once output and single inserts.
//   - [Membership]: which slots this process owns, decided by Kafka's group protocol.
//
// # Goroutines
//
// A [Client] may be used by all. A [TxnProducer], a [Reader] and a [Subscription] belong to one goroutine each, except
// for their Close. Goroutines of this package never call back into a caller, but for [Membership]'s handler.
//
// # Bytes
//
// What a fetch returns is decoded in place: keys and values point into the answer's buffer, several subscribers may
// share them, and nobody may write to them. They stay valid for as long as they are referenced. Producers copy: the
// caller may reuse every byte as soon as Send has returned.
//
// # Positions
//
// A position is the offset that will be read next. It counts control records, aborted records and the gaps that
// compaction leaves, so it is compared with other positions and never derived from a record.
package kafka

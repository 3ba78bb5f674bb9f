// Package backup keeps what a service is defined by in a file: its command log and the bytes of its models. Data, positions and state are
// Kafka's and are not in it.
//
// A backup is lines of JSON: a head, the models' chunks, the commands with their offsets, and an end with counts and a SHA-256 of all lines
// before it, so that a file that was cut or changed is found out before anything is written. Restore gives every command the offset that it
// had: positions of tasks, which name offsets of the command log, stay true where Kafka lost that one topic only. A backup may be
// older than the loss: the log is then made as long as tasks remember it, by a command that changes nothing.
package backup

package kafka

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/IBM/sarama"
)

// What a caller can do about an error is its class; errors.Is tells. The broker's own error is wrapped beside it.
var (
	// ErrFenced: the transactional id has, or may have, another owner. Wait to see whether the slot is still
	// ours before Init is called again. The open transaction is lost.
	ErrFenced = errors.New("fenced: the transactional id was taken over")
	// ErrAbortable: this transaction cannot commit. Abort it, roll state back, and begin another.
	ErrAbortable = errors.New("the transaction must be aborted")
	// ErrUnknownOutcome: the broker may or may not have done it. Never abort now: call Init, which decides the
	// transaction, then read what was committed.
	ErrUnknownOutcome = errors.New("the outcome is unknown")
	// ErrFatal: repeating does not help; someone must change something (rights, settings, versions).
	ErrFatal = errors.New("not recoverable")

	// ErrTopicSettings: a topic with this name or these settings cannot be created.
	ErrTopicSettings = errors.New("not possible")
	// ErrTopicExists is returned by CreateTopic.
	ErrTopicExists = errors.New("topic exists")
	// ErrUnknownTopic: the topic or the partition does not exist (any more).
	ErrUnknownTopic = errors.New("unknown topic or partition")
	// ErrTooLarge: a record, or a batch of them, is larger than the topic or the broker takes. It was not written.
	ErrTooLarge = errors.New("too large")
	// ErrGroupInUse: the consumer group has members.
	ErrGroupInUse = errors.New("the group has members")
	// ErrOffsetOutOfRange: the position is before the log's start or behind its end.
	ErrOffsetOutOfRange = errors.New("offset out of range")
	// ErrClosed is returned by use after Close.
	ErrClosed = errors.New("closed")
)

// Error is an operation that failed, on what, and its class.
type Error struct {
	Op     string // "end transaction", "produce", ...
	Object string // a transactional id, a topic/partition, an address
	Class  error  // one of the variables above, or nil
	Err    error  // the cause
}

func (e *Error) Error() string {
	s := "kafka: " + e.Op
	if e.Object != "" {
		s += " " + e.Object
	}
	if e.Class != nil {
		s += ": " + e.Class.Error()
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap gives class and cause to errors.Is and errors.As.
func (e *Error) Unwrap() []error {
	list := make([]error, 0, 2)
	for _, err := range []error{e.Class, e.Err} {
		if err != nil {
			list = append(list, err)
		}
	}
	return list
}

// TooLargeError is the cause of an [ErrTooLarge] that a producer met: what the brokers refused.
type TooLargeError struct {
	At      TopicPartition
	Records int // in the batch: a record that is too large travels alone
	Bytes   int // about, before compression
	Err     error
}

func (e *TooLargeError) Error() string {
	return fmt.Sprintf("%d records of %d bytes: %v", e.Records, e.Bytes, e.Err)
}

// Unwrap gives what the broker said.
func (e *TooLargeError) Unwrap() error { return e.Err }

// tooLarge says that a broker refused a batch for its size.
func tooLarge(err error) bool {
	return errors.Is(err, sarama.ErrMessageSizeTooLarge) || errors.Is(err, sarama.ErrMessageSetSizeTooLarge)
}

func failure(op, object string, class, err error) error {
	return &Error{Op: op, Object: object, Class: class, Err: err}
}

// kafkaError turns the protocol's "no error" into nil.
func kafkaError(e sarama.KError) error {
	if e == sarama.ErrNoError {
		return nil
	}
	return e
}

// transport says that a request broke on its way or its answer could not be read, so that the outcome is not known.
func transport(err error) bool {
	var kerr sarama.KError
	var encoding sarama.PacketEncodingError
	switch {
	case err == nil, errors.As(err, &kerr), errors.As(err, &encoding),
		errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded), errors.Is(err, ErrClosed):
		return false
	}
	return true
}

// stale says that the broker is not, or not now, the one to ask; metadata must be read again.
func stale(err error) bool {
	for _, e := range []error{
		sarama.ErrNotLeaderForPartition, sarama.ErrLeaderNotAvailable, sarama.ErrReplicaNotAvailable, sarama.ErrBrokerNotAvailable,
		sarama.ErrFencedLeaderEpoch, sarama.ErrUnknownLeaderEpoch, sarama.ErrKafkaStorageError, sarama.ErrOffsetNotAvailable,
		sarama.ErrUnknownTopicOrPartition, sarama.ErrNetworkException,
	} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// overloaded says that the brokers made nothing of what was asked, and that they may a moment later: their controller has not heard of any for a
// while, or they ask to slow down. The first is told by the words alone: the code is that of more replicas than brokers.
func overloaded(err error) bool {
	fenced := errors.Is(err, sarama.ErrInvalidReplicationFactor) && strings.Contains(err.Error(), "currently fenced")
	return fenced || errors.Is(err, sarama.ErrThrottlingQuotaExceeded)
}

// topicClass gives the class of what the brokers say of a topic to be created.
func topicClass(err error) error {
	if overloaded(err) {
		return nil
	}
	for _, e := range []error{
		sarama.ErrInvalidTopic, sarama.ErrInvalidPartitions, sarama.ErrInvalidReplicationFactor, sarama.ErrInvalidConfig, sarama.ErrPolicyViolation,
	} {
		if errors.Is(err, e) {
			return ErrTopicSettings
		}
	}
	return nil
}

// retriableProduce says that the same batch, with the same sequence number, should be sent again.
func retriableProduce(err error) bool {
	return stale(err) || transport(err) || errors.Is(err, sarama.ErrRequestTimedOut) || errors.Is(err, sarama.ErrNotEnoughReplicas) ||
		errors.Is(err, sarama.ErrNotEnoughReplicasAfterAppend) || errors.Is(err, sarama.ErrConcurrentTransactions)
}

// retriableCoordinator says that the coordinator asks to wait, or is elsewhere.
func retriableCoordinator(err error) bool {
	for _, e := range []error{
		sarama.ErrConcurrentTransactions, sarama.ErrOffsetsLoadInProgress, sarama.ErrConsumerCoordinatorNotAvailable,
		sarama.ErrNotCoordinatorForConsumer, sarama.ErrRequestTimedOut, sarama.ErrNotEnoughReplicas, sarama.ErrNotEnoughReplicasAfterAppend,
		sarama.ErrUnstableOffsetCommit,
	} {
		if errors.Is(err, e) {
			return true
		}
	}
	return transport(err)
}

// producerClass gives the class of a producer's error that is not retried, or no longer.
func producerClass(err error) error {
	for _, e := range []error{
		sarama.ErrProducerFenced, sarama.ErrInvalidProducerEpoch, sarama.ErrInvalidTxnState, sarama.ErrInvalidProducerIDMapping,
		sarama.ErrTransactionCoordinatorFenced,
	} {
		if errors.Is(err, e) {
			return ErrFenced
		}
	}
	for _, e := range []error{
		sarama.ErrTransactionalIDAuthorizationFailed, sarama.ErrClusterAuthorizationFailed, sarama.ErrUnsupportedVersion,
		sarama.ErrInvalidTransactionTimeout, sarama.ErrSASLAuthenticationFailed, sarama.ErrUnsupportedForMessageFormat,
	} {
		if errors.Is(err, e) {
			return ErrFatal
		}
	}
	if errors.Is(err, sarama.ErrUnknownTopicOrPartition) {
		return errors.Join(ErrAbortable, ErrUnknownTopic)
	}
	if tooLarge(err) {
		return errors.Join(ErrAbortable, ErrTooLarge)
	}
	if !errors.As(err, new(sarama.KError)) && !errors.As(err, new(sarama.PacketEncodingError)) {
		return ErrUnknownOutcome // no answer, or none that could be read
	}
	if retriableProduce(err) || errors.Is(err, sarama.ErrOutOfOrderSequenceNumber) || errors.Is(err, sarama.ErrUnknownProducerID) ||
		errors.Is(err, sarama.ErrDuplicateSequenceNumber) {
		return ErrUnknownOutcome
	}
	return ErrAbortable
}

package engine

import (
	"context"
	"errors"
	"io"

	"github.com/millrace/millrace/engine/backup"
	"github.com/millrace/millrace/engine/kafka"
)

// Backup writes the definitions and models of a service, see package backup. Of the options it needs those that say where Kafka is, and the
// service. Without Bootstrap the server of the data directory must be down.
func Backup(ctx context.Context, o Options, w io.Writer) (backup.Summary, error) {
	var s backup.Summary
	err := withKafka(ctx, o, func(c *kafka.Client, t backup.Topics, service string) (err error) {
		s, err = backup.Write(ctx, c, service, t, w)
		return err
	})
	return s, err
}

// Restore writes a backup into a service that has no definitions. No server of the service may be running.
func Restore(ctx context.Context, o Options, file io.ReadSeeker) (backup.Summary, error) {
	var s backup.Summary
	err := withKafka(ctx, o, func(c *kafka.Client, t backup.Topics, service string) (err error) {
		s, err = backup.Restore(ctx, c, service, t, file)
		return err
	})
	return s, err
}

// withKafka is an engine with nothing but its brokers.
func withKafka(ctx context.Context, o Options, f func(*kafka.Client, backup.Topics, string) error) error {
	o, err := o.withDefaults()
	if err != nil {
		return err
	}
	e := &Engine{opts: o, log: o.Logger}
	if err = e.openKafka(ctx); err == nil {
		err = f(e.kafka, backup.Topics{
			Commands: e.internalTopic("commands"), Models: e.internalTopic("models"), Transactions: e.transactionalID("commands"),
		}, o.Service)
	}
	if e.producer != nil {
		e.producer.Close()
	}
	if e.kafka != nil {
		err = errors.Join(err, e.kafka.Close())
	}
	if e.broker != nil {
		err = errors.Join(err, e.broker.Close())
	}
	return err
}

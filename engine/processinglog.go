package engine

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/millrace/millrace/engine/kafka"
	"github.com/millrace/millrace/engine/operator"
)

// ProcessingLogStream is the stream over the processing log's topic, defined at a service's first start.
const ProcessingLogStream = "KSQL_PROCESSING_LOG"

// processingLogStatement defines the stream; %s is the topic. The columns are ksqlDB's.
const processingLogStatement = `CREATE STREAM IF NOT EXISTS KSQL_PROCESSING_LOG (
  logger STRING, level STRING, time BIGINT,
  message STRUCT<type INTEGER,
    deserializationError STRUCT<target STRING, errorMessage STRING, recordB64 STRING, cause ARRAY<STRING>, topic STRING>,
    recordProcessingError STRUCT<errorMessage STRING, record STRING, cause ARRAY<STRING>>,
    productionError STRUCT<errorMessage STRING>,
    serializationError STRUCT<target STRING, errorMessage STRING, record STRING, cause ARRAY<STRING>, topic STRING>>
) WITH (KAFKA_TOPIC='%s', VALUE_FORMAT='JSON', PARTITIONS=1);`

// processingLog writes what went wrong with single rows to a topic. Tasks hand entries over without waiting: when the queue is
// full an entry is dropped and counted. One goroutine writes.
type processingLog struct {
	producer *kafka.Producer
	topic    string
	log      *slog.Logger
	queue    chan kafka.Record
	wg       sync.WaitGroup
	written  atomic.Int64
	dropped  atomic.Int64
	ctx      context.Context // ends when close has waited long enough
	cancel   context.CancelFunc
}

// closePatience is how long close waits for the queue to be written: its topic may be missing, or the brokers away.
const closePatience = 5 * time.Second

const processingLogQueue = 4096

func startProcessingLog(client *kafka.Client, topic string, log *slog.Logger) *processingLog {
	p := &processingLog{
		producer: client.NewProducer(kafka.ProducerConfig{}), topic: topic, log: log, queue: make(chan kafka.Record, processingLogQueue),
	}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	p.wg.Go(p.run)
	return p
}

// close writes what is queued, as far as that is possible in a few seconds. No task may log any more.
func (p *processingLog) close() {
	close(p.queue)
	defer time.AfterFunc(closePatience, p.cancel).Stop()
	p.wg.Wait()
	p.cancel()
	p.producer.Close()
}

func (p *processingLog) run() {
	for first := range p.queue {
		batch := []kafka.Record{first}
		for more := true; more && len(batch) < 500; {
			select {
			case r, ok := <-p.queue:
				if more = ok; ok {
					batch = append(batch, r)
				}
			default:
				more = false
			}
		}
		p.write(batch)
	}
}

func (p *processingLog) write(batch []kafka.Record) {
	ctx, cancel := context.WithTimeout(p.ctx, 30*time.Second)
	defer cancel()
	if err := p.producer.Produce(ctx, kafka.ProduceBatch{Topic: p.topic, Records: batch}); err != nil {
		p.dropped.Add(int64(len(batch)))
		p.log.Error("processing log entries were lost", "entries", len(batch), "error", err)
		return
	}
	p.written.Add(int64(len(batch)))
}

// query is the processing log of one query's tasks.
func (p *processingLog) query(id string) operator.Log { return queryLog{p, id} }

type queryLog struct {
	p  *processingLog
	id string
}

// Log implements operator.Log.
func (q queryLog) Log(e operator.Entry) {
	b, err := json.Marshal(logEntry(q.id, e))
	if err != nil {
		q.p.dropped.Add(1)
		return
	}
	select {
	case q.p.queue <- kafka.Record{Timestamp: time.Now().UnixMilli(), Value: b}:
	default:
		q.p.dropped.Add(1)
	}
}

// logEntry gives an entry ksqlDB's envelope: a type number and the struct that belongs to it.
func logEntry(query string, e operator.Entry) map[string]any {
	message := map[string]any{"type": 1}
	text := e.Message
	if e.Err != nil {
		text = fmt.Sprintf("%s: %s", e.Message, e.Err)
	}
	if e.Offset >= 0 {
		text = fmt.Sprintf("%s (partition %d, offset %d)", text, e.Partition, e.Offset)
	}
	cause := causes(e.Err)
	switch e.Kind {
	case operator.Deserialization:
		message["type"] = 0
		message["deserializationError"] = map[string]any{
			"target": e.Target, "errorMessage": text, "recordB64": base64.StdEncoding.EncodeToString(e.Payload), "cause": cause, "topic": e.Topic,
		}
	case operator.Serialization:
		message["type"] = 3
		message["serializationError"] = map[string]any{"target": e.Target, "errorMessage": text, "record": nil, "cause": cause, "topic": e.Topic}
	default:
		message["recordProcessingError"] = map[string]any{"errorMessage": text, "record": nil, "cause": cause}
	}
	return map[string]any{
		"level": "ERROR", "logger": "processing." + query + "." + e.Node, "time": time.Now().UnixMilli(), "message": message,
	}
}

// causes lists an error's chain behind the error itself.
func causes(err error) []string {
	list := []string{}
	for err != nil {
		if err = errors.Unwrap(err); err != nil {
			list = append(list, err.Error())
		}
	}
	return list
}

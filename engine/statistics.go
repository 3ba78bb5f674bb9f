package engine

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/millrace/millrace/engine/cluster"
	"github.com/millrace/millrace/engine/kafka"
)

// offsetPatience is how long DESCRIBE ... EXTENDED waits for a broker to tell where a topic begins.
const offsetPatience = 2 * time.Second

// statistics fills in what the queries that write a stream or table have done on this server since it was started.
func (o *overview) statistics(d *SourceDescription) {
	e := o.e
	var good, bad []string
	for _, info := range d.WriteQueries {
		q, ok := e.queries.Find(info.ID)
		if !ok {
			continue
		}
		st := e.queries.Status(info.ID)
		f := o.here(info.ID, &st).Figures
		if r := restoreInfo(st.Tasks); r != nil {
			good = append(good, info.ID+": "+r.String())
		}
		good = append(good, fmt.Sprintf("%s: %d records read, %d to read, %d bytes of state", info.ID, committed(q, st.Tasks), f.LagAll(), f.Memory.Committed))
		line := fmt.Sprintf("%s: %d bad rows, %d late rows", info.ID, f.BadRecords, f.LateRecords)
		if p := q.Options.OnError; p.Topic != "" {
			line += fmt.Sprintf(", %d dead letters in %s", f.DeadLetters, p.Topic)
		}
		bad = append(bad, line)
		d.QueryOffsetSummaries = append(d.QueryOffsetSummaries, QueryOffsets{
			GroupID: e.opts.Service + "-" + info.ID, TopicSummaries: e.topicOffsets(st.Tasks),
		})
	}
	d.Statistics, d.ErrorStats = strings.Join(good, "\n"), strings.Join(bad, "\n")
}

// topicOffsets lists the tasks' inputs by topic and partition.
func (e *Engine) topicOffsets(tasks []cluster.TaskStatus) []TopicOffsets {
	var inputs []cluster.InputStatus
	for _, t := range tasks {
		inputs = append(inputs, t.Inputs...)
	}
	slices.SortFunc(inputs, func(a, b cluster.InputStatus) int {
		return cmp.Or(strings.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition))
	})
	out := []TopicOffsets{}
	for chunk := range byTopic(inputs) {
		topic := TopicOffsets{KafkaTopic: chunk[0].Topic}
		start := e.logStarts(chunk)
		for _, in := range chunk {
			o := PartitionOffsets{Partition: in.Partition, LogStartOffset: -1, LogEndOffset: in.End, ConsumerOffset: in.Committed}
			if at, ok := start[in.Partition]; ok {
				o.LogStartOffset = at
			}
			topic.Offsets = append(topic.Offsets, o)
		}
		out = append(out, topic)
	}
	return out
}

// byTopic cuts sorted inputs where the topic changes.
func byTopic(inputs []cluster.InputStatus) func(func([]cluster.InputStatus) bool) {
	return func(yield func([]cluster.InputStatus) bool) {
		for len(inputs) > 0 {
			n := 1
			for n < len(inputs) && inputs[n].Topic == inputs[0].Topic {
				n++
			}
			if !yield(inputs[:n]) {
				return
			}
			inputs = inputs[n:]
		}
	}
}

// logStarts asks where a topic's partitions begin. A broker that does not say must not fail a description.
func (e *Engine) logStarts(inputs []cluster.InputStatus) map[int32]int64 {
	ctx, cancel := context.WithTimeout(context.Background(), offsetPatience)
	defer cancel()
	partitions := make([]int32, 0, len(inputs))
	for _, in := range inputs {
		partitions = append(partitions, in.Partition)
	}
	start, err := e.kafka.Offsets(ctx, inputs[0].Topic, slices.Compact(partitions), kafka.Earliest)
	if err != nil {
		return nil
	}
	return start
}

func tasksMetadata(tasks []cluster.TaskStatus) []TaskMetadata {
	out := []TaskMetadata{}
	for _, t := range tasks {
		m := TaskMetadata{TaskID: fmt.Sprintf("%s_%d", t.ID.Sub, t.ID.Partition), TopicOffsets: []TopicOffset{}}
		for _, in := range t.Inputs {
			m.TopicOffsets = append(m.TopicOffsets, TopicOffset{
				TopicPartition: TopicPartition{in.Topic, in.Partition}, EndOffset: in.End, CommittedOffset: in.Committed,
			})
		}
		out = append(out, m)
	}
	return out
}

package analyzer

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/millrace/millrace/sql/ast"
	"github.com/millrace/millrace/sql/catalog"
	"github.com/millrace/millrace/sql/plan"
)

// confTopicPrefix goes before the name of a sink whose statement names no topic.
const confTopicPrefix = "ksql.output.topic.name.prefix"

// sinkFormats reads the formats of a sink: as WITH says, else those of the first source.
func (b *query) sinkFormats(w with, sink *catalog.Source) (err error) {
	first := b.sc.sources[0].cat
	if sink.KeyFormat, err = b.format(w, "KEY", &first.KeyFormat); err != nil {
		return err
	}
	sink.ValueFormat, err = b.format(w, "VALUE", &first.ValueFormat)
	return err
}

// keylessFormat fits the key format to a result with or without a key.
func (b *query) keylessFormat(w with, sink *catalog.Source, keys int) error {
	explicit := w.has("KEY_FORMAT") || w.has("FORMAT")
	if keys == 0 && len(b.partition) > 0 {
		if w.has("KEY_FORMAT") && sink.KeyFormat.Name != formatNone {
			return fail("key.format-without-key", w.span("KEY_FORMAT"), "%s has no key, so KEY_FORMAT can only be NONE", sink.Name)
		}
		sink.KeyFormat = plan.Format{Name: formatNone}
	}
	if keys > 0 && !explicit && sink.KeyFormat.Name == formatNone {
		name, _, err := knownFormat(b.conf.text(confKeyFormat, formatKafka), w.at)
		if err != nil {
			return err
		}
		sink.KeyFormat = plan.Format{Name: name}
	}
	return nil
}

// finish makes the sink node on top of the final projection, and checks that its formats hold what it writes.
func (b *query) finish(w with, sink *catalog.Source, at ast.Span) (plan.Node, error) {
	cols := b.rel.cols()
	keys, values := roles(cols, plan.Key), roles(cols, plan.Value)
	if err := b.keylessFormat(w, sink, len(keys)); err != nil {
		return nil, err
	}
	wrapKey(&sink.KeyFormat, len(keys))
	if err := b.wrapValue(w, &sink.ValueFormat, len(values)); err != nil {
		return nil, err
	}
	var err error
	if sink.Timestamp, err = w.timestamp(append(slices.Clone(keys), values...)); err != nil {
		return nil, err
	}
	if err := checkKey(sink.KeyFormat, keys, at); err != nil {
		return nil, err
	}
	if err := checkColumns("value", sink.ValueFormat, values, at); err != nil {
		return nil, err
	}
	if err := b.matchSchema(sink.Topic, true, sink.KeyFormat, keys, w); err != nil {
		return nil, err
	}
	if err := b.matchSchema(sink.Topic, false, sink.ValueFormat, values, w); err != nil {
		return nil, err
	}
	nameKey(sink)
	sink.Schema = sinkSchema(cols)
	return b.sinkNode(sink), nil
}

// nameKey names the record of an AVRO key after the sink, so that keys of different sinks are different types.
func nameKey(sink *catalog.Source) {
	f := &sink.KeyFormat
	if f.Name != "AVRO" || f.Props[propSchemaName] != "" || f.Props[propSchemaID] != "" {
		return
	}
	props := map[string]string{propSchemaName: avroKeyName(sink.Name)}
	maps.Copy(props, f.Props)
	f.Props = props
}

// avroKeyName is the name of a key's record: SENSOR_DATA gives SensorDataKey.
func avroKeyName(sink string) string {
	name := "io.confluent.ksql.avro_schemas."
	for _, word := range strings.Split(strings.ReplaceAll(sink, "-", "_"), "_") {
		if word != "" {
			name += strings.ToUpper(word[:1]) + strings.ToLower(word[1:])
		}
	}
	return name + "Key"
}

func (b *query) sinkNode(sink *catalog.Source) plan.Node {
	n := &plan.Sink{
		Base: b.id("sink"), Input: b.rel.node, Name: sink.Name, Table: sink.Kind == catalog.Table, Topic: sink.Topic,
		KeyFormat: sink.KeyFormat, ValueFormat: sink.ValueFormat, Window: sink.Window, Timestamp: sink.Timestamp,
	}
	n.Out = b.rel.cols()
	return n
}

// sinkTopic says what the sink's topic must be: like that of the first source where the statement does not say.
func (b *query) sinkTopic(w with, sink *catalog.Source) (Topic, error) {
	t := Topic{Name: sink.Topic, Cleanup: "delete"}
	if sink.Kind == catalog.Table {
		t.Cleanup = "compact"
		if sink.Window != nil {
			t.Cleanup = "compact,delete"
		}
	}
	if p, ok := w.items["CLEANUP_POLICY"]; ok {
		return t, fail("with.cleanup-policy", p.at, "CLEANUP_POLICY follows from the kind of source and cannot be set")
	}
	if r, ok := w.items["RETENTION_MS"]; ok {
		if t.Cleanup == "compact" {
			return t, fail("with.retention", r.at, "RETENTION_MS is for streams and windowed tables")
		}
		t.Retention = time.Duration(r.number) * time.Millisecond
	}
	if win := b.sel.Window; win != nil && win.Retention != nil {
		t.Retention = max(t.Retention, duration(win.Retention))
	}
	if err := b.topicSize(w, &t); err != nil {
		return t, err
	}
	if first := b.sc.sources[0].cat; !t.Exists {
		if t.Partitions == 0 {
			t.Partitions = max(first.Partitions, 1)
		}
		if t.Replicas == 0 {
			t.Replicas = first.Replicas
		}
	}
	return t, nil
}

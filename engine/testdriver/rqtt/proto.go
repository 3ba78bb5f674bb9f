package rqtt

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"

	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/millrace/millrace/engine/format/protobuf"
	"github.com/millrace/millrace/engine/testdriver/qtt"
)

// compareMessages compares an answer whose rows are Protobuf messages: the schema as text, the rows by content.
func compareMessages(got answer, want []map[string]json.RawMessage, ordered bool) error {
	if len(got) == 0 || len(want) == 0 {
		return qtt.Failf("row count", "%d objects, expected %d", len(got), len(want))
	}
	if err := matchFields(got[0], want[0], ""); err != nil {
		return err
	}
	header, _ := got[0]["header"].(map[string]any)
	schema, _ := header["protoSchema"].(string)
	file, err := protobuf.Parse(schema, nil)
	if err != nil {
		return err
	}
	m, err := protobuf.Message(file, "ConnectDefault1")
	if err != nil {
		return err
	}
	// Both sides are given the same text.
	have, need := answer{got[0]}, []map[string]json.RawMessage{want[0]}
	for _, g := range got[1:] {
		if row, ok := g["row"].(map[string]any); ok {
			text, err := messageText(m, row)
			if err != nil {
				return err
			}
			g = map[string]any{"row": text}
		}
		have = append(have, g)
	}
	for _, w := range want[1:] {
		if raw, ok := w["row"]; ok {
			text, err := wantedText(m, qtt.Unquote(raw))
			if err != nil {
				return err
			}
			w = map[string]json.RawMessage{"row": text}
		}
		need = append(need, w)
	}
	return compareRows(have, need, ordered, "")
}

// messageText decodes a row.
func messageText(m protoreflect.MessageDescriptor, row map[string]any) (string, error) {
	text, _ := row["protobufBytes"].(string)
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return "", fmt.Errorf("row %s: %w", show(row), err)
	}
	msg := dynamicpb.NewMessage(m)
	if err := proto.Unmarshal(b, msg); err != nil {
		return "", fmt.Errorf("row %s: %w", show(row), err)
	}
	return canonical(msg)
}

// wantedText is what messageText gives for the row that the case writes, as JSON.
func wantedText(m protoreflect.MessageDescriptor, text string) (json.RawMessage, error) {
	msg := dynamicpb.NewMessage(m)
	if err := prototext.Unmarshal([]byte(text), msg); err != nil {
		return nil, fmt.Errorf("expected row %q: %w", text, err)
	}
	out, err := canonical(msg)
	if err != nil {
		return nil, err
	}
	return json.Marshal(out)
}

// canonical writes a message with the entries of its maps in one order: maps have none.
func canonical(msg *dynamicpb.Message) (string, error) {
	msg.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		if !f.IsList() || f.Kind() != protoreflect.MessageKind || f.Message().Fields().ByName("value") == nil {
			return true
		}
		var entries []protoreflect.Value
		for i := range v.List().Len() {
			entries = append(entries, v.List().Get(i))
		}
		slices.SortFunc(entries, func(a, b protoreflect.Value) int {
			key := f.Message().Fields().ByNumber(1)
			return slices.Compare([]byte(a.Message().Get(key).String()), []byte(b.Message().Get(key).String()))
		})
		v.List().Truncate(0)
		for _, e := range entries {
			v.List().Append(e)
		}
		return true
	})
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(msg)
	return base64.StdEncoding.EncodeToString(b), err
}

package qtt

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/millrace/millrace/engine/record"
	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/sql/vector"
)

func isNull(b json.RawMessage) bool { return len(b) == 0 || string(b) == "null" }

// Encode makes the record that the case writes.
func (r *Record) Encode(f Formats) (record.Record, error) {
	var rec record.Record
	var err error
	if rec.Key, err = f.side(r.Topic, true).encodeSpec(r.Key); err != nil {
		return rec, fmt.Errorf("key: %w", err)
	}
	if rec.Value, err = f.side(r.Topic, false).encodeSpec(r.Value); err != nil {
		return rec, fmt.Errorf("value: %w", err)
	}
	if w := r.Window; w != nil && rec.Key != nil {
		rec.Key = appendWindow(rec.Key, strings.EqualFold(w.Type, "session"), w.Start, w.End)
	}
	if r.Timestamp != nil {
		rec.Timestamp = *r.Timestamp
	}
	for _, h := range r.Headers {
		header := vector.Header{Key: h.Key}
		if h.Value != nil {
			if header.Value, err = base64.StdEncoding.DecodeString(*h.Value); err != nil {
				return rec, fmt.Errorf("header %s: %w", h.Key, err)
			}
		}
		rec.Headers = append(rec.Headers, header)
	}
	return rec, nil
}

// encodeSpec makes the bytes of a key or value as the case writes it: JSON as it stands, DELIMITED from its text, KAFKA by
// the type of its one column, the formats with schemas by those.
func (s *side) encodeSpec(spec json.RawMessage) ([]byte, error) {
	if isNull(spec) {
		return nil, nil
	}
	switch s.format.Name {
	case "JSON":
		return compact(spec)
	case "DELIMITED":
		return []byte(Unquote(spec)), nil
	case "KAFKA":
		t := types.String
		if len(s.cols) == 1 {
			t = s.cols[0].Type
		}
		return encodeKafka(Unquote(spec), t)
	case "NONE":
		return []byte(Unquote(spec)), nil
	}
	return s.encode(spec)
}

func encodeKafka(text string, t *types.Type) ([]byte, error) {
	switch t.Kind {
	case types.KindInt:
		n, err := strconv.ParseInt(text, 10, 32)
		return binary.BigEndian.AppendUint32(nil, uint32(n)), err
	case types.KindBigint:
		n, err := strconv.ParseInt(text, 10, 64)
		return binary.BigEndian.AppendUint64(nil, uint64(n)), err
	case types.KindDouble:
		f, err := strconv.ParseFloat(text, 64)
		return binary.BigEndian.AppendUint64(nil, math.Float64bits(f)), err
	case types.KindBytes:
		return base64.StdEncoding.DecodeString(text)
	}
	return []byte(text), nil
}

// decodeKafka gives the JSON text of what encodeKafka wrote.
func decodeKafka(b []byte, t *types.Type) (string, error) {
	size := map[types.Kind]int{types.KindInt: 4, types.KindBigint: 8, types.KindDouble: 8}[t.Kind]
	if size > 0 && len(b) != size {
		return "", fmt.Errorf("%d bytes for %s", len(b), t)
	}
	switch t.Kind {
	case types.KindInt:
		return strconv.FormatInt(int64(int32(binary.BigEndian.Uint32(b))), 10), nil
	case types.KindBigint:
		return strconv.FormatInt(int64(binary.BigEndian.Uint64(b)), 10), nil
	case types.KindDouble:
		return strconv.FormatFloat(math.Float64frombits(binary.BigEndian.Uint64(b)), 'g', -1, 64), nil
	case types.KindBytes:
		return strconv.Quote(base64.StdEncoding.EncodeToString(b)), nil
	}
	text, err := json.Marshal(string(b))
	return string(text), err
}

func appendWindow(key []byte, session bool, start, end int64) []byte {
	if session {
		key = binary.BigEndian.AppendUint64(key, uint64(end))
	}
	return binary.BigEndian.AppendUint64(key, uint64(start))
}

package protobuf

import (
	"errors"
	"fmt"
	"math"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/millrace/millrace/engine/format/connect"
)

// numbers reads the varints of a message's fields 1 to 4, and the bytes of field 1.
func numbers(b []byte) (v [5]int64, raw []byte, err error) {
	for len(b) > 0 {
		number, wire, n := protowire.ConsumeTag(b)
		if n < 0 {
			return v, nil, protowire.ParseError(n)
		}
		b = b[n:]
		switch {
		case number <= 4 && wire == protowire.VarintType:
			var u uint64
			u, n = protowire.ConsumeVarint(b)
			v[number] = int64(u)
		case number == 1 && wire == protowire.BytesType:
			raw, n = protowire.ConsumeBytes(b)
		default:
			n = protowire.ConsumeFieldValue(number, wire, b)
		}
		if n < 0 {
			return v, nil, protowire.ParseError(n)
		}
		b = b[n:]
	}
	return v, raw, nil
}

const secondMillis = 1000

// logical reads a value that stands in a message of its own.
func (f *fieldPlan) logical(body []byte) (connect.Scalar, error) {
	if f.shape == wrapped {
		return f.wrapper(body)
	}
	v, raw, err := numbers(body)
	if err != nil {
		return connect.Scalar{}, err
	}
	switch f.shape {
	case decimal:
		s := connect.Scalar{Kind: connect.Bytes, Bytes: raw, Scale: f.scale}
		if v[3] > 0 && v[3] < math.MaxInt16 {
			s.Scale = int32(v[3])
		}
		return s, nil
	case date:
		t := time.Date(int(v[1]), time.Month(v[2]), int(v[3]), 0, 0, 0, 0, time.UTC)
		if v[1] < 0 || v[1] > 9999 || int64(t.Month()) != v[2] || int64(t.Day()) != v[3] {
			return connect.Scalar{}, fmt.Errorf("%d-%d-%d is no date", v[1], v[2], v[3])
		}
		return connect.Scalar{Kind: connect.Int32, Int: t.Unix() / 86400}, nil
	case timeOfDay:
		if v[1] < 0 || v[1] > 24 || v[2] < 0 || v[2] > 59 || v[3] < 0 || v[3] > 60 || v[4] < 0 || v[4] >= 1e9 {
			return connect.Scalar{}, errors.New("no time of a day")
		}
		ms := ((v[1]*60+v[2])*60+v[3])*secondMillis + v[4]/1e6
		return connect.Scalar{Kind: connect.Int32, Int: ms}, nil
	}
	if v[1] > math.MaxInt64/secondMillis-1 || v[1] < math.MinInt64/secondMillis+1 || v[2] < 0 || v[2] >= 1e9 {
		return connect.Scalar{}, errors.New("a timestamp out of range")
	}
	return connect.Scalar{Kind: connect.Int64, Int: v[1]*secondMillis + v[2]/1e6}, nil
}

// wrapper reads the scalar of a message of one field.
func (f *fieldPlan) wrapper(b []byte) (connect.Scalar, error) {
	s := f.def
	for len(b) > 0 {
		number, wire, n := protowire.ConsumeTag(b)
		if n < 0 {
			return s, protowire.ParseError(n)
		}
		b = b[n:]
		var err error
		if number == 1 && wire == wireType(f.kind) {
			s, n, err = f.scalar(b)
		} else {
			n, err = skip(number, wire, b)
		}
		if err != nil {
			return s, err
		}
		b = b[n:]
	}
	return s, nil
}

// appendLogical writes the message of a DATE, TIME or TIMESTAMP.
func appendLogical(dst []byte, sh shape, n int64) []byte {
	field := func(number protowire.Number, v int64) {
		if v != 0 {
			dst = protowire.AppendVarint(protowire.AppendTag(dst, number, protowire.VarintType), uint64(v))
		}
	}
	switch sh {
	case date:
		t := time.Unix(n*86400, 0).UTC()
		field(1, int64(t.Year()))
		field(2, int64(t.Month()))
		field(3, int64(t.Day()))
	case timeOfDay:
		s := n / secondMillis
		field(1, s/3600)
		field(2, s/60%60)
		field(3, s%60)
		field(4, n%secondMillis*1e6)
	case timestamp:
		s := n / secondMillis
		if n%secondMillis < 0 {
			s--
		}
		field(1, s)
		field(2, (n-s*secondMillis)*1e6)
	}
	return dst
}

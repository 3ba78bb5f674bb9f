package types

import (
	"fmt"
	"strconv"
	"strings"
)

var kindNames = [...]string{
	KindNull: "null", KindBoolean: "BOOLEAN", KindInt: "INTEGER", KindBigint: "BIGINT", KindDouble: "DOUBLE",
	KindDecimal: "DECIMAL", KindString: "STRING", KindBytes: "BYTES", KindDate: "DATE", KindTime: "TIME",
	KindTimestamp: "TIMESTAMP", KindArray: "ARRAY", KindMap: "MAP", KindStruct: "STRUCT",
	KindIntervalUnit: "INTERVALUNIT", KindLambda: "LAMBDA",
}

// String names the kind as ksqlDB prints base types.
func (k Kind) String() string { return kindNames[k] }

// String prints the type as ksqlDB does: DECIMAL(4, 2), ARRAY<T>, MAP<K, V>, STRUCT<`F` T, ...>.
func (t *Type) String() string {
	switch t.Kind {
	case KindDecimal:
		return "DECIMAL(" + strconv.Itoa(t.Precision) + ", " + strconv.Itoa(t.Scale) + ")"
	case KindArray:
		return "ARRAY<" + t.Elem.String() + ">"
	case KindMap:
		return "MAP<" + t.Key.String() + ", " + t.Elem.String() + ">"
	case KindStruct:
		parts := make([]string, len(t.Fields))
		for i, f := range t.Fields {
			parts[i] = QuoteName(f.Name) + " " + f.Type.String()
		}
		return "STRUCT<" + strings.Join(parts, ", ") + ">"
	}
	return t.Kind.String()
}

// MarshalText gives String's form, which ParseType reads back.
func (t *Type) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (t *Type) UnmarshalText(text []byte) error {
	p, err := ParseType(string(text))
	if err != nil {
		return err
	}
	*t = *p
	return nil
}

const maxTypeDepth = 100

// ParseType reads the form that Type.String writes. It is the codec of persisted plans, not the SQL parser.
func ParseType(text string) (*Type, error) {
	p := &typeParser{text: text}
	t, err := p.parse(0)
	if err == nil && p.pos != len(text) {
		err = fmt.Errorf("unexpected text at %d", p.pos)
	}
	if err != nil {
		return nil, fmt.Errorf("parse type %q: %w", text, err)
	}
	return t, nil
}

type typeParser struct {
	text string
	pos  int
}

func (p *typeParser) accept(s string) bool {
	if strings.HasPrefix(p.text[p.pos:], s) {
		p.pos += len(s)
		return true
	}
	return false
}

func (p *typeParser) expect(s string) error {
	if !p.accept(s) {
		return fmt.Errorf("expected %q at %d", s, p.pos)
	}
	return nil
}

func (p *typeParser) word() string {
	start := p.pos
	for p.pos < len(p.text) && (p.text[p.pos] >= 'A' && p.text[p.pos] <= 'Z' || p.text[p.pos] >= 'a' && p.text[p.pos] <= 'z') {
		p.pos++
	}
	return p.text[start:p.pos]
}

func (p *typeParser) number() (int, error) {
	start := p.pos
	for p.pos < len(p.text) && p.text[p.pos] >= '0' && p.text[p.pos] <= '9' {
		p.pos++
	}
	return strconv.Atoi(p.text[start:p.pos])
}

func (p *typeParser) parse(depth int) (*Type, error) {
	if depth > maxTypeDepth {
		return nil, fmt.Errorf("nested deeper than %d", maxTypeDepth)
	}
	switch w := p.word(); w {
	case "DECIMAL":
		return p.decimal()
	case "ARRAY":
		if err := p.expect("<"); err != nil {
			return nil, err
		}
		e, err := p.parse(depth + 1)
		if err != nil {
			return nil, err
		}
		return ArrayOf(e), p.expect(">")
	case "MAP":
		return p.mapType(depth)
	case "STRUCT":
		return p.structType(depth)
	default:
		for k, n := range kindNames {
			if n == w {
				return &Type{Kind: Kind(k)}, nil
			}
		}
		return nil, fmt.Errorf("unknown type %q", w)
	}
}

func (p *typeParser) decimal() (*Type, error) {
	if err := p.expect("("); err != nil {
		return nil, err
	}
	prec, err := p.number()
	if err != nil {
		return nil, err
	}
	if err := p.expect(", "); err != nil {
		return nil, err
	}
	scale, err := p.number()
	if err != nil {
		return nil, err
	}
	return DecimalOf(prec, scale), p.expect(")")
}

func (p *typeParser) mapType(depth int) (*Type, error) {
	if err := p.expect("<"); err != nil {
		return nil, err
	}
	k, err := p.parse(depth + 1)
	if err != nil {
		return nil, err
	}
	if err := p.expect(", "); err != nil {
		return nil, err
	}
	v, err := p.parse(depth + 1)
	if err != nil {
		return nil, err
	}
	return MapOf(k, v), p.expect(">")
}

func (p *typeParser) structType(depth int) (*Type, error) {
	if err := p.expect("<"); err != nil {
		return nil, err
	}
	t := StructOf()
	for !p.accept(">") {
		if len(t.Fields) > 0 {
			if err := p.expect(", "); err != nil {
				return nil, err
			}
		}
		name, err := p.quoted()
		if err != nil {
			return nil, err
		}
		ft, err := p.parse(depth + 1)
		if err != nil {
			return nil, err
		}
		t.Fields = append(t.Fields, Field{Name: name, Type: ft})
	}
	return t, nil
}

func (p *typeParser) quoted() (string, error) {
	if err := p.expect("`"); err != nil {
		return "", err
	}
	var b strings.Builder
	for p.pos < len(p.text) {
		if p.accept("``") {
			b.WriteByte('`')
			continue
		}
		if p.accept("` ") {
			return b.String(), nil
		}
		b.WriteByte(p.text[p.pos])
		p.pos++
	}
	return "", fmt.Errorf("unterminated name")
}

package ast

// NullLit is NULL.
type NullLit struct{ Loc }

// BoolLit is TRUE or FALSE.
type BoolLit struct {
	Loc
	Value bool
}

// IntLit is an integer literal, sign included. It is an INT if it fits 32 bits, else a BIGINT; the parser refuses more.
type IntLit struct {
	Loc
	Value int64
}

// DecimalLit is a literal with a decimal point and no exponent; Text is exact, sign included ("-0.50").
type DecimalLit struct {
	Loc
	Text string
}

// DoubleLit is a literal with an exponent, sign included; it is finite.
type DoubleLit struct {
	Loc
	Value float64
}

// StringLit is a character string; Value is without quotes and escapes.
type StringLit struct {
	Loc
	Value string
}

// TypedLit is a string with a type before it: DECIMAL '1.5', DATE '2024-01-31', TIME '10:00', TIMESTAMP '2024-01-31T10:00'.
type TypedLit struct {
	Loc
	Type Ident // DATE, TIME, TIMESTAMP or DECIMAL
	Text string
}

// Interval is INTERVAL '5' SECONDS; Unit is one of the units of Duration, or MONTH and YEAR and their plurals.
type Interval struct {
	Loc
	Value string
	Unit  string
}

func (*NullLit) expr()    {}
func (*BoolLit) expr()    {}
func (*IntLit) expr()     {}
func (*DecimalLit) expr() {}
func (*DoubleLit) expr()  {}
func (*StringLit) expr()  {}
func (*TypedLit) expr()   {}
func (*Interval) expr()   {}

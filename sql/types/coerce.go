package types

// AsDecimal gives the DECIMAL type that holds every value of a DECIMAL, INTEGER or BIGINT type; nil for others.
func AsDecimal(t *Type) *Type {
	switch t.Kind {
	case KindInt:
		return DecimalOf(10, 0)
	case KindBigint:
		return DecimalOf(19, 0)
	case KindDecimal:
		return t
	}
	return nil
}

// WidenDecimal gives the DECIMAL that holds both DECIMALs: the most digits before and behind the point.
func WidenDecimal(a, b *Type) *Type {
	s := max(a.Scale, b.Scale)
	return DecimalOf(max(a.Precision-a.Scale, b.Precision-b.Scale)+s, s)
}

// CommonNumeric gives the type to which two numbers are brought before they are compared or added: the wider of
// INTEGER, BIGINT, DECIMAL, DOUBLE, a DECIMAL wide enough for both. Nil if one is not a number.
func CommonNumeric(a, b *Type) *Type {
	switch {
	case !a.Kind.IsNumeric() || !b.Kind.IsNumeric():
		return nil
	case a.Kind == KindDouble || b.Kind == KindDouble:
		return Double
	case a.Kind == KindDecimal || b.Kind == KindDecimal:
		return WidenDecimal(AsDecimal(a), AsDecimal(b))
	case a.Kind == KindBigint || b.Kind == KindBigint:
		return Bigint
	}
	return Int
}

// ArithmeticResult gives the type of a op b for op + - * / %, or nil if it is not defined. Strings can be added.
func ArithmeticResult(op string, a, b *Type) *Type {
	if a.Kind == KindString && b.Kind == KindString && op == "+" {
		return String
	}
	t := CommonNumeric(a, b)
	if t != nil && t.Kind == KindDecimal {
		return DecimalResult(op, AsDecimal(a), AsDecimal(b))
	}
	return t
}

// Comparable gives the type to which the operands of a comparison are cast before they are compared, or nil if they
// cannot be compared with the operator: = <> < <= > >=, or one that holds "distinct". With a DECIMAL operand, numbers are compared as decimals.
func Comparable(a, b *Type, op string) *Type {
	equality := op == "=" || op == "<>" || op == "!=" || len(op) > 2
	switch {
	case a.Kind.IsNumeric() && b.Kind.IsNumeric():
		return CommonNumeric(a, b)
	case a.Kind == KindString && b.Kind == KindString, a.Kind == KindBytes && b.Kind == KindBytes:
		return a
	case a.Kind == KindString && b.Kind.IsTemporal():
		return b
	case b.Kind == KindString && a.Kind.IsTemporal():
		return a
	case a.Kind.IsTemporal() && a.Kind == b.Kind:
		return a
	case (a.Kind == KindDate || a.Kind == KindTimestamp) && (b.Kind == KindDate || b.Kind == KindTimestamp):
		return Timestamp
	case a.Kind == b.Kind && equality && (a.Kind == KindBoolean || a.Kind == KindArray || a.Kind == KindMap || a.Kind == KindStruct):
		return comparableNested(a, b)
	}
	return nil
}

// comparableNested never refuses, as the element types are not compared: where they have nothing in common, the right side is
// cast to the left one's type.
func comparableNested(a, b *Type) *Type {
	if t, ok := CommonStrict(a, b); ok {
		return t
	}
	return a
}

// CanCast says whether CAST(from AS to) is defined.
func CanCast(from, to *Type) bool {
	if from.Kind == KindNull || Equal(from, to) {
		return true
	}
	if from.Kind == KindArray && to.Kind == KindArray {
		return CanCast(from.Elem, to.Elem)
	}
	if from.Kind == KindMap && to.Kind == KindMap {
		return CanCast(from.Key, to.Key) && CanCast(from.Elem, to.Elem)
	}
	if from.Kind == KindStruct && to.Kind == KindStruct {
		for _, f := range to.Fields {
			if i := from.FieldIndex(f.Name); i >= 0 && !CanCast(from.Fields[i].Type, f.Type) {
				return false
			}
		}
		return true
	}
	return canCastKind(from.Kind, to.Kind)
}

func canCastKind(from, to Kind) bool {
	if to == KindString {
		return from != KindBytes && from <= KindStruct
	}
	switch from {
	case KindInt, KindBigint, KindDecimal, KindDouble:
		return to.IsNumeric() && (from != KindInt || to != KindInt)
	case KindString:
		return to >= KindBoolean && to <= KindTimestamp
	case KindDate:
		return to == KindTimestamp
	case KindTimestamp:
		return to == KindDate || to == KindTime
	}
	return false
}

// FieldIndex is the position of a STRUCT's field with exactly this name, or -1.
func (t *Type) FieldIndex(name string) int {
	for i := range t.Fields {
		if t.Fields[i].Name == name {
			return i
		}
	}
	return -1
}

// ImplicitCast says whether a value of one type is accepted where the other is wanted (the STRICT table): the same type, INTEGER to
// BIGINT to DECIMAL to DOUBLE, a DECIMAL to one that holds all its digits, STRING to DATE, TIME, TIMESTAMP and
// BYTES; arrays, maps and structs by their parts. NULL is accepted everywhere.
func ImplicitCast(from, to *Type) bool {
	if from.Kind == KindNull || Equal(from, to) {
		return true
	}
	switch from.Kind {
	case KindInt:
		return to.Kind == KindBigint || to.Kind == KindDouble || to.Kind == KindDecimal
	case KindBigint:
		return to.Kind == KindDouble || to.Kind == KindDecimal
	case KindDecimal:
		return to.Kind == KindDouble || to.Kind == KindDecimal && Equal(WidenDecimal(from, to), to)
	case KindString:
		return to.Kind.IsTemporal() || to.Kind == KindBytes
	case KindArray:
		return to.Kind == KindArray && ImplicitCast(from.Elem, to.Elem)
	case KindMap:
		return to.Kind == KindMap && ImplicitCast(from.Key, to.Key) && ImplicitCast(from.Elem, to.Elem)
	case KindStruct:
		if to.Kind != KindStruct {
			return false
		}
		for _, f := range from.Fields {
			if i := to.FieldIndex(f.Name); i < 0 || !ImplicitCast(f.Type, to.Fields[i].Type) {
				return false
			}
		}
		return true
	}
	return false
}

// LaxCast is ImplicitCast, and also BOOLEAN, numbers and temporals to STRING, STRING to BOOLEAN and numbers (the LAX
// table, which is for literals).
func LaxCast(from, to *Type) bool {
	switch {
	case ImplicitCast(from, to):
		return true
	case to.Kind == KindString:
		return from.Kind == KindBoolean || from.Kind.IsNumeric() || from.Kind.IsTemporal()
	case from.Kind == KindString:
		return to.Kind == KindBoolean || to.Kind.IsNumeric()
	}
	return false
}

// CommonStrict gives the type that elements of both types are brought to in an IN list or a constructor: target if next
// is accepted as it, else next if target is accepted as that; DECIMALs are widened, structs get the union of their fields.
func CommonStrict(target, next *Type) (*Type, bool) { return common(target, next, ImplicitCast) }

// CommonLax is CommonStrict by the table for literals.
func CommonLax(target, next *Type) (*Type, bool) { return common(target, next, LaxCast) }

func common(target, next *Type, accepts func(from, to *Type) bool) (*Type, bool) {
	a, b := AsDecimal(target), AsDecimal(next)
	switch {
	case next.Kind == KindNull:
		return target, true
	case target.Kind == KindNull:
		return next, true
	case a != nil && b != nil && (target.Kind == KindDecimal || next.Kind == KindDecimal):
		return WidenDecimal(a, b), true
	case target.Kind == KindArray && next.Kind == KindArray:
		e, ok := common(target.Elem, next.Elem, accepts)
		return ArrayOf(e), ok
	case target.Kind == KindMap && next.Kind == KindMap:
		k, ok := common(target.Key, next.Key, accepts)
		v, ok2 := common(target.Elem, next.Elem, accepts)
		return MapOf(k, v), ok && ok2
	case target.Kind == KindStruct && next.Kind == KindStruct:
		return commonStruct(target, next, accepts)
	case accepts(next, target):
		return target, true
	case accepts(target, next):
		return next, true
	}
	return Null, false
}

// commonStruct puts the fields of next first, as ksqlDB does.
func commonStruct(target, next *Type, accepts func(from, to *Type) bool) (*Type, bool) {
	t := StructOf()
	for _, f := range next.Fields {
		ft := f.Type
		if i := target.FieldIndex(f.Name); i >= 0 {
			var ok bool
			if ft, ok = common(target.Fields[i].Type, f.Type, accepts); !ok {
				return Null, false
			}
		}
		t.Fields = append(t.Fields, Field{Name: f.Name, Type: ft})
	}
	for _, f := range target.Fields {
		if next.FieldIndex(f.Name) < 0 {
			t.Fields = append(t.Fields, f)
		}
	}
	return t, true
}

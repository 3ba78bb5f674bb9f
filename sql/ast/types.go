package ast

// TypeName is a type as written. Custom types resolve later, so Name may be any name.
type TypeName struct {
	Loc
	Name   Ident         // BIGINT, ARRAY, STRUCT, a custom type ...
	Params []TypeParam   // DECIMAL(4, 2), VARCHAR(STRING)
	Elem   *TypeName     // ARRAY<Elem>
	Key    *TypeName     // MAP<Key, Value>
	Value  *TypeName     // MAP<Key, Value>
	Fields []StructField // STRUCT<name type, ...>, may be empty
}

// TypeParam is a parameter of a type name: an integer or, with no meaning but allowed, the word STRING.
type TypeParam struct {
	Value int
	Word  bool // STRING was written, and Value means nothing
}

// StructField is one field of a STRUCT type.
type StructField struct {
	Name Ident
	Type *TypeName
}

package ast

import (
	"strconv"
	"strings"
)

// printer writes SQL. Its methods write what their argument is, and nothing for a nil.
type printer struct{ strings.Builder }

func compose(write func(*printer)) string {
	var p printer
	write(&p)
	return p.String()
}

// words writes each word that is not empty, with one space between any two.
func (p *printer) words(ws ...string) {
	for _, w := range ws {
		if w == "" {
			continue
		}
		if p.Len() > 0 {
			p.WriteByte(' ')
		}
		p.WriteString(w)
	}
}

// when is word if cond holds, else nothing.
func when(cond bool, word string) string {
	if cond {
		return word
	}
	return ""
}

// list is the items joined by commas.
func list[T Node](items []T) string {
	var b strings.Builder
	for i, n := range items {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(n.String())
	}
	return b.String()
}

func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// String is the name, back-quoted where it would not read back as itself.
func (i Ident) String() string {
	if plain(i.Name) {
		return i.Name
	}
	return "`" + strings.ReplaceAll(i.Name, "`", "``") + "`"
}

func (t *TypeName) String() string {
	name := t.Name.Name
	if !plain(name) && name != "ARRAY" && name != "MAP" && name != "STRUCT" {
		name = t.Name.String()
	}
	switch {
	case t.Elem != nil:
		return name + "<" + t.Elem.String() + ">"
	case t.Value != nil:
		return name + "<" + t.Key.String() + ", " + t.Value.String() + ">"
	case name == "STRUCT":
		fields := make([]string, len(t.Fields))
		for i, f := range t.Fields {
			fields[i] = f.Name.String() + " " + f.Type.String()
		}
		return name + "<" + strings.Join(fields, ", ") + ">"
	case len(t.Params) > 0:
		params := make([]string, len(t.Params))
		for i, p := range t.Params {
			params[i] = "STRING"
			if !p.Word {
				params[i] = strconv.Itoa(p.Value)
			}
		}
		return name + "(" + strings.Join(params, ", ") + ")"
	}
	return name
}

func (d *Duration) String() string { return strconv.FormatInt(d.Value, 10) + " " + d.Unit }

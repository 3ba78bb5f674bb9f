package parser

import "github.com/millrace/millrace/sql/ast"

func (r *rewriter) cast() error {
	at := r.i
	r.mark(markCast)
	r.i++
	r.next("(")
	if err := r.operand(wholeExpr); err != nil {
		return err
	}
	if err := r.expect("AS"); err != nil {
		return err
	}
	t, err := r.typeName()
	if err != nil {
		return err
	}
	put(&r.casts, at, t)
	if !r.tok().is(")") {
		return r.unexpected(r.i, ")")
	}
	r.next(")")
	return nil
}

func (r *rewriter) array() error {
	r.mark(markArray)
	r.i++
	r.next("(")
	if !r.tok().is("]") {
		if err := r.operands(); err != nil {
			return err
		}
	}
	return r.close("]")
}

// assigns says whether := stands directly within the bracket at token open, or the bracket is empty: then it belongs
// to a constructor, and not to a function of that name.
func (r *rewriter) assigns(open int) bool {
	end := r.match[open]
	if end == open+1 {
		return true
	}
	for i := open + 1; i < end; i++ {
		if r.toks[i].is(":=") {
			return true
		}
		if r.match[i] > 0 {
			i = r.match[i]
		}
	}
	return false
}

func (r *rewriter) mapLit() error {
	r.mark(markMap)
	r.i++
	r.next("(")
	for !r.tok().is(")") {
		if err := r.operand(wholeExpr); err != nil {
			return err
		}
		if !r.tok().is(":=") {
			return r.unexpected(r.i, ":=")
		}
		r.next(",")
		if err := r.operand(wholeExpr); err != nil {
			return err
		}
		if !r.tok().is(",") {
			break
		}
		r.next(",")
		if r.tok().is(")") {
			return r.unexpected(r.i, "an expression")
		}
	}
	return r.close(")")
}

func (r *rewriter) structLit() error {
	at := r.i
	r.mark(markStruct)
	r.i++
	r.next("(")
	var names []ast.Ident
	seen := map[string]bool{}
	for !r.tok().is(")") {
		name, err := r.name()
		if err != nil {
			return err
		}
		if seen[name.Name] {
			return errorAt(name.Loc, codeStruct, "STRUCT has two fields named %s", name)
		}
		seen[name.Name] = true
		names = append(names, name)
		if err := r.expect(":="); err != nil {
			return err
		}
		if err := r.operand(wholeExpr); err != nil {
			return err
		}
		if !r.tok().is(",") {
			break
		}
		r.next(",")
		if r.tok().is(")") {
			return r.unexpected(r.i, wantName)
		}
	}
	put(&r.fields, at, names)
	return r.close(")")
}

package ast

// QueryStmt is a query as a statement: a pull query, or a push query if it has EMIT.
type QueryStmt struct {
	Loc
	Query *Query
}

// InsertSelect is INSERT INTO target [WITH (...)] query.
type InsertSelect struct {
	Loc
	Target Ident
	With   *Properties // nil if there is none
	Query  *Query
}

// InsertValues is INSERT INTO target [(columns)] VALUES (values).
type InsertValues struct {
	Loc
	Target  Ident
	Columns []Ident // nil if not written
	Values  []Expr
}

// Explain is EXPLAIN of a statement or of a running query; one of the two is set.
type Explain struct {
	Loc
	Statement Statement
	Query     *Ident
}

// Terminate is TERMINATE query or TERMINATE ALL.
type Terminate struct {
	Loc
	Query *Ident // nil for ALL
}

// Pause is PAUSE query or PAUSE ALL.
type Pause struct {
	Loc
	Query *Ident // nil for ALL
}

// Resume is RESUME query or RESUME ALL.
type Resume struct {
	Loc
	Query *Ident // nil for ALL
}

// Print is PRINT topic [FROM BEGINNING] [INTERVAL|SAMPLE n] [LIMIT n].
type Print struct {
	Loc
	Topic         Ident
	FromBeginning bool
	Interval      *IntLit // every n-th record; nil for all
	Limit         *IntLit // nil if there is none
}

func (*QueryStmt) stmt()    {}
func (*InsertSelect) stmt() {}
func (*InsertValues) stmt() {}
func (*Explain) stmt()      {}
func (*Terminate) stmt()    {}
func (*Pause) stmt()        {}
func (*Resume) stmt()       {}
func (*Print) stmt()        {}

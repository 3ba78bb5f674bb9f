package ast

// CreateModel is CREATE [OR REPLACE] MODEL [IF NOT EXISTS] name [INPUT (...)] [OUTPUT (...)] WITH (...).
type CreateModel struct {
	Loc
	OrReplace   bool
	IfNotExists bool
	Name        Ident
	Input       []*Element // nil if the model's file is to tell
	Output      []*Element // nil if the model's file is to tell
	With        *Properties
}

// DropModel is DROP MODEL [IF EXISTS] name.
type DropModel struct {
	Loc
	IfExists bool
	Name     Ident
}

// ShowModels is SHOW MODELS.
type ShowModels struct{ Loc }

// ShowModelVersions is SHOW MODEL VERSIONS name.
type ShowModelVersions struct {
	Loc
	Name Ident
}

// ShowModelStatistics is SHOW MODEL STATISTICS [name].
type ShowModelStatistics struct {
	Loc
	Name *Ident // nil for all models
}

// DescribeModel is DESCRIBE MODEL name.
type DescribeModel struct {
	Loc
	Name Ident
}

func (*CreateModel) stmt()         {}
func (*DropModel) stmt()           {}
func (*ShowModels) stmt()          {}
func (*ShowModelVersions) stmt()   {}
func (*ShowModelStatistics) stmt() {}
func (*DescribeModel) stmt()       {}

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

// DropModel is DROP MODEL [IF EXISTS] name. The name may be that of one version: name@2.
type DropModel struct {
	Loc
	IfExists bool
	Name     Ident
}

// AlterModel is ALTER MODEL name action: which versions score.
type AlterModel struct {
	Loc
	Name   Ident
	Action ModelAction
}

// ModelAction is what an AlterModel does.
type ModelAction interface {
	String() string
	modelAction()
}

// SetTraffic is SET TRAFFIC (version = percent, ...) [BY column].
type SetTraffic struct {
	Shares []TrafficShare
	By     *Ident // nil: by the record's key
}

// TrafficShare is the part of rows that a version is to score.
type TrafficShare struct{ Version, Percent *IntLit }

// SetShadow is SHADOW version, ..., or SHADOW OFF.
type SetShadow struct{ Versions []*IntLit }

// SetCanary is CANARY version TRAFFIC percent [BY column] [LABELS table] [PROMOTE WHEN condition] [ROLLBACK WHEN condition].
type SetCanary struct {
	Version, Percent  *IntLit
	By                *Ident // nil: by the record's key
	Labels            *Ident // a table whose columns the conditions may name; nil: none
	Promote, Rollback Expr   // nil: never
}

// Promote is PROMOTE version: it scores all rows.
type Promote struct{ Version *IntLit }

// Rollback is ROLLBACK: it ends a split of the rows, or takes the last PROMOTE or new version back.
type Rollback struct{}

func (*SetTraffic) modelAction() {}
func (*SetShadow) modelAction()  {}
func (*SetCanary) modelAction()  {}
func (*Promote) modelAction()    {}
func (*Rollback) modelAction()   {}

// ShowModels is SHOW MODELS.
type ShowModels struct{ Loc }

// ShowModelVersions is SHOW MODEL VERSIONS [name].
type ShowModelVersions struct {
	Loc
	Name *Ident // nil for all models
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
func (*AlterModel) stmt()          {}
func (*ShowModels) stmt()          {}
func (*ShowModelVersions) stmt()   {}
func (*ShowModelStatistics) stmt() {}
func (*DescribeModel) stmt()       {}

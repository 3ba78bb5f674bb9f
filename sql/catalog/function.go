package catalog

import (
	"slices"
	"time"

	"github.com/millrace/millrace/sql/types"
)

// Function is a function that a statement defined: its versions, of which queries follow the last one. It is immutable like the
// catalog.
type Function struct {
	Name string
	// Versions are all that ever were, ascending by Since. A task that lags behind, or takes back what it did not commit, uses an
	// older one.
	Versions []*FunctionVersion
}

// FunctionVersion is one definition of a function. It is immutable.
type FunctionVersion struct {
	// Since is the offset of the command that began it, which the command itself does not know.
	Since     int64 `json:"-"`
	Name      string
	Version   int // from 1
	Params    []types.Field
	Returns   *types.Type
	Language  string
	URI       string
	SHA256    string
	Size      int64
	Export    string        // what the file calls it
	Timeout   time.Duration // of a row
	Memory    int64         // bytes
	Statement string
	Created   int64 // ms since the epoch
}

// SameSignature says whether two versions take and give the same.
func (v *FunctionVersion) SameSignature(o *FunctionVersion) bool {
	return types.Equal(v.Returns, o.Returns) &&
		slices.EqualFunc(v.Params, o.Params, func(a, b types.Field) bool { return types.Equal(a.Type, b.Type) })
}

// Last is the newest version.
func (f *Function) Last() *FunctionVersion { return f.Versions[len(f.Versions)-1] }

// At is the version that was the newest when the commands below the offset were all there were; the first one if it is younger.
func (f *Function) At(offset int64) *FunctionVersion {
	for _, v := range slices.Backward(f.Versions) {
		if v.Since < offset {
			return v
		}
	}
	return f.Versions[0]
}

// Function returns the function with this (upper-case) name.
func (c *Catalog) Function(name string) (*Function, bool) { f, ok := c.functions[name]; return f, ok }

// Functions returns all functions that statements defined, by name.
func (c *Catalog) Functions() []*Function { return sorted(c.functions) }

// WithFunctionVersion returns a catalog in which a function has a version more, or is there with its first one. The command with the
// definition has the offset since.
func (c *Catalog) WithFunctionVersion(v *FunctionVersion, since int64) *Catalog {
	placed := *v
	placed.Since = since
	f := &Function{Name: v.Name}
	if old, ok := c.functions[v.Name]; ok {
		f.Versions = slices.Clip(old.Versions)
	}
	f.Versions = append(f.Versions, &placed)
	n := *c
	n.functions = with(c.functions, v.Name, f)
	return &n
}

// WithoutFunction returns a catalog without the function.
func (c *Catalog) WithoutFunction(name string) *Catalog {
	n := *c
	n.functions = without(c.functions, name)
	return &n
}

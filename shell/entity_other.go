package shell

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

func viewProperties(v struct {
	Properties            []struct{ Name, Scope, Value string }
	OverwrittenProperties []string
},
) view {
	g := newGrid("Property", "Value", "Scope", "Set by session")
	for _, p := range v.Properties {
		set := ""
		if slices.Contains(v.OverwrittenProperties, p.Name) {
			set = "yes"
		}
		g.add(p.Name, p.Value, p.Scope, set)
	}
	return view{grids: []grid{g}}
}

func viewFunctionNames(v struct {
	Functions []struct{ Name, Type, Category string }
},
) view {
	g := newGrid("Function", "Type", "Category")
	for _, f := range v.Functions {
		g.add(f.Name, f.Type, f.Category)
	}
	return view{grids: []grid{g}}
}

func viewFunction(v struct {
	Name, Description, Author, Version, Type string

	Functions []struct {
		Arguments []struct {
			Name, Type, Description string
			IsVariadic              bool
		}
		ReturnType, Description string
	}
},
) view {
	out := view{text: facts("Name", v.Name, "Type", v.Type, "Description", v.Description, "Author", v.Author, "Version", v.Version)}
	g := newGrid("Variant", "Returns", "Description")
	for _, f := range v.Functions {
		args := make([]string, len(f.Arguments))
		for i, a := range f.Arguments {
			args[i] = strings.TrimSpace(a.Name + " " + a.Type)
			if a.IsVariadic {
				args[i] += "..."
			}
		}
		g.add(v.Name+"("+strings.Join(args, ", ")+")", f.ReturnType, f.Description)
	}
	out.grids = append(out.grids, g)
	return out
}

func viewVariables(v struct {
	Variables []struct{ Name, Value string }
},
) view {
	g := newGrid("Variable", "Value")
	for _, x := range v.Variables {
		g.add(x.Name, x.Value)
	}
	return view{grids: []grid{g}}
}

type modelInfo struct {
	Name, Backend, URI, SHA256, Rollout string
	Version                             int
	Bytes                               int64
}

func viewModels(v struct{ Models []modelInfo }) view {
	g := newGrid("Model", "Version", "Backend", "Bytes", "SHA-256", "URI", "Rollout")
	for _, m := range v.Models {
		g.add(m.Name, strconv.Itoa(m.Version), m.Backend, strconv.FormatInt(m.Bytes, 10), shortDigest(m.SHA256), m.URI, m.Rollout)
	}
	return view{grids: []grid{g}}
}

func shortDigest(sha256 string) string { return sha256[:min(12, len(sha256))] }

func viewModelVersions(v struct {
	Versions []struct {
		modelInfo
		Status, Error                            string
		Rows, ShadowRows, Batches, Errors, Nanos int64
	}
},
) view {
	g := newGrid("Model", "Version", "Status", "Backend", "SHA-256", "URI", "Rows", "Shadow rows", "Batches", "Errors", "Scoring")
	refused := newGrid("Refused", "Reason")
	for _, m := range v.Versions {
		g.add(m.Name, strconv.Itoa(m.Version), m.Status, m.Backend, shortDigest(m.SHA256), m.URI, strconv.FormatInt(m.Rows, 10),
			strconv.FormatInt(m.ShadowRows, 10), strconv.FormatInt(m.Batches, 10), strconv.FormatInt(m.Errors, 10),
			time.Duration(m.Nanos).Round(time.Microsecond).String())
		if m.Error != "" {
			refused.add(m.URI, m.Error)
		}
	}
	if len(refused.rows) > 0 {
		return view{grids: []grid{g, refused}}
	}
	return view{grids: []grid{g}}
}

func viewModel(v struct {
	modelInfo
	Statement, Returns, Why string
	Inputs, Outputs         []struct{ Name, Type, Shape string }
	Facts                   []struct{ Name, Value string }
},
) view {
	backend := v.Backend
	if v.Why != "" {
		backend += " (" + oneLine(v.Why) + ")"
	}
	lines := []string{
		"Model", v.Name, "Version", strconv.Itoa(v.Version), "Backend", backend, "Bytes", strconv.FormatInt(v.Bytes, 10),
		"SHA-256", v.SHA256, "URI", v.URI, "Rollout", v.Rollout, "PREDICT returns", v.Returns, "Statement", oneLine(v.Statement),
	}
	for _, f := range v.Facts {
		lines = append(lines, strings.ToUpper(f.Name[:1])+f.Name[1:], f.Value)
	}
	out := view{text: facts(lines...)}
	in, result := newGrid("Input", "Type", "Shape"), newGrid("Output", "Type", "Shape")
	for _, c := range v.Inputs {
		in.add(c.Name, c.Type, c.Shape)
	}
	for _, c := range v.Outputs {
		result.add(c.Name, c.Type, c.Shape)
	}
	out.grids = []grid{in, result}
	return out
}

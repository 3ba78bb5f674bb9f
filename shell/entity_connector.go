package shell

import (
	"strconv"
	"strings"
)

func viewConnectorCreated(v struct{ Info struct{ Name, Type string } }) view {
	return view{text: "connector " + v.Info.Name + " created"}
}

func viewConnectorDropped(v struct{ ConnectorName string }) view {
	return view{text: "connector " + v.ConnectorName + " dropped"}
}

func viewConnectors(v struct {
	Connectors []struct{ Name, Type, ClassName, State string }
},
) view {
	g := newGrid("Connector", "Type", "Class", "State")
	for _, c := range v.Connectors {
		g.add(c.Name, c.Type, c.ClassName, c.State)
	}
	return view{grids: []grid{g}}
}

func viewConnectorPlugins(v struct {
	ConnectorsPlugins []struct{ ClassName, Type, Version string }
},
) view {
	g := newGrid("Class", "Type", "Version")
	for _, p := range v.ConnectorsPlugins {
		g.add(p.ClassName, p.Type, p.Version)
	}
	return view{grids: []grid{g}}
}

// connectorTask is how a task of a connector is doing.
type connectorTask struct {
	ID           int
	State, Trace string
}

func viewConnector(v struct {
	ConnectorClass string
	Status         struct {
		Name, Type string
		Connector  struct{ State, Trace string }
		Tasks      []connectorTask
	}
	Sources []sourceInfo
	Topics  []string
},
) view {
	s := v.Status
	out := view{text: facts("Name", s.Name, "Type", s.Type, "Class", v.ConnectorClass, "State", s.Connector.State, "Error", s.Connector.Trace,
		"Topics", strings.Join(v.Topics, ", "))}
	tasks := newGrid("Task", "State", "Error")
	for _, t := range s.Tasks {
		tasks.add(strconv.Itoa(t.ID), t.State, t.Trace)
	}
	out.grids = append(out.grids, tasks)
	if len(v.Sources) > 0 {
		g := newGrid("Name", "Type", "Topic")
		g.title = "Streams and tables over its topics"
		for _, x := range v.Sources {
			g.add(x.Name, x.Type, x.Topic)
		}
		out.grids = append(out.grids, g)
	}
	return out
}

func viewAssertSchema(v struct {
	Subject *string
	ID      *int
	Exists  bool
},
) view {
	text := "schema"
	if v.Subject != nil {
		text += " of subject " + *v.Subject
	}
	if v.ID != nil {
		text += " with number " + strconv.Itoa(*v.ID)
	}
	if v.Exists {
		return view{text: text + " exists"}
	}
	return view{text: text + " does not exist"}
}

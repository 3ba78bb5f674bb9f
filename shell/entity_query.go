package shell

import (
	"fmt"
	"strings"
)

type queryInfo struct {
	QueryString, ID, QueryType, State, Error string
	Sinks                                    []string
	Restore                                  *restoreInfo
}

// restoreInfo tells how far a query's state is restored; nil if it is there.
type restoreInfo struct{ Percent int }

// state is how a query is doing, with how far its restore is.
func (r *restoreInfo) state(state string) string {
	if r == nil {
		return state
	}
	return fmt.Sprintf("%s %d%%", state, r.Percent)
}

func queryGrid(queries []queryInfo) grid {
	g := newGrid("Query", "Type", "State", "Writes", "Statement")
	for _, q := range queries {
		state := q.Restore.state(q.State)
		if q.Error != "" {
			state += ": " + q.Error
		}
		g.add(q.ID, q.QueryType, state, strings.Join(q.Sinks, ", "), oneLine(q.QueryString))
	}
	return g
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

func viewQueries(v struct{ Queries []queryInfo }) view {
	return view{grids: []grid{queryGrid(v.Queries)}}
}

type queryDescription struct {
	ID, StatementText, Topology, ExecutionPlan, QueryType, ConsumerGroupID, State, OnError string

	Fields         []fieldInfo
	Sources, Sinks []string
	QueryErrors    []string
	Restore        *restoreInfo
	Figures        *figures
	Servers        []queryOnServer
}

func (d queryDescription) view() view {
	text := facts("Query", d.ID, "Type", d.QueryType, "State", d.Restore.state(d.State), "Statement", oneLine(d.StatementText), "Reads", strings.Join(d.Sources, ", "),
		"Writes", strings.Join(d.Sinks, ", "), "Consumer group", d.ConsumerGroupID, "On error", d.OnError)
	for _, e := range d.QueryErrors {
		text += facts("Error", e)
	}
	if d.Figures != nil && d.Figures.Tasks > 0 {
		text += "\n" + d.Figures.text()
	}
	for _, part := range []struct{ title, body string }{{"Plan", d.ExecutionPlan}, {"Topology", d.Topology}} {
		if part.body != "" {
			text += "\n" + part.title + ":\n" + strings.TrimRight(part.body, "\n") + "\n"
		}
	}
	v := view{text: text, grids: []grid{fieldGrid(d.Fields)}}
	if len(d.Servers) > 1 {
		v.grids = append(v.grids, serverGrid(d.Servers))
	}
	return v
}

func viewQueryDescription(v struct{ QueryDescription queryDescription }) view {
	return v.QueryDescription.view()
}

func viewQueryDescriptions(v struct{ QueryDescriptions []queryDescription }) view {
	return stack(v.QueryDescriptions)
}

// stack puts descriptions below each other; the text of each becomes a title.
func stack[D interface{ view() view }](all []D) (out view) {
	for _, d := range all {
		one := d.view()
		one.grids[0].title = strings.TrimSpace(one.text)
		out.grids = append(out.grids, one.grids...)
	}
	return out
}

func viewStatus(v struct {
	CommandStatus struct{ Status, Message, QueryID string }
},
) view {
	text := v.CommandStatus.Message
	if text == "" {
		text = strings.ToLower(v.CommandStatus.Status)
	}
	if id := v.CommandStatus.QueryID; id != "" && !strings.Contains(text, id) {
		text += " (" + id + ")"
	}
	return view{text: text}
}

func viewWarning(v struct{ Message string }) view { return view{text: v.Message} }

func viewTerminate(v struct {
	QueryID       string
	WasTerminated bool
},
) view {
	if v.WasTerminated {
		return view{text: "query " + v.QueryID + " terminated"}
	}
	return view{text: "query " + v.QueryID + " was not running"}
}

func viewAssertTopic(v struct {
	TopicName string
	Exists    bool
},
) view {
	if v.Exists {
		return view{text: "topic " + v.TopicName + " exists"}
	}
	return view{text: "topic " + v.TopicName + " does not exist"}
}

// Package connect is a client of Kafka Connect's REST API: the statements about connectors are passed on to a Connect cluster, which alone
// runs them. Nothing about a connector is kept here.
//
// A connector's settings hold passwords. No error of this package tells what was sent; what Connect answers, and that may repeat a setting, goes
// to whoever sent the statement and is not to be logged.
package connect

import (
	"encoding/json"
	"errors"
)

// The errors that the methods of a Client wrap.
var (
	ErrNotFound    = errors.New("there is no such connector")
	ErrExists      = errors.New("the connector exists")
	ErrRefused     = errors.New("kafka connect refuses")
	ErrUnavailable = errors.New("kafka connect cannot be reached")
)

// Task is one of the tasks that a connector was cut into.
type Task struct {
	Connector string `json:"connector"`
	Task      int    `json:"task"`
}

// Info is a connector as it was made.
type Info struct {
	Name   string            `json:"name"`
	Config map[string]string `json:"config"`
	Tasks  []Task            `json:"tasks"`
	Type   string            `json:"type"` // source, sink
}

// State is how a connector, or one of its tasks, is doing: RUNNING, PAUSED, FAILED with a trace, ...
type State struct {
	State    string `json:"state"`
	WorkerID string `json:"worker_id"`
	Trace    string `json:"trace,omitempty"`
}

// TaskState is the State of a task.
type TaskState struct {
	ID int `json:"id"`
	State
}

// Status is how a connector and its tasks are doing.
type Status struct {
	Name      string      `json:"name"`
	Connector State       `json:"connector"`
	Tasks     []TaskState `json:"tasks"`
	Type      string      `json:"type"`
}

// Plugin is a class of connectors that the cluster could run.
type Plugin struct {
	Class   string `json:"class"`
	Type    string `json:"type"`
	Version string `json:"version"`
}

// Listed is a connector in a list.
type Listed struct {
	Info   Info   `json:"info"`
	Status Status `json:"status"`
}

// answer is Connect's error object.
type answer struct {
	Code    int    `json:"error_code"`
	Message string `json:"message"`
}

func (a *answer) read(body []byte) bool {
	return json.Unmarshal(body, a) == nil && a.Message != ""
}

package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/millrace/millrace/engine/connect"
	"github.com/millrace/millrace/sql/ast"
)

// connectURL is the property that shows where connectors run. It is the server's, and no session changes it.
const connectURL = "ksql.connect.url"

func (e *Engine) openConnect(context.Context) error {
	if e.opts.Connect.URL == "" {
		return nil
	}
	var err error
	e.connect, err = connect.New(e.opts.Connect)
	return err
}

// connector answers the statements about connectors, which Kafka Connect carries out. It reports false for any other statement.
func (e *Engine) connector(ctx context.Context, stmt ast.Statement) (body EntityBody, done bool, err error) {
	var run func() (EntityBody, error)
	switch st := stmt.(type) {
	case *ast.CreateConnector:
		run = func() (EntityBody, error) { return e.createConnector(ctx, st) }
	case *ast.DropConnector:
		run = func() (EntityBody, error) { return e.dropConnector(ctx, st) }
	case *ast.DescribeConnector:
		run = func() (EntityBody, error) { return e.describeConnector(ctx, st.Name.Name) }
	case *ast.ShowConnectors:
		run = func() (EntityBody, error) { return e.showConnectors(ctx, st.Kind) }
	case *ast.ShowConnectorPlugins:
		run = func() (EntityBody, error) { return e.showConnectorPlugins(ctx) }
	default:
		return nil, false, nil
	}
	if e.connect == nil {
		return nil, true, &StatementError{
			Code: CodeBadStatement, Rule: "connect.unavailable",
			Message: "the server knows no Kafka Connect cluster, which alone runs connectors; --connect-url names one",
		}
	}
	body, err = run()
	return body, true, connectError(err)
}

// connectError gives Connect's refusals their codes. They do not show the statement's text: it holds passwords.
func connectError(err error) error {
	if err == nil {
		return nil
	}
	var done *StatementError
	if errors.As(err, &done) {
		return err
	}
	out := &StatementError{Code: CodeBadStatement, Message: err.Error(), Err: err}
	switch {
	case errors.Is(err, connect.ErrNotFound):
		out.Rule = "connect.unknown"
	case errors.Is(err, connect.ErrExists):
		out.Rule = "connect.exists"
	case errors.Is(err, connect.ErrRefused):
		out.Rule = "connect.refused"
	default:
		out.Rule = "connect.unreachable"
	}
	return out
}

func (e *Engine) createConnector(ctx context.Context, st *ast.CreateConnector) (EntityBody, error) {
	config := map[string]string{}
	for _, p := range st.With.Items {
		v, ok := settingText(p.Value)
		if !ok {
			return nil, &StatementError{
				Code: CodeBadStatement, Rule: "connect.setting",
				Message: "setting " + p.Name.Name + " of connector " + st.Name.Name + " must be a text, a number or a boolean",
			}
		}
		config[p.Name.Name] = v
	}
	info, err := e.connect.Create(ctx, st.Name.Name, config)
	if errors.Is(err, connect.ErrExists) && st.IfNotExists {
		return WarningEntity{"connector " + st.Name.Name + " exists"}, nil
	}
	if err != nil {
		return nil, err
	}
	return ConnectorCreated{info}, nil
}

// settingText is a literal as Connect, all of whose settings are texts, has it.
func settingText(x ast.Expr) (string, bool) {
	switch v := x.(type) {
	case *ast.StringLit:
		return v.Value, true
	case *ast.BoolLit:
		return strconv.FormatBool(v.Value), true
	case *ast.IntLit:
		return strconv.FormatInt(v.Value, 10), true
	case *ast.DecimalLit:
		return v.Text, true
	case *ast.DoubleLit:
		return strconv.FormatFloat(v.Value, 'g', -1, 64), true
	}
	return "", false
}

// withoutSecrets is the text of CREATE CONNECTOR as it may be shown: its settings may hold passwords, and which do only the plugin knows.
func withoutSecrets(st *ast.CreateConnector) string {
	shown := *st
	with := *st.With
	with.Items = nil
	for _, p := range st.With.Items {
		q := *p
		if !strings.EqualFold(p.Name.Name, "connector.class") {
			q.Value = &ast.StringLit{Value: "[string]"}
		}
		with.Items = append(with.Items, &q)
	}
	shown.With = &with
	return shown.String() + ";"
}

func (e *Engine) dropConnector(ctx context.Context, st *ast.DropConnector) (EntityBody, error) {
	err := e.connect.Delete(ctx, st.Name.Name)
	if errors.Is(err, connect.ErrNotFound) && st.IfExists {
		return WarningEntity{"there is no connector " + st.Name.Name}, nil
	}
	if err != nil {
		return nil, err
	}
	return DropConnector{st.Name.Name}, nil
}

func (e *Engine) describeConnector(ctx context.Context, name string) (EntityBody, error) {
	info, err := e.connect.Info(ctx, name)
	if err != nil {
		return nil, err
	}
	status, err := e.connect.Status(ctx, name)
	if err != nil {
		return nil, err
	}
	topics, err := e.connect.Topics(ctx, name)
	if err != nil && !errors.Is(err, connect.ErrNotFound) && !errors.Is(err, connect.ErrRefused) {
		return nil, err // a cluster that does not keep topics refuses to tell them
	}
	d := ConnectorDescription{
		ConnectorClass: info.Config["connector.class"], Status: status,
		Sources: []SourceDescription{}, Topics: append([]string{}, topics...),
	}
	o := e.overview(e.Catalog())
	for _, s := range o.cat.Sources() {
		if slices.Contains(topics, s.Topic) {
			d.Sources = append(d.Sources, o.describeSource(s, false))
		}
	}
	return d, nil
}

func (e *Engine) showConnectors(ctx context.Context, kind ast.ConnectorKind) (EntityBody, error) {
	all, err := e.connect.List(ctx)
	if err != nil {
		return nil, err
	}
	list := ConnectorList{Connectors: []ConnectorInfo{}}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		c := all[name]
		if kind == ast.AnyConnector || strings.EqualFold(c.Info.Type, string(kind)) {
			list.Connectors = append(list.Connectors, ConnectorInfo{
				Name: name, Type: c.Info.Type, ClassName: c.Info.Config["connector.class"], State: connectorState(c.Status),
			})
		}
	}
	return list, nil
}

// connectorState puts the states of a connector and its tasks in one line: WARNING if only some tasks run.
func connectorState(s connect.Status) string {
	if s.Connector.State != "RUNNING" {
		return s.Connector.State
	}
	run := 0
	for _, t := range s.Tasks {
		if t.State.State == "RUNNING" {
			run++
		}
	}
	state := "WARNING"
	switch {
	case run == len(s.Tasks):
		state = "RUNNING"
	case run == 0:
		state = "FAILED"
	}
	return fmt.Sprintf("%s (%d/%d tasks RUNNING)", state, run, len(s.Tasks))
}

func (e *Engine) showConnectorPlugins(ctx context.Context) (EntityBody, error) {
	all, err := e.connect.Plugins(ctx)
	if err != nil {
		return nil, err
	}
	list := ConnectorPluginsList{ConnectorsPlugins: []ConnectorPlugin{}}
	for _, p := range all {
		list.ConnectorsPlugins = append(list.ConnectorsPlugins, ConnectorPlugin{ClassName: p.Class, Type: p.Type, Version: p.Version})
	}
	return list, nil
}

// The results of statements about connectors, named as in the REST API reference.
type (
	ConnectorCreated struct {
		Info connect.Info `json:"info"`
	}
	DropConnector struct {
		ConnectorName string `json:"connectorName"`
	}
	ConnectorInfo struct {
		Name      string `json:"name"`
		Type      string `json:"type"`
		ClassName string `json:"className"`
		State     string `json:"state"`
	}
	ConnectorList struct {
		Connectors []ConnectorInfo `json:"connectors"`
	}
	ConnectorPlugin struct {
		ClassName string `json:"className"`
		Type      string `json:"type"`
		Version   string `json:"version"`
	}
	ConnectorPluginsList struct {
		ConnectorsPlugins []ConnectorPlugin `json:"connectorsPlugins"`
	}
	ConnectorDescription struct {
		ConnectorClass string              `json:"connectorClass"`
		Status         connect.Status      `json:"status"`
		Sources        []SourceDescription `json:"sources"`
		Topics         []string            `json:"topics"`
	}
)

// EntityType implements EntityBody.
func (ConnectorCreated) EntityType() string     { return "connector_info" }
func (DropConnector) EntityType() string        { return "drop_connector" }
func (ConnectorList) EntityType() string        { return "connector_list" }
func (ConnectorPluginsList) EntityType() string { return "connector_plugins_list" }
func (ConnectorDescription) EntityType() string { return "connector_description" }

package remote

import (
	"context"
	"errors"

	"github.com/millrace/millrace/udf/model"
)

// Backend is that of one kind of server. It loads the artifact that a Descriptor encodes, without asking the server.
type Backend struct {
	kind   Kind
	access *Access
}

var _ model.Backend = Backend{}

// Backends returns one for each kind. Access may be nil: then every server is refused.
func Backends(access *Access) []model.Backend {
	if access == nil {
		access = &Access{}
	}
	var list []model.Backend
	for _, k := range Kinds() {
		list = append(list, Backend{k, access})
	}
	return list
}

// Name returns the kind.
func (b Backend) Name() string { return string(b.kind) }

// ByNameOnly implements [model.Chosen]: no file is a server's model.
func (Backend) ByNameOnly() {}

// Load implements model.Backend.
func (b Backend) Load(_ context.Context, a model.Artifact, _ model.Options) (model.Scorer, error) {
	d, err := decodeDescriptor(a.Bytes)
	if err != nil {
		return nil, err
	}
	if d.Backend != b.kind {
		return nil, errors.New("the descriptor is of another backend")
	}
	return open(d, b.access)
}

package model

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// DefaultMaxBytes is the largest artifact that Load takes unless Options say otherwise.
const DefaultMaxBytes = 256 << 20

// Artifact is the bytes of a model file. They are immutable.
type Artifact struct {
	Name   string // where it came from, for messages
	Bytes  []byte
	SHA256 string // lower-case hex
}

// NewArtifact computes the digest of the bytes, which the artifact keeps.
func NewArtifact(name string, b []byte) Artifact {
	sum := sha256.Sum256(b)
	return Artifact{Name: name, Bytes: b, SHA256: hex.EncodeToString(sum[:])}
}

// Options bound and steer loading. The zero value is the default.
type Options struct {
	MaxBytes int    // largest artifact; 0: DefaultMaxBytes
	Backend  string // name of the one backend to use; empty: the first that covers the model
	OnError  string // what becomes of rows that cannot be scored, see ParseOnError
}

// Limit is the effective MaxBytes.
func (o Options) Limit() int {
	if o.MaxBytes > 0 {
		return o.MaxBytes
	}
	return DefaultMaxBytes
}

// Backend turns artifacts into scorers. Load is called when a statement is executed, from any goroutine, and treats
// the bytes as hostile: whatever they hold it returns a scorer or an error, within memory proportional to Limit. A
// model that is sound but not covered gives an *UnsupportedError that lists everything missing.
type Backend interface {
	Name() string
	Load(ctx context.Context, a Artifact, o Options) (Scorer, error)
}

// Chosen is implemented by backends that score only models which name them: those of model servers, of which no file tells.
type Chosen interface{ ByNameOnly() }

// Scorer scores batches. It is immutable and safe for concurrent calls.
type Scorer interface {
	Signature() Signature

	// Score reads rows rows of every input and sets every output's column to rows rows, growing its slice where it is
	// too short. The caller owns both; in and out hold one Column for each tensor of the signature, in its order.
	// A row's outputs are bit-identical whatever the batch it comes in. Once the outputs are large enough nothing is
	// allocated. After an error the outputs are unspecified.
	Score(ctx context.Context, in []Column, rows int, out []Column) error

	// Close releases what the scorer holds outside the Go heap. No Score may run or follow.
	Close() error
}

// ErrUnavailable is wrapped by errors of Score that say nothing of the rows: whoever scores is away, or does not answer in time. Fewer rows
// would fare no better.
var ErrUnavailable = errors.New("the model server is not available")

// ErrInterrupted is wrapped by errors of a View whose context has ended: nobody waits for the scores any more.
var ErrInterrupted = errors.New("interrupted")

// Described is implemented by scorers that have more to tell than their signature.
type Described interface{ Facts() []Fact }

// UnsupportedError says that a sound model needs what a backend does not have.
type UnsupportedError struct {
	Backend string
	Missing []string // operators and forms, in the order of the file, without repeats
}

func (e *UnsupportedError) Error() string {
	return fmt.Sprintf("the %s backend does not cover: %s", e.Backend, strings.Join(e.Missing, "; "))
}

// Load gives the artifact to the backends in order and returns a version scored by the first that covers it. Only
// UnsupportedErrors pass on to the next backend: a file that one backend finds broken is broken.
func Load(ctx context.Context, backends []Backend, a Artifact, o Options) (*Version, error) {
	if len(a.Bytes) > o.Limit() {
		return nil, fmt.Errorf("load model %s: %d bytes exceed the limit of %d", a.Name, len(a.Bytes), o.Limit())
	}
	policy, err := ParseOnError(o.OnError)
	if err != nil {
		return nil, fmt.Errorf("load model %s: %w", a.Name, err)
	}
	var refusals []error
	for _, b := range backends {
		if o.Backend != "" && !strings.EqualFold(o.Backend, b.Name()) {
			continue
		}
		if _, chosen := b.(Chosen); chosen && o.Backend == "" {
			continue
		}
		s, err := b.Load(ctx, a, o)
		if err == nil {
			if s, err = policy.Over(s); err != nil {
				return nil, fmt.Errorf("load model %s: %w", a.Name, err)
			}
			return &Version{Artifact: a, Backend: b.Name(), Why: why(o, refusals), Scorer: s}, nil
		}
		var unsupported *UnsupportedError
		if !errors.As(err, &unsupported) {
			return nil, fmt.Errorf("load model %s: %w", a.Name, errors.Join(append(refusals, err)...))
		}
		refusals = append(refusals, err)
	}
	if refusals == nil {
		return nil, fmt.Errorf("load model %s: no backend called %q", a.Name, o.Backend)
	}
	return nil, fmt.Errorf("load model %s: %w", a.Name, errors.Join(refusals...))
}

// why says what made a backend the one that scores: the wish, what others miss, or that it is the first.
func why(o Options, refusals []error) string {
	switch {
	case o.Backend != "":
		return "BACKEND names it"
	case refusals == nil:
		return "it covers the whole model"
	}
	return errors.Join(refusals...).Error()
}

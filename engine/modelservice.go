package engine

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/millrace/millrace/engine/directory"
	"github.com/millrace/millrace/udf/model"
)

// What versions of models have scored is counted by each server, and asked from all of them when somebody wants to know: SHOW MODEL
// STATISTICS, and the conditions of canaries. Counts, sums and histograms add up. Nobody stores them. Who is asked tells of itself and asks
// nobody else, so that no question goes round.

// StatisticsEndpoint is the path at which servers tell each other what versions of models have scored.
const StatisticsEndpoint = "/internal/model-statistics"

type (
	// StatisticsRequest asks another server of the service what versions have scored there.
	StatisticsRequest struct {
		Service  string            `json:"service"`
		Command  int64             `json:"command"` // commands below it must have been applied
		Versions []model.VersionID `json:"versions"`
		// Trial, where it is not 0, asks for what they have scored since the canary began that this rollout of their model is.
		Trial int64 `json:"trial,omitempty"`
	}
	// StatisticsAnswer has one element for each version that was asked for.
	StatisticsAnswer struct {
		Versions []model.Snapshot `json:"versions"`
	}
	// unheard is a server that could not be asked.
	unheard struct {
		host  string
		alive bool // it says that it lives, so it may have more to tell; others take over from those that do not
		why   error
	}
)

func (u *unheard) Error() string { return fmt.Sprintf("server %s cannot be asked: %v", u.host, u.why) }

// without are the servers whose figures are not in an answer.
type without []unheard

// warnings implements incomplete.
func (w without) warnings() []string {
	var out []string
	for i := range w {
		out = append(out, "what it has scored is missing here: "+w[i].Error())
	}
	return out
}

// askPatience is how long another server may take to tell its statistics.
const askPatience = 3 * time.Second

var (
	errSilent    = errors.New("it gives no sign of life")
	errNoAddress = errors.New("it says no address at which other servers can ask it: start it with --advertise")
)

// scoredByAll is what versions have scored on all servers of the service: since they started or, if trial is not 0, since that rollout. It
// tells which servers are not in the sums.
func (e *Engine) scoredByAll(ctx context.Context, versions []model.VersionID, trial int64) ([]model.Snapshot, []unheard) {
	sums := e.scoredHere(versions, trial)
	if e.directory == nil || len(versions) == 0 {
		return sums, nil
	}
	r := &StatisticsRequest{Service: e.opts.Service, Command: e.applied.Load(), Versions: versions, Trial: trial}
	others := e.directory.Servers()
	answers, failed := make([]StatisticsAnswer, len(others)), make([]error, len(others))
	var wg sync.WaitGroup
	for i := range others {
		wg.Go(func() { answers[i], failed[i] = e.askStatistics(ctx, &others[i], r) })
	}
	wg.Wait()
	var missing []unheard
	for i, s := range others { // in one order: sums of fractions depend on it
		if failed[i] != nil {
			missing = append(missing, unheard{s.Host(), s.Alive, failed[i]})
			continue
		}
		for k := range sums {
			sums[k].Merge(&answers[i].Versions[k])
		}
	}
	return sums, missing
}

// askStatistics asks one server.
func (e *Engine) askStatistics(ctx context.Context, s *directory.Server, r *StatisticsRequest) (a StatisticsAnswer, err error) {
	switch {
	case !s.Alive:
		return a, errSilent
	case s.URL == "":
		return a, errNoAddress
	}
	ctx, cancel := context.WithTimeout(ctx, askPatience)
	defer cancel()
	if err := e.peers.Call(ctx, s.URL, StatisticsEndpoint, r, &a); err != nil {
		return a, err
	}
	if len(a.Versions) != len(r.Versions) {
		return a, fmt.Errorf("it tells of %d versions, not of %d", len(a.Versions), len(r.Versions))
	}
	return a, nil
}

// scoredHere is what versions have scored on this server.
func (e *Engine) scoredHere(versions []model.VersionID, trial int64) []model.Snapshot {
	out := make([]model.Snapshot, len(versions))
	for i, id := range versions {
		if trial != 0 {
			out[i].Tally = e.scored.Trial(id, trial)
		} else {
			out[i] = e.scored.Of(id)
		}
	}
	return out
}

// ServeStatistics implements API.
func (e *Engine) ServeStatistics(ctx context.Context, r *StatisticsRequest) (*StatisticsAnswer, error) {
	if err := e.ready(); err != nil {
		return nil, err
	}
	if err := e.sameService(ctx, r.Service, r.Command); err != nil {
		return nil, err
	}
	asked := map[model.VersionID]bool{}
	for _, id := range r.Versions {
		if asked[id] { // a short question must not have an answer without end
			return nil, &StatementError{Code: CodeBadRequest, Message: fmt.Sprintf("version %d of model %s is asked for twice", id.Version, id.Model)}
		}
		asked[id] = true
	}
	return &StatisticsAnswer{Versions: e.scoredHere(r.Versions, r.Trial)}, nil
}

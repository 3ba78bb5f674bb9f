package server

import (
	"net/http"
	"slices"
	"strconv"

	"github.com/millrace/millrace/engine/directory"
)

// The answer of /clusterStatus, in ksqlDB's shape.
type (
	hostStatus struct {
		Alive   bool                   `json:"hostAlive"`
		Updated int64                  `json:"lastStatusUpdateMs"`
		Queries map[string]queryOnHost `json:"activeStandbyPerQuery"`
		Lags    hostLags               `json:"hostStoreLags"`
	}
	queryOnHost struct {
		ActiveStores      []string         `json:"activeStores"`
		ActivePartitions  []topicPartition `json:"activePartitions"`
		StandbyStores     []string         `json:"standByStores"`
		StandbyPartitions []topicPartition `json:"standByPartitions"`
	}
	topicPartition struct {
		Topic     string `json:"topic"`
		Partition int32  `json:"partition"`
	}
	hostLags struct {
		Stores  map[string]storeLags `json:"stateStoreLags"`
		Updated int64                `json:"updateTimeMs"`
	}
	storeLags struct {
		Partitions map[string]lag `json:"lagByPartition"`
		Size       int            `json:"size"`
	}
	lag struct {
		At  int64 `json:"currentOffsetPosition"`
		End int64 `json:"endOffsetPosition"`
		Lag int64 `json:"offsetLag"`
	}
)

// clusterStatus tells of the service's servers what each has and how far it is.
func (s *Server) clusterStatus(w *response, _ *http.Request) error {
	hosts := map[string]hostStatus{}
	for _, server := range s.api.Servers() {
		hosts[server.Host()] = statusOf(server)
	}
	return s.writeJSON(w, map[string]any{"clusterStatus": hosts})
}

func statusOf(s directory.Server) hostStatus {
	h := hostStatus{
		Alive: s.Alive, Updated: s.Seen.UnixMilli(), Queries: map[string]queryOnHost{},
		Lags: hostLags{Stores: map[string]storeLags{}, Updated: s.Seen.UnixMilli()},
	}
	for id, of := range s.Queries {
		q := queryOnHost{ActiveStores: []string{}, ActivePartitions: []topicPartition{}, StandbyStores: []string{}, StandbyPartitions: []topicPartition{}}
		for _, t := range of.Tasks {
			for _, in := range t.Inputs {
				q.ActivePartitions = append(q.ActivePartitions, topicPartition{in.Name, t.Partition})
			}
			h.Lags.add(id, &t, &q.ActiveStores)
		}
		for _, t := range of.Standbys {
			// ksqlDB's partitions are of topics; what a copy follows is the store's changelog.
			h.Lags.add(id, &t, &q.StandbyStores)
			for _, st := range t.Stores {
				q.StandbyPartitions = append(q.StandbyPartitions, topicPartition{st.Name, t.Partition})
			}
		}
		h.Queries[id] = q
	}
	return h
}

// add tells how far a task's stores are, and names those that are new in stores.
func (l *hostLags) add(query string, t *directory.Task, stores *[]string) {
	for _, st := range t.Stores {
		if !slices.Contains(*stores, st.Name) {
			*stores = append(*stores, st.Name)
		}
		lags, ok := l.Stores[query+"#"+st.Name]
		if !ok {
			lags.Partitions = map[string]lag{}
		}
		lags.Partitions[strconv.Itoa(int(t.Partition))] = lag{st.At, st.End, max(st.End-st.At, 0)}
		lags.Size = len(lags.Partitions)
		l.Stores[query+"#"+st.Name] = lags
	}
}

// lags tells of each server how far the stores are that it keeps, as the owner of their tasks or as a standby.
func (s *Server) lags(w *response, _ *http.Request) error {
	hosts := map[string]hostLags{}
	for _, server := range s.api.Servers() {
		hosts[server.Host()] = statusOf(server).Lags
	}
	return s.writeJSON(w, map[string]any{"lags": hosts})
}

// accept answers what ksqlDB's servers tell each other, which ours tell through Kafka: /heartbeat and /lag. There is nothing to learn from it,
// but who sends it hears that this server lives.
func (s *Server) accept(w *response, r *http.Request) error {
	var body map[string]any
	if err := s.readBody(w, r, &body); err != nil {
		return err
	}
	return s.writeJSON(w, map[string]bool{"ok": true})
}

package server

import (
	"net/http"
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
			for _, st := range t.Stores {
				lags, ok := h.Lags.Stores[id+"#"+st.Name]
				if !ok {
					q.ActiveStores = append(q.ActiveStores, st.Name)
					lags.Partitions = map[string]lag{}
				}
				lags.Partitions[strconv.Itoa(int(t.Partition))] = lag{st.At, st.End, st.End - st.At}
				lags.Size = len(lags.Partitions)
				h.Lags.Stores[id+"#"+st.Name] = lags
			}
		}
		h.Queries[id] = q
	}
	return h
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

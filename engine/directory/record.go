package directory

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/millrace/millrace/engine/kafka"
	"github.com/millrace/millrace/engine/record"
)

// recordVersion is the format version of the directory's records. Fields that this release does not know are passed over.
const recordVersion = 1

// Server is a server of the service as it described itself.
type Server struct {
	Instance string
	URL      string // "" if it can be asked nothing
	Slots    []int32
	Standbys []int32   // slots of others of which it keeps copies
	Seen     time.Time // when its last beat came in, by the clock of who reads
	Alive    bool      // beats still come
	Queries  map[string]Query
}

// Host names the server as clients may reach it, or by its id if it does not say how.
func (s *Server) Host() string {
	if u, err := url.Parse(s.URL); err == nil && u.Host != "" {
		return u.Host
	}
	return s.Instance
}

// Task tells how far a task of a query is.
type Task struct {
	Sub       string     `json:"sub"`
	Partition int32      `json:"partition"`
	Inputs    []Position `json:"inputs,omitempty"`
	Stores    []Position `json:"stores,omitempty"`
}

// Position is a place in a partition of a topic: of an input, or of the changelog of a store.
type Position struct {
	Name string `json:"name"` // of the topic or the store
	At   int64  `json:"at"`
	End  int64  `json:"end"`
}

// beat is the value of a record whose key is an instance id.
type beat struct {
	Version int     `json:"v"`
	URL     string  `json:"url,omitempty"`
	Slots   []int32 `json:"slots"`
	// Standbys are the slots of others of which it keeps copies.
	Standbys []int32 `json:"standbys,omitempty"`
}

// tasks is the value of a record whose key is instance/query.
type tasks struct {
	Version int `json:"v"`
	Query
}

// encode makes a record; a nil value is a null one.
func encode(key string, value any) (kafka.Record, error) {
	r := kafka.Record{Timestamp: time.Now().UnixMilli(), Key: []byte(key)}
	if value == nil {
		return r, nil
	}
	var err error
	if r.Value, err = json.Marshal(value); err != nil {
		return r, fmt.Errorf("encode record %s of the directory: %w", key, err)
	}
	return r, nil
}

// decode reads a value of a format that this release knows.
func decode(value []byte, into any) error { return record.Unmarshal(value, recordVersion, into) }

// cutKey takes a key apart; query is "" for a beat.
func cutKey(key []byte) (instance, query string) {
	instance, query, _ = strings.Cut(string(key), "/")
	return instance, query
}

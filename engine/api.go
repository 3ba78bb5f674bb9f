package engine

import (
	"context"
	"crypto/tls"
	"io"
	"log/slog"
	"time"

	"github.com/millrace/millrace/engine/connect"
	"github.com/millrace/millrace/engine/directory"
	"github.com/millrace/millrace/engine/kafka"
	"github.com/millrace/millrace/engine/pull"
	"github.com/millrace/millrace/engine/registry"
	"github.com/millrace/millrace/engine/secure"
	"github.com/millrace/millrace/sql/types"
)

// Options configure an Engine. The zero value of a field means the default named with it.
type Options struct {
	DataDir     string      // local state, the embedded broker's log, the instance id; required
	Bootstrap   []string    // Kafka brokers; none: the embedded broker on DataDir
	TLS         *tls.Config // of connections to Bootstrap; nil: plain TCP
	SASL        *kafka.SASL // who we are there; nil: nobody in particular
	KafkaListen string      // loopback address at which the embedded broker is open to other clients; "": no port
	Advertise   string      // URL at which the other servers of the service reach this one; "": they do not
	Service     string      // service id, "default_": names internal topics and transactions
	Slots       int         // fixed number of slots of the service, 32
	ModelDir    string      // where CREATE MODEL may read files; "": DataDir/models
	ModelHosts  []string    // web servers, host or host:port, that CREATE MODEL may read from, and model servers that may be asked
	ModelTLS    *tls.Config // of model servers with https; nil: what the system trusts
	ONNXRuntime string      // ONNX Runtime's library; "": the system's, if a model needs it and it is there
	// ModelTokens are the bearer tokens for model servers, by host or host:port.
	ModelTokens    map[string]secure.Token
	CommitInterval time.Duration // 100 ms
	FlushInterval  time.Duration // how often at least changed state is written to disk; 0: 10 minutes
	Guarantee      string        // processing.guarantee: exactly_once_v2 (default) or at_least_once
	Properties     map[string]string
	SchemaRegistry registry.Options // where AVRO, PROTOBUF and JSON_SR have their schemas; without URLs there are no such formats
	Connect        connect.Options  // the Kafka Connect cluster that connectors run in; without a URL statements about them are refused
	Memory         int64            // bytes that state, buffers and transactions are cut to; 0: 1 GiB
	PushPatience   time.Duration    // how long a push query waits for its client to take rows; 0: 20 s
	DiskReserve    int64            // bytes that must stay free on DataDir's disk; 0: 512 MiB
	Logger         *slog.Logger
}

// Request is one call of a client: a script of statements with its session.
type Request struct {
	SQL        string
	Properties map[string]any    // SET of the session: 'auto.offset.reset' = 'earliest'
	Variables  map[string]string // DEFINE of the session
}

// API is what faces (the HTTP server, a test, a program that embeds the engine) may ask of an Engine. All methods are
// safe for concurrent use. Errors that the text caused are *StatementError.
type API interface {
	// Execute runs every statement but SELECT and PRINT, in order. On failure the earlier ones stay done and
	// their entities are in the error.
	Execute(ctx context.Context, r Request) ([]Entity, error)
	// Query runs one SELECT or PRINT. The caller must Close the result; cancelling ctx ends it too.
	Query(ctx context.Context, r Request) (ResultSet, error)
	// ServePull answers another server of the service with what this one has of a pull query's rows.
	ServePull(ctx context.Context, r *pull.Request, out *pull.Writer) error
	// ServeStatistics answers another server of the service with what versions of models have scored on this one.
	ServeStatistics(ctx context.Context, r *StatisticsRequest) (*StatisticsAnswer, error)
	// Servers are those of the service that are known, this one first.
	Servers() []directory.Server
	// CloseQuery ends a running push query of any client; false if there is none with the id.
	CloseQuery(id string) bool
	// CommandStatus tells how a statement's command ended, by its id "stream/NAME/create".
	CommandStatus(id string) (CommandStatus, bool)
	CommandStatuses() map[string]string
	ValidProperty(name string) error
	// UploadModel keeps the bytes of a model and returns their sha256 in hex, by which CREATE MODEL names them, and their number.
	// Size is what the body is said to have, negative: not known. The body is read when there is room for it.
	UploadModel(ctx context.Context, body io.Reader, size int64) (sha256 string, bytes int, err error)
	Info() Info
	Health() Health
	Metrics() []Metric
}

// Info answers GET /info.
type Info struct {
	Version   string `json:"version"`
	ClusterID string `json:"kafkaClusterId"`
	ServiceID string `json:"ksqlServiceId"`
	Status    string `json:"serverStatus"` // RUNNING, ERROR, DEGRADED
}

// Health answers GET /healthcheck; Checks by name: metastore, kafka, commandRunner, disk.
type Health struct {
	Healthy bool
	Checks  map[string]bool
}

// Metric is one sample for /metrics. Counters end in _total.
type Metric struct {
	Name, Help string
	Labels     map[string]string
	Value      float64
	// Histogram replaces Value where it is not nil.
	Histogram *Histogram
}

// Histogram is how often which values were measured.
type Histogram struct {
	Buckets map[float64]uint64 // by upper bound, how many were at most that
	Count   uint64
	Sum     float64
}

// ResultColumn is a column of a query's result.
type ResultColumn struct {
	Name string
	Type *types.Type
	Key  bool // pull queries on tables mark key columns
	// Header says that the column holds the records' headers, or the one that HeaderKey names.
	Header    bool
	HeaderKey string
}

// ResultRow is one row, boxed as package types says. Tombstone: a table's row was deleted; only key columns are set.
type ResultRow struct {
	Values    []any
	Tombstone bool
}

// ResultKind tells what kind of query a ResultSet answers.
type ResultKind string

// The kinds of result. A Print result has no columns; its rows hold one STRING, the line to show.
const (
	PullResult  ResultKind = "PULL"
	PushResult  ResultKind = "PUSH"
	PrintResult ResultKind = "PRINT"
)

// ResultSet is a running query. One goroutine reads it.
type ResultSet interface {
	QueryID() string
	Kind() ResultKind
	Columns() []ResultColumn
	// Next blocks until rows are there and returns them, or io.EOF at the end (limit reached, pull query complete).
	Next(ctx context.Context) ([]ResultRow, error)
	// Final is the message after io.EOF: "Limit Reached", "Query Completed" or "". A pull query on a table has none.
	Final() string
	Close() error
}

// Error codes of ksqlDB's REST API: HTTP status * 100 + n.
const (
	CodeBadRequest      = 40000
	CodeBadStatement    = 40001
	CodeQueryEndpoint   = 40002 // a SELECT or PRINT was sent where statements are executed
	CodeMaxPushQueries  = 40003
	CodeServerError     = 50000
	CodeNotReady        = 50302
	CodeShuttingDown    = 50303
	CodeAssertFailed    = 41700
	CodeRegistryMissing = 42801
	CodeNotFound        = 40400
	CodeSlowClient      = 40800 // the client of a push query did not read
	CodeTooManyRequests = 42900
	CodeCommandTimeout  = 50301
)

// StatementError is a statement that was refused or failed. Message already holds position, caret and hint.
type StatementError struct {
	Code     int    // one of the Code constants
	Rule     string // stable rule code, "" where none
	Message  string
	Text     string   // of the statement, "" if the script did not parse
	Entities []Entity // results of the statements before it
	Err      error    // the cause
}

func (e *StatementError) Error() string { return e.Message }

// Unwrap gives the cause.
func (e *StatementError) Unwrap() error { return e.Err }

// Entity is the result of one statement: one of the types below, with ksqlDB's field names. EntityType is the "@type" of its JSON.
type Entity struct {
	StatementText string
	Warnings      []string
	Body          EntityBody
}

// EntityBody is one of the result types of this file.
type EntityBody interface{ EntityType() string }

// CommandStatus is how far a command has come.
type CommandStatus struct {
	Status  string `json:"status"` // QUEUED PARSING EXECUTING RUNNING TERMINATED SUCCESS ERROR
	Message string `json:"message"`
	QueryID string `json:"queryId,omitempty"`
}

// The result types, named as in the REST API reference.
type (
	CurrentStatus struct {
		CommandID             string        `json:"commandId"`
		CommandStatus         CommandStatus `json:"commandStatus"`
		CommandSequenceNumber int64         `json:"commandSequenceNumber"`
	}
	WarningEntity struct {
		Message string `json:"message"`
	}
	SourceInfo struct {
		Type        string `json:"type"`
		Name        string `json:"name"`
		Topic       string `json:"topic"`
		KeyFormat   string `json:"keyFormat"`
		ValueFormat string `json:"valueFormat"`
		IsWindowed  bool   `json:"isWindowed"`
	}
	StreamsList struct {
		Streams []SourceInfo `json:"streams"`
	}
	TablesList struct {
		Tables []SourceInfo `json:"tables"`
	}
	// SchemaInfo describes a type for clients: Type is the base name.
	SchemaInfo struct {
		Type         string         `json:"type"`
		Fields       []FieldInfo    `json:"fields"`
		MemberSchema *SchemaInfo    `json:"memberSchema"`
		Parameters   map[string]any `json:"parameters,omitempty"`
	}
	FieldInfo struct {
		Name      string     `json:"name"`
		Schema    SchemaInfo `json:"schema"`
		Type      string     `json:"type,omitempty"` // KEY, HEADER
		HeaderKey string     `json:"headerKey,omitempty"`
	}
	SourceDescription struct {
		Name              string        `json:"name"`
		WindowType        *string       `json:"windowType"`
		ReadQueries       []RunningInfo `json:"readQueries"`
		WriteQueries      []RunningInfo `json:"writeQueries"`
		Fields            []FieldInfo   `json:"fields"`
		Type              string        `json:"type"`
		Timestamp         string        `json:"timestamp"`
		Statistics        string        `json:"statistics"`
		ErrorStats        string        `json:"errorStats"`
		Extended          bool          `json:"extended"`
		KeyFormat         string        `json:"keyFormat"`
		ValueFormat       string        `json:"valueFormat"`
		Topic             string        `json:"topic"`
		Partitions        int32         `json:"partitions"`
		Replication       int16         `json:"replication"`
		Statement         string        `json:"statement"`
		SourceConstraints []string      `json:"sourceConstraints"`
		// QueryOffsetSummaries says how far each query that writes here has come in its sources: EXTENDED only, this server's share.
		QueryOffsetSummaries []QueryOffsets `json:"queryOffsetSummaries"`
	}
	QueryOffsets struct {
		GroupID        string         `json:"groupId"`
		TopicSummaries []TopicOffsets `json:"topicSummaries"`
	}
	TopicOffsets struct {
		KafkaTopic string             `json:"kafkaTopic"`
		Offsets    []PartitionOffsets `json:"offsets"`
	}
	PartitionOffsets struct {
		Partition      int32 `json:"partition"`
		LogStartOffset int64 `json:"logStartOffset"` // -1: the broker did not say
		LogEndOffset   int64 `json:"logEndOffset"`   // of what was committed; 0 before the first fetch
		ConsumerOffset int64 `json:"consumerOffset"`
	}
	SourceDescriptionEntity struct {
		SourceDescription SourceDescription `json:"sourceDescription"`
	}
	SourceDescriptions struct {
		SourceDescriptions []SourceDescription `json:"sourceDescriptions"`
	}
	RunningInfo struct {
		QueryString     string         `json:"queryString"`
		Sinks           []string       `json:"sinks"`
		SinkKafkaTopics []string       `json:"sinkKafkaTopics"`
		ID              string         `json:"id"`
		StatusCount     map[string]int `json:"statusCount"`
		QueryType       string         `json:"queryType"` // PERSISTENT, PUSH
		State           string         `json:"state"`     // RUNNING, PAUSED, ERROR, RESTORING
		Error           string         `json:"error,omitempty"`
		Restore         *RestoreInfo   `json:"restore,omitempty"` // while it is RESTORING
	}
	Queries struct {
		Queries []RunningInfo `json:"queries"`
	}
	QueryDescription struct {
		ID                   string            `json:"id"`
		StatementText        string            `json:"statementText"`
		WindowType           *string           `json:"windowType"`
		Fields               []FieldInfo       `json:"fields"`
		Sources              []string          `json:"sources"`
		Sinks                []string          `json:"sinks"`
		Topology             string            `json:"topology"`
		ExecutionPlan        string            `json:"executionPlan"`
		OverriddenProperties map[string]string `json:"overriddenProperties"`
		QueryType            string            `json:"queryType"`
		QueryErrors          []string          `json:"queryErrors"`
		OnError              string            `json:"onError,omitempty"` // what becomes of records that cannot be processed
		TasksMetadata        []TaskMetadata    `json:"tasksMetadata"`     // of the tasks on this server
		ConsumerGroupID      string            `json:"consumerGroupId"`
		State                string            `json:"state"`             // the worst of all servers
		Restore              *RestoreInfo      `json:"restore,omitempty"` // while it is RESTORING
		// HostStatus is the query's state by host:port, in ksqlDB's words.
		HostStatus map[string]string `json:"ksqlHostQueryStatus"`
		// Figures are those of Servers together.
		Figures *directory.Figures `json:"figures,omitempty"`
		Servers []QueryOnServer    `json:"servers,omitempty"`
	}
	TaskMetadata struct {
		TaskID       string        `json:"taskId"`
		TopicOffsets []TopicOffset `json:"topicOffsets"`
	}
	TopicOffset struct {
		TopicPartition  TopicPartition `json:"topicPartitionEntity"`
		EndOffset       int64          `json:"endOffset"`
		CommittedOffset int64          `json:"committedOffset"`
	}
	TopicPartition struct {
		Topic     string `json:"topic"`
		Partition int32  `json:"partition"`
	}
	QueryDescriptionEntity struct {
		QueryDescription QueryDescription `json:"queryDescription"`
	}
	QueryDescriptionList struct {
		QueryDescriptions []QueryDescription `json:"queryDescriptions"`
	}
	Property struct {
		Name  string `json:"name"`
		Scope string `json:"scope"`
		Value string `json:"value"`
	}
	PropertiesList struct {
		Properties            []Property `json:"properties"`
		OverwrittenProperties []string   `json:"overwrittenProperties"`
		DefaultProperties     []string   `json:"defaultProperties"`
	}
	TopicInfo struct {
		Name        string `json:"name"`
		ReplicaInfo []int  `json:"replicaInfo"`
	}
	TopicsList struct {
		Topics []TopicInfo `json:"topics"`
	}
	FunctionName struct {
		Name     string `json:"name"`
		Type     string `json:"type"` // SCALAR, AGGREGATE, TABLE
		Category string `json:"category"`
	}
	FunctionNames struct {
		Functions []FunctionName `json:"functions"`
	}
	FunctionArgument struct {
		Name        string `json:"name"`
		Type        string `json:"type"`
		Description string `json:"description"`
		IsVariadic  bool   `json:"isVariadic"`
	}
	FunctionInfo struct {
		Arguments   []FunctionArgument `json:"arguments"`
		ReturnType  string             `json:"returnType"`
		Description string             `json:"description"`
	}
	FunctionDescription struct {
		Name        string         `json:"name"`
		Description string         `json:"description"`
		Author      string         `json:"author"`
		Version     string         `json:"version"`
		Path        string         `json:"path"`
		Type        string         `json:"type"`
		Functions   []FunctionInfo `json:"functions"`
	}
	TypesList struct {
		Types map[string]SchemaInfo `json:"types"`
	}
	Variable struct {
		Name  string `json:"name"`
		Value string `json:"value"`
	}
	VariablesList struct {
		Variables []Variable `json:"variables"`
	}
	TerminateQuery struct {
		QueryID       string `json:"queryId"`
		WasTerminated bool   `json:"wasTerminated"`
	}
	AssertTopic struct {
		TopicName string `json:"topicName"`
		Exists    bool   `json:"exists"`
	}
	AssertSchema struct {
		Subject *string `json:"subject"`
		ID      *int    `json:"id"`
		Exists  bool    `json:"exists"`
	}
	// ModelInfo and ModelDescription are Millrace's own.
	ModelInfo struct {
		Name    string `json:"name"`
		Version int    `json:"version"`
		Backend string `json:"backend"`
		URI     string `json:"uri"`
		SHA256  string `json:"sha256"`
		Bytes   int64  `json:"bytes"`
		Rollout string `json:"rollout"` // "version 2", "1 = 90%, 2 = 10% by USER_ID; stable 1; shadow 3"
	}
	ModelsList struct {
		Models []ModelInfo `json:"models"`
	}
	// ModelVersionInfo has counts of this server since its start.
	ModelVersionInfo struct {
		Name       string `json:"name"`
		Version    int    `json:"version"`
		Status     string `json:"status"` // ACTIVE, 10%, STABLE, SHADOW, IDLE, RETIRED
		Backend    string `json:"backend"`
		URI        string `json:"uri"`
		SHA256     string `json:"sha256"`
		Bytes      int64  `json:"bytes"`
		Created    int64  `json:"created"` // ms since the epoch; 0: not known
		Rows       int64  `json:"rows"`
		ShadowRows int64  `json:"shadowRows"`
		Batches    int64  `json:"batches"`
		Errors     int64  `json:"errors"`
		Nanos      int64  `json:"nanos"`           // spent scoring
		Error      string `json:"error,omitempty"` // why a record of the model's topic is no version; its Version is 0 and Status REFUSED
	}
	ModelVersionsList struct {
		Versions []ModelVersionInfo `json:"versions"`
		without
	}
	ModelColumn struct {
		Name  string `json:"name"`
		Type  string `json:"type"`            // SQL type
		Shape string `json:"shape,omitempty"` // float[?,30]
	}
	ModelDescription struct {
		ModelInfo
		Statement string        `json:"statement"`
		Why       string        `json:"why,omitempty"` // what made the backend that one
		Inputs    []ModelColumn `json:"inputs"`
		Outputs   []ModelColumn `json:"outputs"`
		Returns   string        `json:"returns"` // SQL type of PREDICT
		// Facts tell more of what scores the model: of one on a server, whom it asks and how.
		Facts []ModelFact `json:"facts,omitempty"`
	}
	ModelFact struct {
		Name  string `json:"name"`
		Value string `json:"value"`
	}
)

// EntityType implements EntityBody.
func (CurrentStatus) EntityType() string           { return "currentStatus" }
func (WarningEntity) EntityType() string           { return "warning_entity" }
func (StreamsList) EntityType() string             { return "streams" }
func (TablesList) EntityType() string              { return "tables" }
func (SourceDescriptionEntity) EntityType() string { return "sourceDescription" }
func (SourceDescriptions) EntityType() string      { return "source_descriptions" }
func (Queries) EntityType() string                 { return "queries" }
func (QueryDescriptionEntity) EntityType() string  { return "queryDescription" }
func (QueryDescriptionList) EntityType() string    { return "query_descriptions" }
func (PropertiesList) EntityType() string          { return "properties" }
func (TopicsList) EntityType() string              { return "kafka_topics" }
func (FunctionNames) EntityType() string           { return "function_names" }
func (FunctionDescription) EntityType() string     { return "describe_function" }
func (TypesList) EntityType() string               { return "type_list" }
func (VariablesList) EntityType() string           { return "variables" }
func (TerminateQuery) EntityType() string          { return "terminate_query" }
func (AssertTopic) EntityType() string             { return "assert_topic" }
func (AssertSchema) EntityType() string            { return "assert_schema" }
func (ModelsList) EntityType() string              { return "models" }
func (ModelDescription) EntityType() string        { return "model_description" }
func (ModelVersionsList) EntityType() string       { return "model_versions" }

package cli

import (
	"context"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/millrace/millrace/shell/bench"
)

func benchCommand(std streams) *cobra.Command {
	o := &bench.Options{Out: std.out, Progress: std.err}
	var records int
	var guarantee string
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Measure throughput: Nexmark bids from Kafka to Kafka",
		Long: `Load bids of the Nexmark benchmark (JSON, about 243 bytes) into a broker of its own process, run a filter and a windowed count over
them in a server of its own process, and print for each how many records the server took per second of its CPU time, with its allocations
per record and peak memory. CPU time and not wall time, so that other work on the machine disturbs little.

Its sub-commands measure what exactly-once costs, commits, latency, restores, state beyond memory, many queries and models. All make topics named bench-* and delete them.`,
		Example: `  millrace bench
  millrace bench --bootstrap 127.0.0.1:19092 --records 5000000
  millrace bench guarantee --bootstrap 127.0.0.1:19092`,
		Args: cobra.NoArgs,
		RunE: interruptible(func(ctx context.Context) error {
			return bench.Throughput(ctx, *o, records, guarantee)
		}),
	}
	cmd.PersistentFlags().StringVar(&o.Bootstrap, "bootstrap", "", "running Kafka `BROKERS` to use; none: `millrace broker`")
	cmd.Flags().IntVar(&records, "records", 1_000_000, "how many bids")
	cmd.Flags().StringVar(&guarantee, "guarantee", "exactly_once_v2", "processing `GUARANTEE` of the server")
	cmd.AddCommand(benchGuaranteeCommand(o), benchCommitsCommand(o), benchLatencyCommand(o), benchRestoreCommand(o), benchServersCommand(o), benchTakeOverCommand(o), benchQueriesCommand(o), benchSpillCommand(o), benchModelsCommand(o), benchPredictCommand(o), benchModelServerCommand(o))
	return cmd
}

func benchGuaranteeCommand(o *bench.Options) *cobra.Command {
	var records, pairs int
	cmd := &cobra.Command{
		Use:   "guarantee",
		Short: "Measure what exactly-once costs: records per CPU-second against at-least-once",
		Long: `Run a filter and a windowed count over the same bids under exactly_once_v2 and at_least_once in turn, each time in a fresh server, and
print the ratio of their records per CPU-second for every pair of runs, with the median and the spread. 1.00 says that exactly-once
is free.`,
		Args: cobra.NoArgs,
		RunE: interruptible(func(ctx context.Context) error {
			return bench.Guarantee(ctx, *o, records, pairs)
		}),
	}
	cmd.Flags().IntVar(&records, "records", 3_000_000, "how many bids a run")
	cmd.Flags().IntVar(&pairs, "pairs", 5, "how many pairs of runs for each query")
	return cmd
}

func benchCommitsCommand(o *bench.Options) *cobra.Command {
	var d time.Duration
	cmd := &cobra.Command{
		Use:   "commits",
		Short: "Measure transactions: how many a second, and how long one takes",
		Long: `Keep 1, 8 and 32 slots of a server busy with a trickle of records, committing as often as they can and every 100 ms, and print how many
transactions were committed a second, how long one took (p50, p99) as a multiple of a produce request's round trip at the same time,
and what CPU time one cost the server.`,
		Args: cobra.NoArgs,
		RunE: interruptible(func(ctx context.Context) error {
			return bench.Commits(ctx, *o, d)
		}),
	}
	cmd.Flags().DurationVar(&d, "duration", 10*time.Second, "of each measurement")
	return cmd
}

func benchLatencyCommand(o *bench.Options) *cobra.Command {
	var d time.Duration
	var rate int
	cmd := &cobra.Command{
		Use:   "latency",
		Short: "Measure the time from a record's being sent to its result's being read",
		Long: `Send records at a steady rate and read the results with isolation.level=read_committed, for a filter and for a windowed count behind a
repartition topic, at several commit intervals; print how long after its sending a record's result was read: p50, p99 and the longest, as
multiples of the commit interval and in milliseconds.`,
		Args: cobra.NoArgs,
		RunE: interruptible(func(ctx context.Context) error {
			return bench.Latency(ctx, *o, rate, d)
		}),
	}
	cmd.Flags().DurationVar(&d, "duration", 20*time.Second, "of each measurement")
	cmd.Flags().IntVar(&rate, "rate", 1000, "records a second")
	return cmd
}

func benchRestoreCommand(o *bench.Options) *cobra.Command {
	var keys int
	cmd := &cobra.Command{
		Use:   "restore",
		Short: "Measure starts: from local state, and on an empty disk",
		Long: `Build a table of many keys, end its server, and measure how long a new one takes until pull queries of the table are answered: first
with the state that the former left, then on an empty disk, where all of it is read back from Kafka.`,
		Args: cobra.NoArgs,
		RunE: interruptible(func(ctx context.Context) error {
			return bench.Restore(ctx, *o, keys)
		}),
	}
	cmd.Flags().IntVar(&keys, "keys", 10_000_000, "of the table")
	return cmd
}

func benchServersCommand(o *bench.Options) *cobra.Command {
	var records, rounds int
	cmd := &cobra.Command{
		Use:   "servers",
		Short: "Measure what being many costs: the same load on one, two and three servers of this machine",
		Long: `Run a filter, a windowed count and one behind a repartition topic over the same bids in services of one server, two and three, and print
records per second, and per second of the servers' CPU time together. They share the machine's processors, so that nothing can be gained
here: what is lost is the price of being many.`,
		Args: cobra.NoArgs,
		RunE: interruptible(func(ctx context.Context) error {
			return bench.Servers(ctx, *o, records, rounds)
		}),
	}
	cmd.Flags().IntVar(&records, "records", 2_000_000, "how many bids")
	cmd.Flags().IntVar(&rounds, "rounds", 3, "how often each size is measured")
	return cmd
}

func benchQueriesCommand(o *bench.Options) *cobra.Command {
	var queries, pushes int
	var idle time.Duration
	cmd := &cobra.Command{
		Use:   "queries",
		Short: "Measure many queries on one server: what each takes to create and drop, and all of them while idle",
		Long: `Create persistent queries on one server (filters, windowed counts and joins over three shared topics of four partitions), restart it, and drop
them; print how long creating and dropping one took, and what the server needs while all are idle: CPU time, memory, connections to Kafka,
files, goroutines. When they are dropped, print what is left of them in Kafka and on the disk. Then do as much with idle push queries, each of
a client of its own, on a server that has no other queries. Every line has a step, a figure and its value.`,
		Args: cobra.NoArgs,
		RunE: interruptible(func(ctx context.Context) error {
			return bench.Queries(ctx, *o, queries, pushes, idle)
		}),
	}
	cmd.Flags().IntVar(&queries, "queries", 500, "how many persistent queries")
	cmd.Flags().IntVar(&pushes, "pushes", 1000, "how many push queries; 0: none")
	cmd.Flags().DurationVar(&idle, "idle", 30*time.Second, "how long idleness is measured")
	return cmd
}

func benchSpillCommand(o *bench.Options) *cobra.Command {
	var keys int
	memory := byteSize(256 << 20)
	cmd := &cobra.Command{
		Use:   "spill",
		Short: "Measure queries whose state is larger than the server's memory: a join of streams, and EMIT FINAL",
		Long: `Join two streams that have a row each of many keys, all of the one before those of the other; and count the keys in windows that all stay open
until the last key was counted (EMIT FINAL), and then end one after another. Print records per CPU-second, peak memory and the size on disk,
and check that every result is there once.`,
		Args: cobra.NoArgs,
		RunE: interruptible(func(ctx context.Context) error {
			return bench.Spill(ctx, *o, keys, memory.String())
		}),
	}
	cmd.Flags().IntVar(&keys, "keys", 2_000_000, "of each stream")
	cmd.Flags().Var(&memory, "memory", "`BYTES` of memory that the server is to keep to")
	return cmd
}

func benchTakeOverCommand(o *bench.Options) *cobra.Command {
	var keys, rounds int
	var settings map[string]string
	cmd := &cobra.Command{
		Use:   "takeover",
		Short: "Measure how long the work of a killed server stands still, without standbys and with one",
		Long: `Build a table of many keys in twelve partitions on three servers, keep a load on it, and kill (-9) one server after another. Print how long after
each kill results of all partitions came again, and the longest time in which a server that lived did not answer a pull query of some
partition; first without standbys, then with num.standby.replicas=1.`,
		Example: `  millrace bench takeover --bootstrap 127.0.0.1:19092 --set session.timeout.ms=6000`,
		Args:    cobra.NoArgs,
		RunE: interruptible(func(ctx context.Context) error {
			return bench.TakeOver(ctx, *o, keys, rounds, settings)
		}),
	}
	cmd.Flags().IntVar(&keys, "keys", 1_000_000, "of the table")
	cmd.Flags().IntVar(&rounds, "rounds", 3, "how many servers are killed, each time")
	cmd.Flags().StringToStringVar(&settings, "set", nil, "setting of the servers' configuration, `NAME=VALUE`; may be repeated")
	return cmd
}

func benchModelsCommand(o *bench.Options) *cobra.Command {
	var m bench.ModelOptions
	cmd := &cobra.Command{
		Use:   "models FILE...",
		Short: "Measure scoring: native, ONNX Runtime, and PREDICT, on the same rows",
		Long: `Time model files in batches of each size: the native backend, the ort backend, ONNX Runtime's own run on tensors that were made before
(direct), ONNX Runtime called from Python, and PREDICT over columns with the native backend inside. All have one thread and take turns on the
same rows: those of the sample beside the file (its name with .json), or random ones. CPU time of the thread counts. A ratio is the median of
those of the rounds; direct/native says how many times as fast native is. Who is not there is left out: ONNX Runtime needs a program built
with ` + "`make build-ort`" + ` and its library, Python needs onnxruntime.`,
		Example: `  millrace bench models fraud.onnx
  millrace-ort bench models *.onnx --onnxruntime /usr/lib/libonnxruntime.so --python python3`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, files []string) error {
			m.Files = files
			return interruptible(func(ctx context.Context) error { return bench.Models(ctx, *o, m) })(cmd, nil)
		},
	}
	runtimeFlag(cmd.Flags(), &m.Runtime)
	cmd.Flags().StringVar(&m.Python, "python", "", "`PROGRAM` that has the onnxruntime package")
	cmd.Flags().IntSliceVar(&m.Batches, "batch", []int{1, 16, 256}, "`ROWS` of the batches")
	cmd.Flags().IntVar(&m.Rounds, "rounds", 7, "how often each takes its turn")
	cmd.Flags().DurationVar(&m.Time, "duration", 100*time.Millisecond, "of a turn, about")
	return cmd
}

func benchModelServerCommand(o *bench.Options) *cobra.Command {
	var m bench.ModelServerOptions
	cmd := &cobra.Command{
		Use:   "model-server URI [FILE]",
		Short: "Measure scoring by a model server, and by a file in the process",
		Long: `Time a model that a running server holds, in batches of each size, as PREDICT asks it; and beside it a model file, scored natively. The clock
on the wall counts: median and shortest of the calls. .ci/model-server serve starts servers to try.`,
		Example: `  millrace bench model-server http://127.0.0.1:18080/v2/models/progress udf/model/onnx/testdata/gradient_boosting_regressor.onnx
  millrace bench model-server grpc://127.0.0.1:18082/v2/models/progress --backend oip-grpc`,
		Args: cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			if m.URI = args[0]; len(args) == 2 {
				m.File = args[1]
			}
			return interruptible(func(ctx context.Context) error { return bench.ModelServer(ctx, *o, m) })(cmd, nil)
		},
	}
	cmd.Flags().StringVar(&m.Kind, "backend", "oip", "`PROTOCOL` of the server: oip, oip-grpc or tfserving")
	cmd.Flags().IntSliceVar(&m.Batches, "batch", []int{1, 16, 256}, "`ROWS` of the batches")
	cmd.Flags().IntVar(&m.Rounds, "rounds", 50, "how often each batch is scored")
	return cmd
}

func benchPredictCommand(o *bench.Options) *cobra.Command {
	var p bench.PredictOptions
	cmd := &cobra.Command{
		Use:   "predict FILE...",
		Short: "Measure PREDICT in a query: its CPU time against the bare scorer's",
		Long: `Run the task of a query with PREDICT, of the same query with a division instead of it (which writes a number as long), and the bare scorer
over the same rows, 256 at a time, in turn. A task is what a server runs for a partition: JSON in, JSON out, and the statistics of what
is scored; it is fed from memory, so nothing is fetched or sent. What the one takes of CPU time more than the other is compared with
the bare scorer, round by round: the median of these ratios, and between which the middle half of them lies. In further turns a clock runs
in each call of PREDICT and tells how long the call took and the scorer in it, where decoding had the caches before: medians of the calls,
and of their ratios. The models take numbers and return one.`,
		Example: `  millrace bench predict fraud.onnx`,
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			p.Files = args
			return interruptible(func(ctx context.Context) error { return bench.Predict(ctx, *o, p) })(cmd, nil)
		},
	}
	cmd.Flags().IntVar(&p.Rounds, "rounds", 31, "how often each takes its turn")
	cmd.Flags().DurationVar(&p.Time, "duration", 50*time.Millisecond, "of a turn, about; at least one commit's")
	return cmd
}

// interruptible ends a command's context when the user does.
func interruptible(run func(context.Context) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, _ []string) error {
		ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGINT, syscall.SIGTERM)
		defer stop()
		return run(ctx)
	}
}

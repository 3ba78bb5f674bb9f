package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/millrace/millrace/engine"
	"github.com/millrace/millrace/engine/server"
)

type serverOptions struct {
	engine     engine.Options
	listen     string
	hosts      []string
	properties map[string]string
	memory     byteSize
	log        logOptions
	config     string
	unknown    []string // settings of config that nothing reads
	models     modelServers
}

// handOver is how long a server may take to commit and hand over its work when it is stopped.
const handOver = 30 * time.Second

func serverCommand(std streams) *cobra.Command {
	var o serverOptions
	cmd := &cobra.Command{
		Use:   "server",
		Short: "Run a server: SQL over HTTP, queries over Kafka",
		Long: `Run a server that answers ksqlDB's REST API and runs queries.

Without --bootstrap it starts a Kafka broker of its own on the data directory, so nothing else is needed; that broker has no port unless
--kafka-listen opens one. With --bootstrap it uses those brokers; servers with the same --service share the work, and each needs a data
directory of its own. Everything defined survives a restart.

The server has no users or passwords: it listens on loopback unless told otherwise, and refuses requests that web pages of other
sites make. Give it a public address only behind something that says who may come in.`,
		Example: `  millrace server
  millrace server --data /var/lib/millrace --kafka-listen 127.0.0.1:9092
  millrace server --config server.properties
  millrace server --bootstrap kafka-1:9092,kafka-2:9092 --service shop_ --listen 0.0.0.0:8088 --allow-host sql.shop.example`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.readConfig(cmd.Flags()); err != nil {
				return err
			}
			return runServer(cmd.Context(), std, o)
		},
	}
	o.flags(cmd.Flags())
	return cmd
}

// connection are the flags of every command that finds a service.
func (o *serverOptions) connection(f *pflag.FlagSet) {
	f.StringVar(&o.config, "config", "", "`FILE` of settings by the names that ksqlDB and Kafka's clients have, TLS and logins among them; flags come first")
	f.StringVar(&o.engine.DataDir, "data", "data", "`DIRECTORY` of this server's state, and of the broker inside")
	f.StringSliceVar(&o.engine.Bootstrap, "bootstrap", nil, "Kafka `BROKERS`, host:port with commas; none: the broker inside")
	f.StringVar(&o.engine.Service, "service", "default_", "`ID` of the service; names its topics and transactions")
}

func (o *serverOptions) flags(f *pflag.FlagSet) {
	o.connection(f)
	f.StringVar(&o.listen, "listen", "127.0.0.1:8088", "`ADDRESS` to answer HTTP at")
	f.StringVar(&o.engine.Advertise, "advertise", "", "`URL` at which the service's other servers reach this one (default: http:// and the address of --listen, unless that is all addresses)")
	f.StringArrayVar(&o.hosts, "allow-host", nil, "also answer requests for, and from web pages of, `HOST`; may be repeated")
	f.StringSliceVar(&o.engine.SchemaRegistry.URLs, "schema-registry", nil, "`URLS` of a schema registry, with commas, for AVRO, PROTOBUF and JSON_SR")
	f.StringVar(&o.engine.SchemaRegistry.User, "schema-registry-user", "", "`NAME` for the schema registry; its password is read from MILLRACE_SCHEMA_REGISTRY_PASSWORD")
	f.StringVar(&o.engine.Connect.URL, "connect-url", "", "`URL` of a Kafka Connect worker, for statements about connectors")
	f.StringVar(&o.engine.Connect.User, "connect-user", "", "`NAME` for Kafka Connect; its password is read from MILLRACE_CONNECT_PASSWORD")
	f.StringVar(&o.engine.KafkaListen, "kafka-listen", "", "loopback `ADDRESS` at which the broker inside is open to other programs")
	f.IntVar(&o.engine.Slots, "slots", 32, "units in which the service's work is shared; fixed once the service exists")
	f.StringVar(&o.engine.ModelDir, "model-dir", "", "`DIRECTORY` from which CREATE MODEL may read files (default: models in the data directory)")
	f.StringSliceVar(&o.engine.ModelHosts, "model-hosts", nil, "`HOSTS`, with commas, of web servers from which CREATE MODEL may read files, and of model servers that may be asked")
	f.StringVar(&o.models.ca, "model-ca", "", "`FILE` of PEM certificates that model servers with https are known by (default: the system's)")
	f.StringArrayVar(&o.models.tokens, "model-token", nil, "bearer token for a model server: `HOST=FILE`, or HOST=env:NAME of an environment variable; may be repeated")
	runtimeFlag(f, &o.engine.ONNXRuntime)
	f.DurationVar(&o.engine.CommitInterval, "commit-interval", 100*time.Millisecond, "how often running queries commit")
	f.DurationVar(&o.engine.FlushInterval, "flush-interval", 10*time.Minute, "how often at least changed state is written to disk")
	f.StringVar(&o.engine.Guarantee, "guarantee", "exactly_once_v2", "processing `GUARANTEE`: exactly_once_v2 or at_least_once")
	f.StringToStringVar(&o.properties, "property", nil, "default of a session property, `NAME=VALUE`; may be repeated")
	o.memory = 1 << 30
	f.Var(&o.memory, "memory", "`BYTES` of memory to keep to: a number, or one with KiB, MiB or GiB")
	f.Int64Var(&o.engine.DiskReserve, "disk-reserve", 512<<20, "`BYTES` of the data directory's disk to leave free; below, queries pause")
	o.log.flags(f)
}

// runtimeFlag is the flag of every command that may score with ONNX Runtime.
func runtimeFlag(f *pflag.FlagSet, path *string) {
	f.StringVar(path, "onnxruntime", "", "`LIBRARY` of ONNX Runtime; also MILLRACE_ONNXRUNTIME (default: the system's, if it has one)")
}

// readConfig sets what the file of --config says and the flags do not.
func (o *serverOptions) readConfig(given *pflag.FlagSet) error {
	if o.config == "" {
		return nil
	}
	s, err := readSettings(o.config)
	if err != nil {
		return err
	}
	err = s.apply(o, given)
	o.unknown = s.unknown()
	return err
}

func runServer(ctx context.Context, std streams, o serverOptions) (err error) {
	log, err := o.log.logger(std.err)
	if err != nil {
		return err
	}
	if len(o.unknown) > 0 {
		log.Warn("settings that mean nothing here were passed over", "file", o.config, "settings", strings.Join(o.unknown, ", "))
	}
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	// The address first: it is the most likely thing to be wrong, and nothing has to be undone for it.
	l, err := net.Listen("tcp", o.listen)
	if err != nil {
		return fmt.Errorf("start the server: %w", err)
	}
	o.engine.Logger, o.engine.Properties, o.engine.Memory = log, o.properties, int64(o.memory)
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(int64(o.memory)) // garbage is collected sooner where it would not fit
	}
	advertised, err := o.advertise(l.Addr())
	if err != nil {
		return errors.Join(err, l.Close())
	}
	if password, ok := os.LookupEnv("MILLRACE_SCHEMA_REGISTRY_PASSWORD"); ok {
		o.engine.SchemaRegistry.Password = password
	}
	o.engine.Connect.Password = os.Getenv("MILLRACE_CONNECT_PASSWORD")
	if err := o.models.apply(&o.engine); err != nil {
		return errors.Join(err, l.Close())
	}
	e, err := engine.Open(ctx, o.engine)
	if err != nil {
		return errors.Join(err, l.Close())
	}
	defer func() {
		stop() // a second signal ends the program at once
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), handOver)
		defer cancel()
		err = errors.Join(err, e.Close(closing))
	}()
	s := server.New(e, server.Config{Addr: o.listen, Hosts: append(o.hosts, advertised), Logger: log})
	if err := announce(std, log, l.Addr(), o); err != nil {
		return err
	}
	return s.Serve(ctx, l)
}

// advertise settles the URL at which other servers reach this one, and returns the host that they will ask for. A server that listens at all
// addresses does not know which of them others can reach.
func (o *serverOptions) advertise(listening net.Addr) (host string, err error) {
	if o.engine.Advertise == "" {
		a, ok := listening.(*net.TCPAddr)
		if !ok || a.IP.IsUnspecified() {
			return "", nil
		}
		o.engine.Advertise = "http://" + a.String()
	}
	u, err := url.Parse(o.engine.Advertise)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" {
		return "", fmt.Errorf("--advertise %s: it must be a URL like http://host:8088", o.engine.Advertise)
	}
	o.engine.Advertise = strings.TrimSuffix(o.engine.Advertise, "/")
	return u.Host, nil
}

// announce says on standard output that requests are answered, once they are.
func announce(std streams, log *slog.Logger, addr net.Addr, o serverOptions) error {
	brokers := "the broker inside; --kafka-listen opens it to other programs"
	switch {
	case len(o.engine.Bootstrap) > 0:
		brokers = strings.Join(o.engine.Bootstrap, ", ")
	case o.engine.KafkaListen != "":
		brokers = "the broker inside, open to other programs at " + o.engine.KafkaListen
	}
	if a, err := netip.ParseAddrPort(addr.String()); err == nil && !a.Addr().IsLoopback() {
		log.Warn("the server answers beyond this machine and asks nobody who they are", "address", addr.String())
	}
	_, err := fmt.Fprintf(std.out, "Millrace %s answers at http://%s\nKafka: %s\n", version(), addr, brokers)
	return err
}

// version is what the linker was told, or the module's.
func version() string {
	if engine.Version != "dev" {
		return engine.Version
	}
	if b, ok := debug.ReadBuildInfo(); ok && b.Main.Version != "" && b.Main.Version != "(devel)" {
		return b.Main.Version
	}
	return engine.Version
}

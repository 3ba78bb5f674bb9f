package remote

import (
	"fmt"
	"net/url"
	"strings"
)

// Kind is what a server speaks.
type Kind string

// The kinds, which are the names of the backends.
const (
	OIP       Kind = "oip"       // Open Inference Protocol v2 over HTTP
	OIPGRPC   Kind = "oip-grpc"  // and over gRPC
	TFServing Kind = "tfserving" // TensorFlow Serving's REST API
	MLflow    Kind = "mlflow"    // MLflow's scoring server
)

// Kinds are all of them.
func Kinds() []Kind { return []Kind{OIP, OIPGRPC, TFServing, MLflow} }

// form is what the URIs of a kind look like.
func (k Kind) form() string {
	switch k {
	case OIP:
		return "http://host:port/v2/models/NAME or .../NAME/versions/VERSION"
	case OIPGRPC:
		return "grpc://host:port/v2/models/NAME or .../NAME/versions/VERSION, grpcs with TLS"
	case TFServing:
		return "http://host:port/v1/models/NAME or .../NAME/versions/VERSION"
	case MLflow:
		return "http://host:port/invocations"
	}
	return ""
}

// endpoint is a model on a server.
type endpoint struct {
	url     *url.URL // of the model; http or https
	root    string   // what comes before the protocol's own path
	model   string   // "" with MLflow, whose servers have one
	version string   // "": the server chooses
}

// parseEndpoint reads the URI of a model.
func parseEndpoint(k Kind, uri string) (*endpoint, error) {
	u, err := url.Parse(uri)
	if err != nil {
		return nil, fmt.Errorf("the model's URI: %w", err)
	}
	if k == OIPGRPC {
		u.Scheme = strings.Replace(u.Scheme, "grpc", "http", 1)
	}
	wrong := fmt.Errorf("the URI of a model of the %s backend is %s", k, k.form())
	switch {
	case u.User != nil:
		return nil, fmt.Errorf("a URI with a password is not taken, since definitions show it")
	case u.Scheme != "http" && u.Scheme != "https", u.Host == "", u.RawQuery != "", u.Fragment != "":
		return nil, wrong
	}
	e := &endpoint{url: u}
	base := ""
	switch k {
	case OIP, OIPGRPC:
		base = "/v2/models/"
	case TFServing:
		base = "/v1/models/"
	case MLflow:
		e.root = strings.TrimSuffix(strings.TrimSuffix(u.Path, "/"), "/invocations")
		return e, nil
	}
	root, rest, ok := strings.Cut(u.Path, base)
	parts := strings.Split(rest, "/")
	switch {
	case !ok, parts[0] == "", k == OIPGRPC && root != "":
		return nil, wrong
	case len(parts) == 1:
	case len(parts) == 3 && parts[1] == "versions" && parts[2] != "":
		e.version = parts[2]
	default:
		return nil, wrong
	}
	e.root, e.model = root, parts[0]
	return e, nil
}

// at is the URL of a path below the endpoint's root. Segments are escaped.
func (e *endpoint) at(segments ...string) string {
	u := url.URL{Scheme: e.url.Scheme, Host: e.url.Host, Path: e.root}
	return u.JoinPath(segments...).String()
}

// modelPath are the segments that name the model, and its version where one is set.
func (e *endpoint) modelPath(api string) []string {
	path := []string{api, "models", url.PathEscape(e.model)}
	if e.version != "" {
		path = append(path, "versions", url.PathEscape(e.version))
	}
	return path
}

package remotetest

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"
)

// oipTensor is an input of the Open Inference Protocol.
type oipTensor struct {
	Name, Datatype string
	Shape          []int
	Data           json.RawMessage
	Parameters     struct {
		Size *int `json:"binary_data_size"`
	}
}

func (s *Server) oip(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	n := len(body)
	if h := r.Header.Get("Inference-Header-Content-Length"); h != "" {
		n, _ = strconv.Atoi(h)
	}
	var q struct{ Inputs []oipTensor }
	if err := json.Unmarshal(body[:n], &q); err != nil || len(q.Inputs) != 2 || (n < len(body)) != s.Binary {
		http.Error(w, `{"error": "no such inputs"}`, http.StatusBadRequest)
		return
	}
	raw := body[n:]
	var x []float64
	var names []string
	for _, t := range q.Inputs {
		if t.Parameters.Size == nil {
			var v any = &x
			if t.Name == "name" {
				v = &names
			}
			_ = json.Unmarshal(t.Data, v)
			continue
		}
		if t.Name == "x" {
			x = floats(raw[:*t.Parameters.Size])
		} else {
			names = texts(raw[:*t.Parameters.Size])
		}
		raw = raw[*t.Parameters.Size:]
	}
	scores := s.line(x, names)
	if !s.Binary {
		reply(w, map[string]any{"model_name": "line", "model_version": "7", "outputs": []any{
			map[string]any{"name": "score", "datatype": "FP64", "shape": []int{len(scores), 1}, "data": scores},
		}})
		return
	}
	head := fmt.Sprintf(`{"model_name": "line", "model_version": "7", "outputs": [{"name": "score", "datatype": "FP64", "shape": [%d, 1], `+
		`"parameters": {"binary_data_size": %d}}]}`, len(scores), 8*len(scores))
	w.Header().Set("Inference-Header-Content-Length", strconv.Itoa(len(head)))
	_, _ = w.Write(append([]byte(head), doubles(scores)...))
}

func floats(b []byte) (v []float64) {
	for ; len(b) > 0; b = b[8:] {
		v = append(v, math.Float64frombits(binary.LittleEndian.Uint64(b)))
	}
	return v
}

func doubles(v []float64) (b []byte) {
	for _, f := range v {
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(f))
	}
	return b
}

func texts(b []byte) (v []string) {
	for len(b) > 0 {
		n := binary.LittleEndian.Uint32(b)
		v = append(v, string(b[4:4+n]))
		b = b[4+n:]
	}
	return v
}

// grpc answers unary calls: a frame of five bytes and a message each way, and the status in the trailer.
func (s *Server) grpc(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	if r.ProtoMajor != 2 || r.Header.Get("Content-Type") != "application/grpc" && r.Header.Get("Content-Type") != "application/grpc+proto" || len(body) < 5 {
		http.Error(w, "not gRPC", http.StatusUnsupportedMediaType)
		return
	}
	w.Header().Set("Content-Type", "application/grpc")
	w.Header().Set("Trailer", "Grpc-Status, Grpc-Message")
	var answer []byte
	switch r.PathValue("method") {
	case "ServerMetadata":
		answer = bytesField(bytesField(nil, 1, "test server"), 2, "1.2")
	case "ModelMetadata":
		answer = bytesField(bytesField(bytesField(nil, 1, "line"), 2, "7"), 3, "none")
		answer = bytesField(answer, 4, tensor("x", "FP64", -1, 2))
		answer = bytesField(answer, 4, tensor("name", "BYTES", -1, 1))
		answer = bytesField(answer, 5, tensor("score", "FP64", -1, 1))
	case "ModelInfer":
		s.score(func(w http.ResponseWriter, _ *http.Request) { answer = s.modelInfer(body[5:]) })(w, r)
		if answer == nil {
			return // it was answered
		}
	}
	Frame(w, answer)
	w.Header().Set("Grpc-Status", "0")
}

// Frame writes a message as gRPC does.
func Frame(w io.Writer, message []byte) {
	head := make([]byte, 5)
	binary.BigEndian.PutUint32(head[1:], uint32(len(message)))
	_, _ = w.Write(append(head, message...))
}

func (s *Server) modelInfer(request []byte) []byte {
	var raw [][]byte
	for b := request; len(b) > 0; {
		num, kind, n := protowire.ConsumeTag(b)
		size := protowire.ConsumeFieldValue(num, kind, b[n:])
		if num == 7 {
			v, _ := protowire.ConsumeBytes(b[n:])
			raw = append(raw, v)
		}
		b = b[n+size:]
	}
	scores := s.line(floats(raw[0]), texts(raw[1]))
	answer := bytesField(bytesField(nil, 1, "line"), 2, "7")
	output := tensor("score", "FP64", int64(len(scores)), 1)
	if s.Binary {
		return bytesField(bytesField(answer, 5, output), 6, string(doubles(scores)))
	}
	return bytesField(answer, 5, bytesField([]byte(output), 5, string(bytesField(nil, 7, string(doubles(scores)))))) // InferTensorContents.fp64_contents
}

func bytesField[T string | []byte](dst []byte, num protowire.Number, v T) []byte {
	return protowire.AppendBytes(protowire.AppendTag(dst, num, protowire.BytesType), []byte(v))
}

func tensor(name, datatype string, shape ...int64) string {
	b := bytesField(bytesField(nil, 1, name), 2, datatype)
	for _, d := range shape { // unpacked, which readers must take too
		b = protowire.AppendVarint(protowire.AppendTag(b, 3, protowire.VarintType), uint64(d))
	}
	return string(b)
}

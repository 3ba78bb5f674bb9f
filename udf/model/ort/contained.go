package ort

import (
	"errors"
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
)

// maxNesting bounds messages in messages: graphs in attributes of nodes of graphs.
const maxNesting = 64

// message says which fields of a protobuf message are messages that can hold tensors.
type message map[protowire.Number]*message

// The messages of onnx.proto that lead to tensors. A sparse tensor holds tensors as a graph does.
var (
	tensorMessage                            = message{}
	sparseMessage                            = message{1: &tensorMessage, 2: &tensorMessage}
	attributeMessage, nodeMessage, graphBody message
	functionMessage                          = message{7: &nodeMessage, 11: &attributeMessage}
	trainingMessage                          = message{1: &graphBody, 2: &graphBody}
	modelMessage                             = message{7: &graphBody, 20: &trainingMessage, 25: &functionMessage}
)

func init() { // they refer to each other
	attributeMessage = message{
		5: &tensorMessage, 6: &graphBody, 10: &tensorMessage, 11: &graphBody, 22: &sparseMessage, 23: &sparseMessage,
	}
	nodeMessage = message{5: &attributeMessage}
	graphBody = message{1: &nodeMessage, 5: &tensorMessage, 15: &sparseMessage}
}

// The fields by which a tensor says that its data is in another file.
const (
	fieldExternalData = 13
	fieldDataLocation = 14
)

// errExternal refuses what would have the library open any file that the server may read.
var errExternal = errors.New("it keeps data outside the file: save it in one file")

// contained checks that a file is ONNX as far as its framing goes, and holds all of its data.
func contained(b []byte) error { return modelMessage.walk(b, 0) }

func (m *message) walk(b []byte, depth int) error {
	if depth > maxNesting {
		return fmt.Errorf("messages nested more than %d deep", maxNesting)
	}
	for len(b) > 0 {
		num, typ, n := protowire.ConsumeTag(b)
		if n < 0 {
			return fmt.Errorf("not an ONNX file: %w", protowire.ParseError(n))
		}
		b = b[n:]
		n = protowire.ConsumeFieldValue(num, typ, b)
		if n < 0 {
			return fmt.Errorf("not an ONNX file: %w", protowire.ParseError(n))
		}
		if m == &tensorMessage && (num == fieldExternalData || num == fieldDataLocation && b[0] != 0) {
			return errExternal
		}
		if inner := (*m)[num]; inner != nil && typ == protowire.BytesType {
			body, _ := protowire.ConsumeBytes(b)
			if err := inner.walk(body, depth+1); err != nil {
				return err
			}
		}
		b = b[n:]
	}
	return nil
}

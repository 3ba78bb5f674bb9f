// Package remote scores models that a server holds: over the Open Inference Protocol v2 (HTTP or gRPC), TensorFlow Serving's REST API, or
// MLflow's scoring server.
//
// Describe asks the server, once, what the model takes and gives, and returns a Descriptor: all that scoring needs to know - where the
// server is, the typed signature, the limits of a request. Its JSON is the artifact of a model's version, kept like the bytes of a file,
// so a query starts although the server is away, and nothing is discovered mid-stream.
//
// A Scorer cuts a batch into parts that fit a request, asks for several at a time, and puts the answers where the rows are, so their
// order stays. Between a part and the network stand, in this order: the circuit breaker, the bound on requests under way, the time
// limit of a request, and repetition with a growing, random pause of what a repetition may heal. A batch as a whole has [model.MaxWait],
// since the other queries of the slot wait for it.
//
// A server is trusted with the rows that it is sent and with nothing else: only hosts of Access are asked, redirects are not followed, an
// answer has a limit that follows from its signature, and it must have the names, the types and the shapes that the signature has.
package remote

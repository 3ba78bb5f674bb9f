// Package ort is the backend that scores ONNX models with ONNX Runtime, where its library is present.
//
// The library is opened at run time, through its C API's table of functions, without cgo. A program that can do so is linked
// dynamically, which a static program must not be: so it is only built with the tag ort (`make build-ort`), and every other
// program has a backend that says so. Nothing is opened before a model asks for it, and no server needs the library to start.
//
//	dl_purego.go, dl_none.go   open a library, call a function of it; the only files that differ by the tag
//	api.go                     the table: positions, calls, statuses as errors
//	library.go                 finds the library and opens it once
//	contained.go               refuses models that name files outside themselves
//	session.go                 loads a model and reads what it declares
//	probe.go                   runs it once to learn the rest: the shapes of outputs, the keys of maps, how rows are given
//	element.go                 the types of elements, and how columns carry them
//	score.go                   columns to values, a run, values to columns
//
// # Memory
//
// What the library makes (sessions, values, names, statuses) is released by whoever asked for it, in the same function; a
// session by Close. Input tensors lie over Go memory, which neither moves nor is collected before the run has ended; the
// library keeps no address of it afterwards. Outputs are the library's, and are copied.
//
// # What it promises
//
// Sessions have one thread: the calling one. They are shared by all tasks. ONNX Runtime does not promise that a row's scores
// have the same bits in batches of other sizes, since it chooses other kernels for them: differences are those of rounding. It
// is a large C++ program in the server's process, and what a hostile model does to it is done to the server. Therefore native
// comes first, and this backend is for models that one trusts.
package ort

package ort

import (
	"errors"
	"unsafe"
)

// apiVersion is the version of the C API that is asked for: 1.16's. Libraries give every version up to their own, and the table only
// ever grows at its end.
const apiVersion = 16

// function is a position in the table of functions: the order of the members of OrtApi in onnxruntime_c_api.h.
type function int

const (
	getErrorMessage                     function = 2
	createEnv                           function = 3
	createSessionFromArray              function = 8
	runSession                          function = 9
	createSessionOptions                function = 10
	setIntraOpNumThreads                function = 24
	setInterOpNumThreads                function = 25
	sessionGetInputCount                function = 30
	sessionGetOutputCount               function = 31
	sessionGetInputTypeInfo             function = 33
	sessionGetOutputTypeInfo            function = 34
	sessionGetInputName                 function = 36
	sessionGetOutputName                function = 37
	createRunOptions                    function = 39
	runOptionsSetTerminate              function = 46
	createTensorAsOrtValue              function = 48
	createTensorWithDataAsOrtValue      function = 49
	getTensorMutableData                function = 51
	getStringTensorDataLength           function = 53
	getStringTensorContent              function = 54
	castTypeInfoToTensorInfo            function = 55
	getOnnxTypeFromTypeInfo             function = 56
	getTensorElementType                function = 60
	getDimensionsCount                  function = 61
	getDimensions                       function = 62
	getTensorTypeAndShape               function = 65
	getValueType                        function = 67
	createCPUMemoryInfo                 function = 69
	allocatorFree                       function = 76
	getAllocatorWithDefaultOptions      function = 78
	getValue                            function = 80
	getValueCount                       function = 81
	releaseStatus                       function = 93
	releaseSession                      function = 95
	releaseValue                        function = 96
	releaseRunOptions                   function = 97
	releaseTypeInfo                     function = 98
	releaseTensorTypeAndShapeInfo       function = 99
	releaseSessionOptions               function = 100
	addSessionConfigEntry               function = 130
	getResizedStringTensorElementBuffer function = 252

	functions = 253 // that the table must have
)

// handle is an object of the library's.
type handle = unsafe.Pointer

// api is the table of functions of an open library.
type api struct {
	version string // of the library
	table   []uintptr
}

// newAPI asks the library for its table.
func newAPI(getAPIBase uintptr) (*api, error) {
	base := (*struct{ getAPI, getVersion uintptr })(invoke(getAPIBase))
	if base == nil {
		return nil, errors.New("it has no API")
	}
	version := text(invoke(base.getVersion))
	table := invoke(base.getAPI, apiVersion)
	if table == nil {
		return nil, errors.New("it is ONNX Runtime " + version + ", and 1.16 is the oldest that is supported")
	}
	return &api{version: version, table: unsafe.Slice((*uintptr)(table), functions)}, nil
}

// call calls a function that returns a status. Addresses must be converted in the arguments of the call itself: so the compiler keeps
// what they point at alive and in its place until the call has returned.
//
//go:uintptrescapes
func (a *api) call(f function, args ...uintptr) error {
	status := invoke(a.table[f], args...)
	if status == nil {
		return nil
	}
	message := text(invoke(a.table[getErrorMessage], uintptr(status)))
	a.release(releaseStatus, status)
	return errors.New("onnx runtime: " + message)
}

// release calls a function that takes an object back. None is taken back once.
func (a *api) release(f function, object handle) {
	if object != nil {
		invoke(a.table[f], uintptr(object))
	}
}

// text copies a C string.
func text(p unsafe.Pointer) string {
	if p == nil {
		return ""
	}
	n := 0
	for *(*byte)(unsafe.Add(p, n)) != 0 {
		n++
	}
	return string(unsafe.Slice((*byte)(p), n))
}

// cString is a text with the end that C wants. Texts with such an end inside are cut off there by the library.
func cString(s string) *byte { return &append([]byte(s), 0)[0] }

//go:build ort && (linux || darwin)

package ort

import (
	"fmt"
	"unsafe"

	"github.com/ebitengine/purego"
)

// openLibrary opens a library, which stays open, and finds the function that gives its API.
func openLibrary(path string) (getAPIBase uintptr, err error) {
	lib, err := purego.Dlopen(path, purego.RTLD_NOW|purego.RTLD_LOCAL)
	if err != nil {
		return 0, err // it names the library
	}
	if getAPIBase, err = purego.Dlsym(lib, "OrtGetApiBase"); err != nil {
		return 0, fmt.Errorf("%s is not ONNX Runtime: %w", path, err)
	}
	return getAPIBase, nil
}

// invoke calls a C function whose arguments are integers and pointers.
//
//go:uintptrescapes
func invoke(fn uintptr, args ...uintptr) unsafe.Pointer {
	r, _, _ := purego.SyscallN(fn, args...)
	return *(*unsafe.Pointer)(unsafe.Pointer(&r)) // an address of the library's, which vet cannot know
}

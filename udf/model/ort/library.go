package ort

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync"
	"unsafe"
)

// names are those under which systems know the library.
func names() []string {
	if runtime.GOOS == "darwin" {
		return []string{"libonnxruntime.1.dylib", "libonnxruntime.dylib"}
	}
	return []string{"libonnxruntime.so.1", "libonnxruntime.so"}
}

// errNotBuilt says that this program cannot open libraries.
var errNotBuilt = errors.New("this program is linked statically and opens no libraries: `make build-ort` builds one that does")

// library is an open ONNX Runtime.
type library struct {
	*api
	env       handle // of all sessions
	memory    handle // says that tensors lie in this process's memory
	allocator handle // of names
}

// opened are the libraries that were opened, by path. They stay open until the process ends: what one has started, such as threads,
// does not survive its being closed.
var opened struct {
	sync.Mutex
	byPath map[string]*library
}

// EnvPath is the environment variable that names the library where Backend.Path does not.
const EnvPath = "MILLRACE_ONNXRUNTIME"

// open opens a library once. "" stands for what the environment says, or for the usual names.
func open(path string) (*library, error) {
	opened.Lock()
	defer opened.Unlock()
	if l := opened.byPath[path]; l != nil {
		return l, nil
	}
	candidates := names()
	if named := cmp.Or(path, os.Getenv(EnvPath)); named != "" {
		candidates = []string{named}
	}
	var failed []error
	for _, name := range candidates {
		l, err := openOne(name)
		if err == nil {
			if opened.byPath == nil {
				opened.byPath = map[string]*library{}
			}
			opened.byPath[path] = l
			return l, nil
		}
		if errors.Is(err, errNotBuilt) {
			return nil, errNotBuilt
		}
		failed = append(failed, err)
	}
	return nil, fmt.Errorf("open ONNX Runtime: %w", errors.Join(failed...))
}

// The library's constants.
const (
	logFatal       = 4 // what is wrong is said in a status; nothing is written to the standard error
	arenaAllocator = 1
	defaultMemory  = 0
)

func openOne(name string) (*library, error) {
	base, err := openLibrary(name)
	if err != nil {
		return nil, err
	}
	l := &library{}
	if l.api, err = newAPI(base); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	id := cString("millrace")
	if err := l.call(createEnv, logFatal, uintptr(unsafe.Pointer(id)), uintptr(unsafe.Pointer(&l.env))); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if err := l.call(createCPUMemoryInfo, arenaAllocator, defaultMemory, uintptr(unsafe.Pointer(&l.memory))); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if err := l.call(getAllocatorWithDefaultOptions, uintptr(unsafe.Pointer(&l.allocator))); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return l, nil
}

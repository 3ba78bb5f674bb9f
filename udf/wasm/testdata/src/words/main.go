// Functions in Go. GOOS=wasip1 GOARCH=wasm go build -buildmode=c-shared -o words.wasm .
package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"time"
	"unsafe"
)

func main() {}

// kept is the host's memory: it must not be collected.
var kept [][]byte

//go:wasmexport alloc
func alloc(n int32) unsafe.Pointer {
	b := make([]byte, max(n, 1))
	kept = append(kept, b)
	return unsafe.Pointer(&b[0])
}

// result is read by the host before the next call.
var result []byte

func give(s string) int64 {
	result = append(result[:0], s...)
	return int64(uintptr(unsafe.Pointer(unsafe.SliceData(result))))<<32 | int64(len(result))
}

// WORDS(s STRING) RETURNS STRING
//
//go:wasmexport words
func words(p *byte, n int32) int64 {
	return give(strings.Join(strings.Fields(unsafe.String(p, n)), "|"))
}

// WORLD() RETURNS STRING: what a function can find out of its surroundings.
//
//go:wasmexport world
func world() int64 {
	_, err := os.ReadDir("/")
	return give(fmt.Sprint(time.Now().UTC().Format(time.RFC3339), " ", len(os.Args), " ", len(os.Environ()), " ", err != nil, " ", rand.Uint64() != 0))
}

// PICK(list STRING, i INTEGER) RETURNS INTEGER: it panics beyond the end.
//
//go:wasmexport pick
func pick(p *byte, n, i int32) int32 {
	return int32(unsafe.Slice(p, n)[i])
}

// NAP(ms INTEGER) RETURNS INTEGER: the clock stands, so it never wakes up.
//
//go:wasmexport nap
func nap(ms int32) int32 {
	time.Sleep(time.Duration(ms) * time.Millisecond)
	return ms
}

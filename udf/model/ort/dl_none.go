//go:build !ort || !(linux || darwin)

package ort

import "unsafe"

func openLibrary(string) (getAPIBase uintptr, err error) { return 0, errNotBuilt }

// invoke is never reached: there is no function to call.
func invoke(uintptr, ...uintptr) unsafe.Pointer { panic(errNotBuilt) }

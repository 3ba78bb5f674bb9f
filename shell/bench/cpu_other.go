//go:build !linux && !darwin

package bench

import "time"

var began = time.Now()

// threadTime is wall time, where threads do not tell their own.
func threadTime() (time.Duration, error) { return time.Since(began), nil }

//go:build race

package xgboost

// raceEnabled: the race detector makes sync.Pool forget at random, so allocations mean nothing.
const raceEnabled = true

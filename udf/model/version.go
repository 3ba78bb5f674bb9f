package model

// Version is an artifact that a backend has loaded. It is immutable.
type Version struct {
	Artifact Artifact
	Backend  string // the name of the backend that scores it
	Why      string // what made it that one
	Scorer   Scorer
}

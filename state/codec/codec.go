// Package codec turns SQL values into the bytes that stores hold, and back.
//
// There are two forms. Keys ([Key]) preserve order: comparing two encoded keys as bytes compares the values, column by column,
// NULL first. They delimit themselves, so a key may be followed by other bytes. Rows ([Row], [Writer], [Reader]) are compact:
// a version byte, a bitmap of NULLs, then the values; numbers have a fixed width, so that an aggregate that
// changes does not change its length and is overwritten in place.
//
// Both forms are persisted, in stores and in changelogs. A change of either needs a new format version and a reader for the old.
package codec

import (
	"errors"
	"fmt"
)

// FormatVersion is the first byte of every row.
const FormatVersion = 1

// ErrTruncated says that bytes end before their value does.
var ErrTruncated = errors.New("truncated value")

// VersionError says that a row was written by a release with another format.
type VersionError struct{ Found byte }

func (e *VersionError) Error() string {
	if e.Found < FormatVersion {
		return fmt.Sprintf("stored row has format version %d, which no release wrote: it is damaged", e.Found)
	}
	return fmt.Sprintf("stored row has format version %d, and this release reads up to %d: a later release wrote it, run that one", e.Found, FormatVersion)
}

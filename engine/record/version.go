package record

import (
	"encoding/json"
	"errors"
	"fmt"
)

// Unmarshal reads the value of a record that the program keeps in Kafka for itself: JSON, whose member v is the version of its format. A
// version later than newest is refused. Members that this release does not know are passed over.
func Unmarshal(value []byte, newest int, into any) error {
	var head struct { // alone: a later version may have other forms of the rest
		Version int `json:"v"`
	}
	if err := json.Unmarshal(value, &head); err != nil {
		return err
	}
	if head.Version > newest {
		return fmt.Errorf("it has format version %d, and this release reads up to %d: a later release wrote it, run that one", head.Version, newest)
	}
	if head.Version < 1 {
		return errors.New("it has no format version")
	}
	return json.Unmarshal(value, into)
}

package server

import (
	"mime"
	"strconv"
	"strings"
)

// The media types in which rows travel.
const (
	mediaKSQL      = "application/vnd.ksql.v1+json"         // an array of StreamedRow objects
	mediaProtobuf  = "application/vnd.ksql.v1+protobuf"     // the same, with rows as messages
	mediaDelimited = "application/vnd.ksqlapi.delimited.v1" // a JSON value a line
	mediaJSON      = jsonType                               // on /query-stream an array of arrays, else as mediaKSQL
)

// negotiate picks the offered media type that the Accept headers like best, the first of equals; "" if there is none.
func negotiate(accept []string, offered ...string) string {
	if len(accept) == 0 {
		return offered[0]
	}
	best, bestQ := "", 0.0
	for _, o := range offered {
		if q := quality(accept, o); q > bestQ {
			best, bestQ = o, q
		}
	}
	return best
}

// quality is how much the Accept headers like a type: the q of the most specific range that covers it.
func quality(accept []string, media string) float64 {
	q, specific := 0.0, -1
	for _, part := range strings.Split(strings.Join(accept, ","), ",") {
		rng, params, err := mime.ParseMediaType(strings.TrimSpace(part))
		if err != nil {
			continue
		}
		level := -1
		switch {
		case rng == media:
			level = 2
		case rng == "application/*":
			level = 1
		case rng == "*/*":
			level = 0
		}
		if level <= specific {
			continue
		}
		specific, q = level, 1
		if text, ok := params["q"]; ok {
			if q, err = strconv.ParseFloat(text, 64); err != nil {
				q = 0
			}
		}
	}
	return q
}

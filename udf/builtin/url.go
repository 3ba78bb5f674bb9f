package builtin

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/millrace/millrace/udf"
)

func urlFunctions() []udf.Function {
	part := func(name, description string, f func(u *url.URL) any) udf.Function {
		result := "STRING"
		if name == "URL_EXTRACT_PORT" {
			result = "INT"
		}
		return function(name, description, on("input STRING -> "+result, func(_ *udf.Call, a []any) (any, error) {
			u, err := url.Parse(a[0].(string))
			if err != nil {
				return nil, fmt.Errorf("parse url: %w", err)
			}
			return f(u), nil
		}))
	}
	return []udf.Function{
		function("URL_ENCODE_PARAM", "A text as it stands in a URL's query.", on("input STRING -> STRING", func(_ *udf.Call, a []any) (any, error) {
			// Java's URLEncoder leaves * as it is and escapes ~.
			return strings.NewReplacer("%2A", "*", "~", "%7E").Replace(url.QueryEscape(a[0].(string))), nil
		})),
		function("URL_DECODE_PARAM", "The text that stands in a URL's query.", on("input STRING -> STRING", func(_ *udf.Call, a []any) (any, error) {
			s, err := url.QueryUnescape(a[0].(string))
			if err != nil {
				return nil, fmt.Errorf("decode url parameter: %w", err)
			}
			return s, nil
		})),
		part("URL_EXTRACT_FRAGMENT", "The part of a URL behind #.", func(u *url.URL) any { return orNull(u.Fragment) }),
		part("URL_EXTRACT_HOST", "The host of a URL.", func(u *url.URL) any { return orNull(u.Hostname()) }),
		part("URL_EXTRACT_PATH", "The path of a URL.", func(u *url.URL) any { return u.Path }),
		part("URL_EXTRACT_PROTOCOL", "The protocol of a URL.", func(u *url.URL) any { return orNull(u.Scheme) }),
		part("URL_EXTRACT_QUERY", "The query of a URL, decoded.", func(u *url.URL) any {
			if q, err := url.PathUnescape(u.RawQuery); err == nil {
				return orNull(q)
			}
			return orNull(u.RawQuery)
		}),
		part("URL_EXTRACT_PORT", "The port of a URL; NULL if it names none.", func(u *url.URL) any {
			if n, err := strconv.ParseInt(u.Port(), 10, 32); err == nil {
				return int32(n)
			}
			return nil
		}),
		function("URL_EXTRACT_PARAMETER", "The value of a parameter of a URL's query; NULL if it is not there.",
			on("input STRING, paramToFind STRING -> STRING", func(_ *udf.Call, a []any) (any, error) {
				u, err := url.Parse(a[0].(string))
				if err != nil {
					return nil, fmt.Errorf("parse url: %w", err)
				}
				for pair := range strings.SplitSeq(u.RawQuery, "&") {
					k, v, _ := strings.Cut(pair, "=")
					if k, err = url.PathUnescape(k); err == nil && k == a[1] {
						if v, err = url.PathUnescape(v); err == nil {
							return v, nil
						}
					}
				}
				return nil, nil
			})),
	}
}

// orNull makes an absent part NULL.
func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

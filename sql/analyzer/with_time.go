package analyzer

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/millrace/millrace/sql/ast"
	"github.com/millrace/millrace/sql/plan"
	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/sql/types/javatime"
)

// window reads WINDOW_TYPE and WINDOW_SIZE of a source over a topic with windowed keys.
func (w with) window() (*plan.WindowInfo, error) {
	size, hasSize := w.items["WINDOW_SIZE"]
	var length time.Duration
	if hasSize {
		var err error
		if length, err = parseDuration(size.text); err != nil {
			return nil, fail("with.window-size", size.at, "WINDOW_SIZE: %v", err)
		}
	}
	kind := plan.WindowKind(strings.ToUpper(w.text("WINDOW_TYPE")))
	switch kind {
	case plan.Tumbling, plan.Hopping:
		if !hasSize {
			return nil, advise(fail("with.window-property", w.span("WINDOW_TYPE"), "%s windows need WINDOW_SIZE", kind), "add WINDOW_SIZE = '1 MINUTE'")
		}
		return &plan.WindowInfo{Kind: kind, Size: length}, nil
	case plan.Session, "":
		if hasSize {
			return nil, fail("with.window-property", size.at, "WINDOW_SIZE is for TUMBLING and HOPPING windows alone")
		}
		if kind == "" && !w.has("WINDOW_TYPE") {
			return nil, nil
		}
		if kind == plan.Session {
			return &plan.WindowInfo{Kind: kind}, nil
		}
	}
	return nil, advise(fail("with.window-type", w.span("WINDOW_TYPE"), "unknown window type %s", w.text("WINDOW_TYPE")), "TUMBLING, HOPPING or SESSION")
}

func parseDuration(text string) (time.Duration, error) {
	parts := strings.Fields(text)
	if len(parts) != 2 {
		return 0, fmt.Errorf("%q is not a number and a unit", text)
	}
	n, err := strconv.ParseInt(parts[0], 10, 64)
	if err != nil || n <= 0 {
		return 0, fmt.Errorf("%q is not a positive number", parts[0])
	}
	d := ast.Duration{Value: n, Unit: strings.ToUpper(parts[1])}
	ms, ok := d.Millis()
	if !ok || ms > int64(1<<63-1)/int64(time.Millisecond) {
		return 0, fmt.Errorf("unknown unit %s, or too long", parts[1])
	}
	return time.Duration(ms) * time.Millisecond, nil
}

// timestamp reads TIMESTAMP and TIMESTAMP_FORMAT; cols are the key and value columns.
func (w with) timestamp(cols []plan.OutColumn) (*plan.Timestamp, error) {
	p, ok := w.items["TIMESTAMP"]
	if !ok {
		if f, has := w.items["TIMESTAMP_FORMAT"]; has {
			return nil, fail("with.timestamp", f.at, "TIMESTAMP_FORMAT needs TIMESTAMP")
		}
		return nil, nil
	}
	name := foldName(p.text)
	i := plan.Find(cols, name)
	if i < 0 {
		var names []string
		for _, c := range cols {
			names = append(names, c.Name)
		}
		return nil, advise(fail("with.timestamp-column", p.at, "there is no column %s for TIMESTAMP", name), "%s", ast.Suggest(name, names))
	}
	format, hasFormat := w.items["TIMESTAMP_FORMAT"]
	switch k := cols[i].Type.Kind; {
	case k == types.KindString && !hasFormat:
		return nil, advise(fail("with.timestamp", p.at, "TIMESTAMP column %s is a STRING and needs a format", name), "add TIMESTAMP_FORMAT = 'yyyy-MM-dd HH:mm:ss'")
	case k != types.KindString && hasFormat:
		return nil, fail("with.timestamp", format.at, "TIMESTAMP_FORMAT is for STRING columns; %s is %s", name, cols[i].Type)
	case k != types.KindString && k != types.KindBigint && k != types.KindTimestamp:
		return nil, fail("with.timestamp", p.at, "TIMESTAMP column %s is %s, not BIGINT, TIMESTAMP or STRING", name, cols[i].Type)
	}
	if hasFormat {
		if _, err := javatime.Compile(format.text); err != nil {
			return nil, fail("with.timestamp", format.at, "TIMESTAMP_FORMAT cannot be read: %v", err)
		}
	}
	return &plan.Timestamp{Column: name, Format: format.text}, nil
}

// foldName reads an identifier in a string: upper case unless it is quoted.
func foldName(text string) string {
	if n := len(text); n >= 2 && (text[0] == '`' || text[0] == '"') && text[n-1] == text[0] {
		q := text[:1]
		return strings.ReplaceAll(text[1:n-1], q+q, q)
	}
	return strings.ToUpper(text)
}

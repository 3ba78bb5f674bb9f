package badger

import (
	"fmt"
	"log/slog"
	"strings"
)

// logger passes Badger's errors and warnings on; its information is noise to a reader of the server's log.
type logger struct{ log *slog.Logger }

func (l logger) Errorf(format string, args ...any)   { l.log.Error(text(format, args)) }
func (l logger) Warningf(format string, args ...any) { l.log.Warn(text(format, args)) }
func (l logger) Infof(format string, args ...any)    { l.log.Debug(text(format, args)) }
func (l logger) Debugf(string, ...any)               {}

func text(format string, args []any) string {
	return "badger: " + strings.TrimSpace(fmt.Sprintf(format, args...))
}

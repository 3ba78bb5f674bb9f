package analyzer

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/millrace/millrace/sql/plan"
)

const (
	confKeyFormat   = "ksql.persistence.default.format.key"
	confValueFormat = "ksql.persistence.default.format.value"
	confWrap        = "ksql.persistence.wrap.single.values"
)

// formatProperties names, per side, the WITH properties that become properties of the format.
var formatProperties = map[string][][2]string{
	"KEY": {
		{"KEY_DELIMITER", propDelimiter},
		{"KEY_SCHEMA_FULL_NAME", propSchemaName},
		{"KEY_SCHEMA_ID", propSchemaID},
		{"KEY_PROTOBUF_NULLABLE_REPRESENTATION", propNullable},
	},
	"VALUE": {
		{"VALUE_DELIMITER", propDelimiter},
		{"VALUE_AVRO_SCHEMA_FULL_NAME", propSchemaName},
		{"VALUE_SCHEMA_FULL_NAME", propSchemaName},
		{"VALUE_SCHEMA_ID", propSchemaID},
		{"VALUE_PROTOBUF_NULLABLE_REPRESENTATION", propNullable},
	},
}

// format reads the format of a side, KEY or VALUE. From is the source's format, whose name and properties hold where the
// clause says nothing; nil if there is no source.
func (s *statement) format(w with, side string, from *plan.Format) (plan.Format, error) {
	name := w.text(side + "_FORMAT")
	if w.has("FORMAT") {
		name = w.text("FORMAT")
	}
	switch {
	case name != "":
	case from != nil:
		name = from.Name
	case side == "KEY":
		name = s.conf.text(confKeyFormat, formatKafka)
	default:
		name = s.conf.text(confValueFormat, "")
	}
	if name == "" {
		return plan.Format{}, advise(fail("with.format-missing", w.at, "the %s_FORMAT is missing", side), "add WITH (%s_FORMAT = 'JSON')", side)
	}
	at := w.span(side+"_FORMAT", "FORMAT")
	name, rule, err := knownFormat(name, at)
	if err != nil {
		return plan.Format{}, err
	}
	f := plan.Format{Name: name, Props: map[string]string{}}
	if from != nil && from.Name == name {
		for _, p := range rule.inherited {
			if v, ok := from.Props[p]; ok {
				f.Props[p] = v
			}
		}
	}
	for _, p := range formatProperties[side] {
		if err := formatProperty(w, p[0], p[1], rule, &f); err != nil {
			return f, err
		}
	}
	if len(f.Props) == 0 {
		f.Props = nil
	}
	return f, nil
}

func formatProperty(w with, property, prop string, rule formatRule, f *plan.Format) error {
	if !w.has(property) {
		return nil
	}
	v := w.text(property)
	at := w.span(property)
	switch prop {
	case propDelimiter:
		if strings.TrimSpace(v) == "" || (utf8.RuneCountInString(v) > 1 && v != "TAB" && v != "SPACE") {
			return fail("with.delimiter", at, "%s must be one character, TAB or SPACE", property)
		}
	case propSchemaName:
		if strings.TrimSpace(v) == "" {
			return fail("with.schema-name", at, "%s must not be blank", property)
		}
	case propSchemaID:
		if !rule.inference {
			return fail("with.schema-id-format", at, "%s needs a format with a schema registry; %s has none", property, f.Name)
		}
		v = strconv.FormatInt(w.items[property].number, 10)
	}
	if !rule.takes(prop) {
		return fail("with.format-config", at, "format %s does not take %s", f.Name, property)
	}
	f.Props[prop] = v
	return nil
}

// wrapKey fixes how a key is written: a single column bare where the format has the choice.
func wrapKey(f *plan.Format, columns int) {
	f.Wrap = nil
	if r := formatRules[f.Name]; r.wrap && r.unwrap && columns == 1 {
		f.Wrap = new(bool)
	}
}

// wrapValue fixes how the value is written, as WRAP_SINGLE_VALUE or the default says.
func (s *statement) wrapValue(w with, f *plan.Format, columns int) error {
	f.Wrap = nil
	r := formatRules[f.Name]
	at := w.span("WRAP_SINGLE_VALUE")
	wrap := s.conf.flag(confWrap, true)
	if w.has("WRAP_SINGLE_VALUE") {
		wrap = w.items["WRAP_SINGLE_VALUE"].flag
		if wrap && !r.wrap || !wrap && !r.unwrap {
			return fail("with.wrap-format", at, "format %s cannot write a single value with WRAP_SINGLE_VALUE = %t", f.Name, wrap)
		}
		if columns != 1 {
			return fail("with.wrap-fields", at, "WRAP_SINGLE_VALUE is for one value column; here are %d", columns)
		}
	}
	if columns == 1 && r.wrap && r.unwrap {
		f.Wrap = &wrap
	}
	return nil
}

// roles returns the columns that have one of the roles.
func roles(cols []plan.OutColumn, want ...plan.Role) []plan.OutColumn {
	var out []plan.OutColumn
	for _, c := range cols {
		if slices.Contains(want, c.Role) {
			out = append(out, c)
		}
	}
	return out
}

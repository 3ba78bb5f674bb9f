package shell

import (
	"fmt"
	"strconv"
	"strings"
)

// modelElement is a column of a model's inputs or outputs.
type modelElement struct {
	Name                          string
	Missing                       float64
	Min, P50, P99, Max, Mean, PSI *float64
	Classes                       []struct {
		Name  string
		Share float64
	}
}

func viewModelStatistics(v struct {
	Statistics []struct {
		modelInfo
		Status                            string
		Rows, ShadowRows, Batches, Errors int64
		CallMillisP50, CallMillisP99      *float64
		RowMicrosP50, RowMicrosP99        *float64
		Compared                          int64
		Agreement, Difference             *float64
		Inputs, Outputs                   []modelElement
	}
},
) view {
	g := newGrid("Model", "Version", "Status", "Rows", "Shadow rows", "Batches", "Errors", "Batch p50 ms", "p99 ms", "Row p50 µs", "p99 µs",
		"Compared", "Agreement", "Difference")
	values := newGrid("Model", "Column", "Missing", "Min", "p50", "Mean", "p99", "Max", "Classes", "PSI")
	for _, s := range v.Statistics {
		g.add(s.Name, strconv.Itoa(s.Version), s.Status, strconv.FormatInt(s.Rows, 10), strconv.FormatInt(s.ShadowRows, 10), strconv.FormatInt(s.Batches, 10),
			strconv.FormatInt(s.Errors, 10), digits(s.CallMillisP50), digits(s.CallMillisP99), digits(s.RowMicrosP50), digits(s.RowMicrosP99),
			strconv.FormatInt(s.Compared, 10), digits(s.Agreement), digits(s.Difference))
		for _, part := range []struct {
			role string
			list []modelElement
		}{{"input", s.Inputs}, {"output", s.Outputs}} {
			for _, el := range part.list {
				classes := make([]string, len(el.Classes))
				for i, c := range el.Classes {
					classes[i] = fmt.Sprintf("%s %.1f%%", c.Name, c.Share*100)
				}
				values.add(fmt.Sprintf("%s@%d", s.Name, s.Version), part.role+" "+el.Name, fmt.Sprintf("%.1f%%", el.Missing*100), digits(el.Min), digits(el.P50),
					digits(el.Mean), digits(el.P99), digits(el.Max), strings.Join(classes, ", "), digits(el.PSI))
			}
		}
	}
	return view{grids: []grid{g, values}}
}

// digits is a number with as many digits as tell something; what is not known is empty.
func digits(v *float64) string {
	if v == nil {
		return ""
	}
	return strconv.FormatFloat(*v, 'g', 4, 64)
}

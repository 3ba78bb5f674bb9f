// Package demo is the main job in one command: real biopsies as a stream, scored by a real model inside SQL, compared with the
// library that trained it.
package demo

import (
	"bytes"
	"embed"
	"encoding/csv"
	"fmt"
	"strconv"
	"strings"
)

//go:embed data/biopsies.csv data/predictions.csv data/cancer.onnx
var files embed.FS

// biopsy is one row of the held-out part of the data.
type biopsy struct {
	id        string
	values    []string // as the data has them
	malignant bool
	predicted float64 // scikit-learn's probability of malignant
}

// dataset is the rows that the model was not trained on, with the library's own scores.
type dataset struct {
	columns []string // names of the measurements
	rows    []biopsy
	total   int // rows of the whole data, training included
}

func readCSV(name string) (header []string, rows [][]string, err error) {
	b, err := files.ReadFile("data/" + name)
	if err != nil {
		return nil, nil, fmt.Errorf("read %s: %w", name, err)
	}
	all, err := csv.NewReader(bytes.NewReader(b)).ReadAll()
	if err != nil || len(all) < 2 {
		return nil, nil, fmt.Errorf("read %s: %d lines: %w", name, len(all), err)
	}
	return all[0], all[1:], nil
}

func load() (*dataset, error) {
	header, rows, err := readCSV("biopsies.csv")
	if err != nil {
		return nil, err
	}
	scores, err := loadScores()
	if err != nil {
		return nil, err
	}
	last := len(header) - 1
	d := &dataset{columns: header[2:last], total: len(rows)}
	for _, r := range rows {
		if r[1] != "held_out" {
			continue
		}
		p, ok := scores[r[0]]
		if !ok {
			return nil, fmt.Errorf("read predictions.csv: biopsy %s is missing", r[0])
		}
		d.rows = append(d.rows, biopsy{id: r[0], values: r[2:last], malignant: r[last] == "malignant", predicted: p})
	}
	return d, nil
}

// loadScores gives scikit-learn's probability of malignant by biopsy.
func loadScores() (map[string]float64, error) {
	header, rows, err := readCSV("predictions.csv")
	if err != nil {
		return nil, err
	}
	at := -1
	for i, name := range header {
		if name == "probability_malignant" {
			at = i
		}
	}
	if at < 0 {
		return nil, fmt.Errorf("read predictions.csv: no column probability_malignant")
	}
	out := make(map[string]float64, len(rows))
	for _, r := range rows {
		if out[r[0]], err = strconv.ParseFloat(r[at], 64); err != nil {
			return nil, fmt.Errorf("read predictions.csv: %w", err)
		}
	}
	return out, nil
}

// json is the record's value: the measurements by name.
func (d *dataset) json(b *biopsy) []byte {
	var s strings.Builder
	for i, v := range b.values {
		fmt.Fprintf(&s, `%s"%s":%s`, map[bool]string{true: "{", false: ","}[i == 0], strings.ToUpper(d.columns[i]), v)
	}
	s.WriteString("}")
	return []byte(s.String())
}

func (b *biopsy) diagnosis() string {
	if b.malignant {
		return "malignant"
	}
	return "benign"
}

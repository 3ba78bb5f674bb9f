package demo

import (
	"fmt"
	"strings"
)

const (
	inputTopic = "biopsies"
	labelTopic = "diagnoses"
	partitions = 4
)

// statements are the whole application.
func (d *dataset) statements() string {
	columns := make([]string, len(d.columns))
	for i, c := range d.columns {
		columns[i] = c + " DOUBLE"
	}
	return fmt.Sprintf(`
CREATE STREAM IF NOT EXISTS biopsies (id INT KEY, %s)
  WITH (KAFKA_TOPIC='%s', VALUE_FORMAT='JSON', PARTITIONS=%d);

CREATE TABLE IF NOT EXISTS diagnoses (id INT PRIMARY KEY, diagnosis STRING)
  WITH (KAFKA_TOPIC='%s', VALUE_FORMAT='JSON', PARTITIONS=%d);

CREATE MODEL IF NOT EXISTS cancer WITH (URI='cancer.onnx');

CREATE STREAM IF NOT EXISTS scored AS
  SELECT id, PREDICT(cancer, %s) AS score
  FROM biopsies EMIT CHANGES;

CREATE TABLE IF NOT EXISTS confusion WITH (KEY_FORMAT='JSON') AS
  SELECT d.diagnosis AS actual, s.score->label AS predicted, COUNT(*) AS biopsies
  FROM scored s JOIN diagnoses d ON s.id = d.id
  WINDOW TUMBLING (SIZE 1 MINUTE)
  GROUP BY d.diagnosis, s.score->label EMIT CHANGES;`,
		strings.Join(columns, ", "), inputTopic, partitions, labelTopic, partitions, strings.Join(d.columns, ", "))
}

// follow is the live query: every score as it is committed.
const follow = `SELECT id, score->label AS label, score->probabilities['malignant'] AS malignant FROM scored EMIT CHANGES;`

// counts asks the state of the windowed table.
const counts = `SELECT actual, predicted, WINDOWSTART, biopsies FROM confusion;`

// outline is the application with the measurements left out, to be shown.
func (d *dataset) outline() string {
	names := strings.Join(d.columns, ", ")
	columns := strings.Join(d.columns, " DOUBLE, ") + " DOUBLE"
	more := fmt.Sprintf(", ... %d more", len(d.columns)-1)
	s := strings.ReplaceAll(d.statements(), columns, d.columns[0]+" DOUBLE"+more)
	return strings.ReplaceAll(s, names, d.columns[0]+more)
}

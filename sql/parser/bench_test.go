package parser_test

import (
	"testing"

	"github.com/millrace/millrace/sql/parser"
)

const typical = `CREATE TABLE checkouts WITH (KAFKA_TOPIC='checkouts', VALUE_FORMAT='JSON') AS
SELECT p.user_id, COUNT(*) AS n, SUM(p.amount * 1.2) AS total, p.addr->city, TRANSFORM(p.tags, x => UCASE(x)) AS tags
FROM pageviews p WINDOW TUMBLING (SIZE 1 MINUTE, GRACE PERIOD 10 SECONDS)
WHERE p.url LIKE '%checkout%' AND p.labels['k'] > 1
GROUP BY p.user_id HAVING COUNT(*) > 3 EMIT CHANGES;`

func BenchmarkParseCreateAs(b *testing.B) {
	b.ReportAllocs()
	b.SetBytes(int64(len(typical)))
	for b.Loop() {
		if _, err := parser.Parse(typical); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParseInsertValues(b *testing.B) {
	const text = `INSERT INTO payments (id, amount, name) VALUES (17, 12.50, 'somebody');`
	b.ReportAllocs()
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if _, err := parser.Parse(text); err != nil {
			b.Fatal(err)
		}
	}
}

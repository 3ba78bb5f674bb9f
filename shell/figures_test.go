package shell

import (
	"context"
	"testing"
)

func TestQueryFigures(t *testing.T) {
	f := &fakeServer{answers: map[string]string{
		"A;": `[{"@type":"query_descriptions","queryDescriptions":[{"id":"Q","queryType":"PERSISTENT","state":"RUNNING","statementText":"X","sources":["S"],"sinks":["T"],` +
			`"consumerGroupId":"g","figures":{"tasks":4,"recordsIn":1000,"recordsOut":9,"recordsInPerSecond":12.5,"recordsOutPerSecond":0,"badRecords":1,"lateRecords":2,` +
			`"deadLetters":3,"lag":{"a":1,"b":70,"c":1},"watermark":1000,"streamTime":61000,"lastCommit":0,` +
			`"memory":{"open":1,"committed":2048,"operators":3145728,"waiting":0},"diskBytes":2147483648},` +
			`"servers":[{"host":"one:8088","state":"RUNNING","figures":{"tasks":3,"lag":{"b":70}}},{"host":"two:8088","state":"ERROR","error":"no topic","figures":{"tasks":1}}]}]}]`,
	}}
	s, out, _ := newTestShell(t, f, "table")
	if err := s.Script(context.Background(), "test", "A;"); err != nil {
		t.Fatal(err)
	}
	want := `Query:           Q
Type:            PERSISTENT
State:           RUNNING
Statement:       X
Reads:           S
Writes:          T
Consumer group:  g

Records in:      1000 (12.5 a second)
Records out:     9 (0 a second)
Left out:        1 bad, 2 late, 3 dead letters
Lag:             70 in b, 1 in a, 1 in c
Watermark:       1970-01-01T00:00:01.000Z
Stream time:     1970-01-01T00:01:01.000Z
Memory:          3.0 MiB: open 1 B, committed 2.0 KiB, operators 3.0 MiB, waiting 0 B
Disk:            2.0 GiB
Tasks:           4
 Field | Type
-------+------

 Server   | State           | Tasks | In/s | Out/s | Lag | Memory | Disk
----------+-----------------+-------+------+-------+-----+--------+------
 one:8088 | RUNNING         | 3     | 0    | 0     | 70  | 0 B    | 0 B
 two:8088 | ERROR: no topic | 1     | 0    | 0     | 0   | 0 B    | 0 B
`
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out, want)
	}
}

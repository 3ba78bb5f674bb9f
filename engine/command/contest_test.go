package command

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/millrace/millrace/engine/kafka"
	"github.com/millrace/millrace/engine/kafka/embedded"
)

// TestTwoServersSubmitAtOnce: each fences the other again and again, and every statement succeeds, once, in the same order for both.
func TestTwoServersSubmitAtOnce(t *testing.T) {
	b, err := embedded.Open(t.TempDir(), embedded.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	const servers, each = 2, 10
	var logs [servers]*Log
	var applied [servers][]string
	for i := range servers {
		c, err := kafka.Open(kafka.Config{Brokers: []string{b.Addr()}, Dial: b.Dial})
		if err != nil {
			t.Fatal(err)
		}
		topic, err := OpenTopic(ctx, c, "commands", "writer")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { topic.Close(); _ = c.Close() })
		logs[i] = NewLog(topic, func(_ context.Context, _ int64, c *Command) error {
			applied[i] = append(applied[i], c.Text)
			return nil
		})
	}
	var wg sync.WaitGroup
	for i, l := range logs {
		wg.Go(func() {
			for n := range each {
				_, err := l.Submit(ctx, func(int64) (*Command, error) {
					return &Command{Text: fmt.Sprint(i, " ", n), Changes: []Change{{Kind: DropSource, Name: "S"}}}, nil
				})
				if err != nil {
					t.Errorf("server %d, statement %d: %v", i, n, err)
				}
			}
		})
	}
	wg.Wait()
	for _, l := range logs {
		if err := l.CatchUp(ctx); err != nil {
			t.Fatal(err)
		}
	}
	once := slices.Compact(slices.Sorted(slices.Values(applied[0])))
	if len(applied[0]) != servers*each || len(once) != servers*each || !slices.Equal(applied[0], applied[1]) {
		t.Errorf("the servers have %q and %q", applied[0], applied[1])
	}
}

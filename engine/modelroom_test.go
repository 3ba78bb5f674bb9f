package engine

import (
	"errors"
	"testing"
	"testing/synctest"

	"github.com/millrace/millrace/udf/model"
)

// TestModelRoom: a model waits for those before it, and is refused when that takes too long.
func TestModelRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var room modelRoom
		small, err := room.take(t.Context(), 1)
		if err != nil {
			t.Fatal(err)
		}
		rest, err := room.take(t.Context(), model.DefaultMaxBytes-1)
		if err != nil {
			t.Fatal("what there is room for was refused:", err)
		}
		rest()
		_, err = room.take(t.Context(), model.DefaultMaxBytes)
		var busy *StatementError
		if !errors.As(err, &busy) || busy.Code != CodeTooManyRequests || busy.Rule != "model.busy" {
			t.Fatalf("more than there is room for: %v", err)
		}
		came := make(chan error)
		go func() {
			_, err := room.take(t.Context(), model.DefaultMaxBytes)
			came <- err
		}()
		synctest.Wait()
		select {
		case err := <-came:
			t.Fatal("it did not wait:", err)
		default:
		}
		small()
		if err := <-came; err != nil {
			t.Fatal(err)
		}
	})
}

package shelf

import (
	"errors"
	"runtime"
	"testing"
)

type thing struct{ name string }

func load(name string, loads *int) func() (*thing, error) {
	return func() (*thing, error) {
		*loads++
		return &thing{name}, nil
	}
}

func all(string) bool { return true }

// What is held is loaded once; what is kept stays though nobody holds it, and what is released goes.
func TestHeldAndKept(t *testing.T) {
	var s Shelf[string, thing]
	loads := 0
	held, err := s.Get("a", load("a", &loads))
	again, err2 := s.Get("a", load("a", &loads))
	if err := errors.Join(err, err2); err != nil || held != again || loads != 1 {
		t.Fatalf("%d loads, %v", loads, err)
	}
	if err := s.Keep("b", load("b", &loads)); err != nil {
		t.Fatal(err)
	}
	s.Release(func(k string) bool { return k == "a" })
	runtime.GC()
	if n := s.Len(); n != 2 {
		t.Errorf("%d values, want the held one and the kept one", n)
	}
	runtime.KeepAlive(held)
	runtime.KeepAlive(again)
	s.Release(all)
	runtime.GC()
	if s.Release(all); s.Len() != 0 || len(s.places) != 0 || len(s.kept) != 0 {
		t.Errorf("%d values are left, in %d places", s.Len(), len(s.places))
	}
}

// A value that cannot be loaded is not kept, and is tried again.
func TestNotLoaded(t *testing.T) {
	var s Shelf[string, thing]
	broken := errors.New("broken")
	if err := s.Keep("a", func() (*thing, error) { return nil, broken }); !errors.Is(err, broken) || len(s.kept) != 0 {
		t.Fatalf("%v, %d are kept", err, len(s.kept))
	}
	loads := 0
	if v, err := s.Get("a", load("a", &loads)); err != nil || v.name != "a" || loads != 1 {
		t.Errorf("%v, %d loads", err, loads)
	}
}

// While one value is loaded others are used, and it is not forgotten.
func TestWhileLoading(t *testing.T) {
	var s Shelf[string, thing]
	loads := 0
	slow, err := s.Get("slow", func() (*thing, error) {
		if _, err := s.Get("other", load("other", &loads)); err != nil {
			return nil, err
		}
		s.Release(all)
		return &thing{"slow"}, nil
	})
	if err != nil || s.places["slow"] == nil {
		t.Fatalf("%v, its place is %v", err, s.places["slow"])
	}
	if again, err := s.Get("slow", load("slow", &loads)); err != nil || again != slow || loads != 1 {
		t.Errorf("it was loaded twice: %d loads, %v", loads, err)
	}
	runtime.KeepAlive(slow)
}

package kafka

import "testing"

// TestSpareMemory: what was acknowledged is let go of, and a producer that rests keeps no memory for later batches.
func TestSpareMemory(t *testing.T) {
	s := newSender(&Client{}, ProducerConfig{}, nil)
	s.collect([]ProduceBatch{{Topic: "t", Records: []Record{{Key: []byte("k"), Value: []byte("v")}}}})
	s.seal()
	o := s.box(TopicPartition{"t", 0})
	b := o.queue[0]
	s.release(b.slab)
	if len(s.free) != 1 || s.spare == 0 {
		t.Fatalf("%d slabs are kept, of %d bytes", len(s.free), s.spare)
	}
	o.acknowledge(b)
	if kept := o.queue[:1][0]; kept != nil {
		t.Error("a batch is held on to that was acknowledged")
	}
	s.rest()
	if len(s.free) != 0 || s.spare != 0 {
		t.Errorf("at rest %d slabs are kept, of %d bytes", len(s.free), s.spare)
	}
}

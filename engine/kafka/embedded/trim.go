package embedded

import (
	"errors"

	"github.com/twmb/franz-go/pkg/kmsg"
)

const deleteRecords = 21

// keepLast holds requests to delete records back from the last record of a log: kfake knows after a start where a log ends by its last
// record alone, and would give a log that was emptied the offsets from 0 on again, below what its readers have committed.
func (b *Broker) keepLast(kreq kmsg.Request) (kmsg.Response, error, bool) {
	req := kreq.(*kmsg.DeleteRecordsRequest)
	var err error
	b.cluster.SleepControl(func() { err = b.clamp(req) }) // kfake answers nothing while it waits for its own control function
	return nil, err, err != nil
}

// clamp changes the offsets that a request would delete up to.
func (b *Broker) clamp(req *kmsg.DeleteRecordsRequest) error {
	b.trims.RLock()
	defer b.trims.RUnlock()
	if b.closed {
		return errors.New("embedded broker: closing")
	}
	for _, t := range req.Topics {
		for i := range t.Partitions {
			p := &t.Partitions[i]
			at := b.cluster.PartitionInfo(t.Topic, p.Partition)
			if at == nil || at.HighWatermark == at.LogStartOffset {
				continue
			}
			if p.Offset == at.HighWatermark || p.Offset == -1 {
				p.Offset = at.HighWatermark - 1
			}
		}
	}
	return nil
}

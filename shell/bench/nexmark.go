// Package bench measures Millrace from outside: a broker in its own process, a server in its own process, statements
// over HTTP, and the server's CPU time, allocations and memory as the operating system and the server report them.
package bench

import (
	"math"
	"math/rand/v2"
	"strconv"
)

// Generator makes bids of the Nexmark benchmark (Tucker, Tufte, Papadimos, Maier; parameters of the nexmark/nexmark project):
// ids and types follow from the event's number, attributes are random but seeded, so two runs make the same bytes.
type Generator struct {
	rng   *rand.Rand
	event int64
	rate  int64 // events a second of event time
	pad   []byte
}

// The proportions of one epoch of 50 events: 1 person, 3 auctions, 46 bids.
const (
	epochEvents   = 50
	epochAuctions = 3
	epochPersons  = 1

	firstID          = 1000
	inFlightAuctions = 100
	activePersons    = 1000
	idLead           = 10
	hotRatio         = 100
	baseTime         = 1436918400000 // 2015-07-15T00:00:00Z
	bidBytes         = 243
)

// NewGenerator returns a generator of bids whose event time moves at rate events a second.
func NewGenerator(seed uint64, rate int64) *Generator {
	g := &Generator{rng: rand.New(rand.NewPCG(seed, 7)), rate: rate, pad: make([]byte, bidBytes)}
	for i := range g.pad {
		g.pad[i] = byte('a' + g.rng.IntN(26))
	}
	return g
}

// Next appends the JSON of the next bid to dst and returns it with the bid's auction and event time (ms).
func (g *Generator) Next(dst []byte) (out []byte, auction, time int64) {
	for g.event%epochEvents < epochPersons+epochAuctions {
		g.event++
	}
	epoch := g.event / epochEvents
	lastAuction := epoch*epochAuctions + epochAuctions - 1
	lastPerson := epoch
	time = baseTime + g.event*1000/g.rate
	auction = firstID + g.pick(lastAuction, inFlightAuctions, 2, 0)
	bidder := firstID + g.pick(lastPerson, activePersons, 4, 1)
	price := int64(math.Round(math.Pow(10, g.rng.Float64()*6) * 100))
	g.event++
	return g.render(dst, auction, bidder, price, time), auction, time
}

// pick chooses the hot id with probability 1-1/hot, otherwise one of the last active ids or one that comes soon.
func (g *Generator) pick(last, active int64, hot int, offset int64) int64 {
	if g.rng.IntN(hot) > 0 {
		return last/hotRatio*hotRatio + offset
	}
	lowest := max(0, last-active)
	return lowest + g.rng.Int64N(last-lowest+1+idLead)
}

var channels = [...]string{"Google", "Facebook", "Baidu", "Apple"}

func (g *Generator) render(dst []byte, auction, bidder, price, time int64) []byte {
	start := len(dst)
	dst = append(dst, `{"auction":`...)
	dst = strconv.AppendInt(dst, auction, 10)
	dst = append(dst, `,"bidder":`...)
	dst = strconv.AppendInt(dst, bidder, 10)
	dst = append(dst, `,"price":`...)
	dst = strconv.AppendInt(dst, price, 10)
	channel := g.rng.IntN(10_000)
	if g.rng.IntN(2) == 0 {
		dst = append(append(dst, `,"channel":"`...), channels[channel%len(channels)]...)
	} else {
		dst = append(dst, `,"channel":"channel-`...)
		dst = strconv.AppendInt(dst, int64(channel), 10)
	}
	dst = append(dst, `","url":"https://www.nexmark.com/item.htm?query=1&channel_id=`...)
	dst = strconv.AppendInt(dst, int64(channel), 10)
	dst = append(dst, `","dateTime":`...)
	dst = strconv.AppendInt(dst, time, 10)
	dst = append(dst, `,"extra":"`...)
	if room := bidBytes - 2 - (len(dst) - start); room > 0 {
		dst = append(dst, g.pad[:room]...)
	}
	return append(dst, `"}`...)
}

package kafka

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/IBM/sarama"
)

// balance is the group's strategy: [allot], by what the members say of themselves when they join. It is cooperative: a slot that moves is
// given up in one round and given in the next; all others run on.
type balance struct {
	cfg *MembershipConfig

	mu    sync.Mutex
	given map[string]*Standbys // by the last Plan, which the group's leader made here
	mine  Standbys             // of this member

	protocol string // that the group used when it was last asked

	asked time.Time       // when this member last had the group share its slots again, since its copies were good
	pause time.Duration   // for how long it then lets the group be
	hoped map[int32]int64 // what it was to get then
}

// longestPause bounds the time in which a copy that has become good is not noticed.
const longestPause = 10 * time.Minute

// balanceName is the protocol's name in the group. Members of earlier releases know cooperative-sticky alone, and as long as there is one the group
// uses that.
const balanceName = "millrace"

// The format version of what members say and are told.
const balanceVersion = 1

// subscription is what a member says when it joins.
type subscription struct {
	Version  int                `json:"v"`
	Standbys int                `json:"standbys,omitempty"`
	Slots    map[int32][2]int64 `json:"slots,omitempty"` // tasks and state
}

// assignment is what a member is told beside its slots.
type assignment struct {
	Version  int             `json:"v"`
	Standbys []int32         `json:"standbys,omitempty"`
	Moving   map[int32]int64 `json:"moving,omitempty"`
}

var (
	_ sarama.RebalanceProtocolBalanceStrategy    = (*balance)(nil)
	_ sarama.SubscriptionUserDataBalanceStrategy = (*balance)(nil)
	_ sarama.OnAssignmentBalanceStrategy         = (*balance)(nil)
)

// Name implements sarama.BalanceStrategy.
func (b *balance) Name() string { return balanceName }

// SupportedProtocols implements sarama.RebalanceProtocolBalanceStrategy.
func (b *balance) SupportedProtocols() []sarama.RebalanceProtocol {
	return []sarama.RebalanceProtocol{sarama.RebalanceProtocolCooperative}
}

// SubscriptionUserData implements sarama.SubscriptionUserDataBalanceStrategy.
func (b *balance) SubscriptionUserData([]string) ([]byte, error) {
	s := subscription{Version: balanceVersion, Standbys: b.cfg.Standbys, Slots: map[int32][2]int64{}}
	for slot, l := range b.cfg.Load() {
		s.Slots[slot] = [2]int64{int64(l.Tasks), l.State}
	}
	return json.Marshal(s)
}

// Plan implements sarama.BalanceStrategy: the group's leader calls it.
func (b *balance) Plan(members map[string]sarama.ConsumerGroupMemberMetadata, topics map[string][]int32) (sarama.BalanceStrategyPlan, error) {
	var list []contender
	plan := sarama.BalanceStrategyPlan{}
	for id, meta := range members {
		if !slices.Contains(meta.Topics, b.cfg.Topic) {
			continue // it came to have the others join again
		}
		c := contender{id: id, owned: map[int32]int32{}, load: map[int32]SlotLoad{}}
		for _, o := range meta.OwnedPartitions {
			for _, slot := range o.Partitions {
				if o.Topic == b.cfg.Topic {
					c.owned[slot] = meta.GenerationID
				}
			}
		}
		b.hear(&c, meta.UserData)
		plan[id] = map[string][]int32{} // also who gets no slot is told of copies
		list = append(list, c)
	}
	a := allot(topics[b.cfg.Topic], list)
	for _, slot := range slices.Sorted(maps.Keys(a.owner)) {
		plan.Add(a.owner[slot], b.cfg.Topic, slot)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.given = a.standbys
	return plan, nil
}

// hear takes what a member says. What cannot be read is passed over: it costs a copy, and nothing else.
func (b *balance) hear(c *contender, data []byte) {
	var s subscription
	err := json.Unmarshal(data, &s)
	if err == nil && s.Version != balanceVersion {
		err = fmt.Errorf("format version %d, this release reads %d", s.Version, balanceVersion)
	}
	if err != nil {
		b.cfg.Report(fmt.Errorf("read what member %s of group %s says of its state: %w", c.id, b.cfg.Group, err))
		return
	}
	c.standbys = min(max(s.Standbys, 0), maxStandbys)
	for slot, l := range s.Slots {
		c.load[slot] = SlotLoad{Tasks: int(l[0]), State: l[1]}
	}
}

// maxStandbys is how many copies of a slot there may be.
const maxStandbys = 10

// AssignmentData implements sarama.BalanceStrategy.
func (b *balance) AssignmentData(member string, _ map[string][]int32, _ int32) ([]byte, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	a := assignment{Version: balanceVersion}
	if s := b.given[member]; s != nil {
		a.Standbys, a.Moving = s.Slots, s.Moving
	}
	return json.Marshal(a)
}

// OnAssignment implements sarama.OnAssignmentBalanceStrategy.
func (b *balance) OnAssignment(given *sarama.ConsumerGroupMemberAssignment, _ int32) {
	var a assignment
	if err := json.Unmarshal(given.UserData, &a); err != nil || a.Version != balanceVersion {
		a = assignment{} // the leader is of another release
	}
	b.mu.Lock()
	b.mine = Standbys{Slots: a.Standbys, Moving: a.Moving}
	if len(a.Moving) == 0 || b.got(given.Topics[b.cfg.Topic]) {
		b.pause = 0
	}
	b.mu.Unlock()
	b.cfg.StandBy(a.Standbys)
}

// got says that one of the slots is here for which the group was last asked.
func (b *balance) got(slots []int32) bool {
	return slices.ContainsFunc(slots, func(slot int32) bool { _, ok := b.hoped[slot]; return ok })
}

// warmed says that slots wait to move here, and can: the group is to share its slots again. A group that has fallen back on the protocol of an
// earlier release moves none to copies, and where a slot changes so fast that its copy is never near enough when all have joined none moves
// either: then it would be asked for nothing, again and again. So the first is not asked, and the second less and less often, until a slot comes.
func (b *balance) warmed(now time.Time) bool {
	b.mu.Lock()
	mine, due := b.mine, b.protocol == balanceName && len(b.mine.Moving) > 0 && now.Sub(b.asked) >= b.pause
	b.mu.Unlock()
	if !due || !mine.warmed(b.cfg.Load()) {
		return false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.asked, b.pause, b.hoped = now, min(max(2*b.pause, b.cfg.SessionTimeout), longestPause), mine.Moving
	return true
}

// speaks hears which protocol the group uses.
func (b *balance) speaks(protocol string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.protocol = protocol
}

package kafka

import (
	"encoding/json"
	"maps"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/IBM/sarama"
)

// TestFallenBack: a member that was told to take slots over when its copies are good asks for them only while the group shares slots so.
func TestFallenBack(t *testing.T) {
	b := &balance{cfg: &MembershipConfig{
		Load:    func() map[int32]SlotLoad { return map[int32]SlotLoad{1: {Tasks: 1, State: 100}} },
		StandBy: func([]int32) {},
	}}
	b.OnAssignment(&sarama.ConsumerGroupMemberAssignment{UserData: []byte(`{"v":1,"standbys":[1],"moving":{"1":100}}`)}, 1)
	for protocol, want := range map[string]bool{"": false, sarama.CooperativeStickyBalanceStrategyName: false, balanceName: true} {
		b.speaks(protocol)
		if b.warmed(time.Now()) != want {
			t.Errorf("a group that speaks %q is to share its slots again: %t", protocol, !want)
		}
	}
}

// TestCopyThatIsNeverGoodEnough: where the owner is always far ahead when the slots are shared, though the copy has what the owner had the last time,
// the group is asked less and less often; once a slot has come, and where nothing waits any more, at once again.
func TestCopyThatIsNeverGoodEnough(t *testing.T) {
	b := &balance{protocol: balanceName, cfg: &MembershipConfig{
		Topic: "slots", SessionTimeout: 6 * time.Second, StandBy: func([]int32) {},
		Load: func() map[int32]SlotLoad {
			return map[int32]SlotLoad{1: {Tasks: 1, State: 100}, 2: {Tasks: 1, State: 100}}
		},
	}}
	share := func(data string, slots ...int32) {
		b.OnAssignment(&sarama.ConsumerGroupMemberAssignment{Topics: map[string][]int32{"slots": slots}, UserData: []byte(data)}, 1)
	}
	now := time.Now()
	day := func(moving string) (asked int) {
		for range int(24 * time.Hour / (3 * time.Second)) {
			if now = now.Add(3 * time.Second); b.warmed(now) {
				asked++
				share(moving)
			}
		}
		return asked
	}
	const one, other = `{"v":1,"standbys":[1],"moving":{"1":100}}`, `{"v":1,"standbys":[2],"moving":{"2":100}}`
	share(one)
	if n := day(one); n < 24*6 || n > 24*6+10 {
		t.Errorf("the group was asked %d times a day, want every ten minutes", n)
	}
	if n := day(other); n > 24*6 {
		t.Errorf("when another slot was to move it was asked %d times a day", n)
	}
	share(one, 7, 8)
	if b.warmed(now) {
		t.Error("slots that were here before are taken for progress")
	}
	share(one, 7, 2) // for which it was asked last
	if !b.warmed(now) || b.warmed(now.Add(time.Second)) {
		t.Error("when a slot has come it is to be asked once, and then not at once again")
	}
	share(`{"v":1,"standbys":[1]}`)
	share(one)
	if !b.warmed(now.Add(2 * time.Second)) {
		t.Error("it is not asked though nothing has waited meanwhile")
	}
}

// TestHostileMembers: whatever members say of their state, and of what they have, each slot ends with one owner and is never with two.
func TestHostileMembers(t *testing.T) {
	const slots = 12
	reports := 0
	cfg := &MembershipConfig{Group: "g", Topic: "slots", Report: func(error) { reports++ }}
	b := &balance{cfg: cfg}
	numbers := []int64{math.MinInt64, -1, 0, 1, warmLag, math.MaxInt64}
	var all []int32
	for s := range int32(slots) {
		all = append(all, s)
	}
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 2))
		members := map[string]sarama.ConsumerGroupMemberMetadata{"guest": {}}
		for _, id := range []string{"a", "b", "c", "d"}[:1+rng.IntN(4)] {
			s := subscription{Version: 1, Standbys: int(numbers[rng.IntN(len(numbers))]), Slots: map[int32][2]int64{}}
			var owned []int32
			for slot := range int32(slots + 3) { // also slots that there are not
				s.Slots[slot] = [2]int64{numbers[rng.IntN(len(numbers))], numbers[rng.IntN(len(numbers))]}
				if rng.IntN(3) == 0 {
					owned = append(owned, slot) // others may say so too
				}
			}
			data, err := json.Marshal(s)
			if err != nil {
				t.Fatal(err)
			}
			switch rng.IntN(5) {
			case 0:
				data = nil
			case 1:
				data = []byte(`{"v":2,"slots":"of another form"}`)
			}
			members[id] = sarama.ConsumerGroupMemberMetadata{
				Topics: []string{"slots"}, UserData: data, GenerationID: int32(rng.IntN(3) - 1),
				OwnedPartitions: []*sarama.OwnedPartition{{Topic: "slots", Partitions: owned}, {Topic: "other", Partitions: all}},
			}
		}
		for round := range 4 { // what is given up in one is given in the next
			plan, err := b.Plan(maps.Clone(members), map[string][]int32{"slots": all})
			if err != nil {
				t.Fatal(err)
			}
			owner := map[int32]string{}
			for id, topics := range plan {
				for _, slot := range topics["slots"] {
					if owner[slot] != "" || slot >= slots || id == "guest" {
						t.Errorf("seed %d: slot %d is given to %s, and to %q", seed, slot, id, owner[slot])
					}
					owner[slot] = id
				}
			}
			if round == 3 && len(owner) != slots {
				t.Errorf("seed %d: %d slots have an owner", seed, len(owner))
			}
			for id, m := range members {
				if id != "guest" {
					m.OwnedPartitions = []*sarama.OwnedPartition{{Topic: "slots", Partitions: plan[id]["slots"]}}
					m.GenerationID = 10
					members[id] = m
				}
			}
		}
	}
	if reports == 0 {
		t.Error("what could not be read was passed over in silence")
	}
}

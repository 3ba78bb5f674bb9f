package kafka

import (
	"encoding/json"
	"maps"
	"math"
	"math/rand/v2"
	"testing"

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
		if b.warmed() != want {
			t.Errorf("a group that speaks %q is to share its slots again: %t", protocol, !want)
		}
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

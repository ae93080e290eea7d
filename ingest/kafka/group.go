package kafka

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/heartbeat"
)

// group is this process's membership of its consumer group: the client side of Kafka's classic group
// protocol (join, sync, heartbeat, leave) over kafka-go's Client.
//
// kafka-go's ConsumerGroup is not used, for what it does when things go wrong: it leaves the group and
// forgets its member id whenever the coordinator cannot be reached, so that after a broker's restart the
// group waits a whole session timeout for a member that never died; it assigns nothing at all while one
// of its topics is missing; and it takes no context. Here a membership outlives outages: the heartbeats
// go on when the coordinator is back, and if it kept the group, no partition moves.
type group struct {
	cfg         *Config
	cluster     *cluster
	member      string   // id the coordinator gave; empty before the first join
	coordinator net.Addr // nil when it has to be looked up
}

// generation is the state of the group between two rebalances, as far as this member needs it.
type generation struct {
	id     int
	leader bool           // this member shares out the partitions, and watches for new ones
	counts map[string]int // partitions of each topic that the leader knew of
	// offsets holds the assigned partitions with their committed offsets, -1 where there is none.
	offsets map[partitionKey]int64
}

// balancers are the ways to share out partitions this member knows, by preference.
var balancers = [...]kafka.GroupBalancer{kafka.RangeGroupBalancer{}, kafka.RoundRobinGroupBalancer{}}

// join takes part in the next generation. It blocks until every member has rejoined, RebalanceTimeout at
// most.
func (g *group) join(ctx context.Context) (*generation, error) {
	ctx, cancel := context.WithTimeout(ctx, g.cfg.RebalanceTimeout+2*fetchGrace)
	defer cancel()
	res, err := g.enter(ctx)
	if err != nil {
		return nil, err
	}
	gen := &generation{id: res.GenerationID, leader: res.LeaderID == res.MemberID}
	var shares []kafka.SyncGroupRequestAssignment
	if gen.leader {
		if shares, gen.counts, err = g.share(ctx, res); err != nil {
			return nil, err
		}
	}
	sync, err := g.cluster.client.SyncGroup(ctx, &kafka.SyncGroupRequest{
		GroupID: g.cfg.Group, GenerationID: gen.id, MemberID: g.member,
		ProtocolType: groupProtocol, ProtocolName: res.ProtocolName, Assignments: shares,
	})
	if err == nil {
		err = sync.Error
	}
	if err != nil {
		return nil, err
	}
	gen.offsets, err = g.committed(ctx, sync.Assignment.AssignedPartitions)
	return gen, err
}

const groupProtocol = "consumer"

// enter sends the request to join. The first answer to a new member is its id, to be joined with (KIP-394);
// an id the coordinator has forgotten is given up for a new one.
func (g *group) enter(ctx context.Context) (*kafka.JoinGroupResponse, error) {
	req := &kafka.JoinGroupRequest{
		GroupID: g.cfg.Group, SessionTimeout: g.cfg.SessionTimeout, RebalanceTimeout: g.cfg.RebalanceTimeout,
		ProtocolType: groupProtocol,
	}
	for _, b := range balancers {
		req.Protocols = append(req.Protocols, kafka.GroupProtocol{
			Name: b.ProtocolName(), Metadata: kafka.GroupProtocolSubscription{Topics: g.cfg.Topics},
		})
	}
	for range 3 {
		req.MemberID = g.member
		res, err := g.cluster.client.JoinGroup(ctx, req)
		if err != nil {
			return nil, err
		}
		switch {
		case errors.Is(res.Error, kafka.MemberIDRequired):
			g.member = res.MemberID
		case errors.Is(res.Error, kafka.UnknownMemberId):
			g.member = ""
		case res.Error != nil:
			return nil, res.Error
		default:
			g.member = res.MemberID
			return res, nil
		}
	}
	return nil, fmt.Errorf("the coordinator gave a member id and forgot it: %w", kafka.UnknownMemberId)
}

// share assigns the partitions of all members' topics; this member was made the leader. Topics that do
// not exist are left out.
func (g *group) share(ctx context.Context, res *kafka.JoinGroupResponse) ([]kafka.SyncGroupRequestAssignment, map[string]int, error) {
	var members []kafka.GroupMember
	var topics []string
	for _, m := range res.Members {
		members = append(members, kafka.GroupMember{ID: m.ID, Topics: m.Metadata.Topics, UserData: m.Metadata.UserData})
		topics = append(topics, m.Metadata.Topics...)
	}
	slices.Sort(topics)
	counts, err := g.count(ctx, slices.Compact(topics))
	if err != nil {
		return nil, nil, err
	}
	var partitions []kafka.Partition
	for topic, n := range counts {
		for id := range n {
			partitions = append(partitions, kafka.Partition{Topic: topic, ID: id})
		}
	}
	i := slices.IndexFunc(balancers[:], func(b kafka.GroupBalancer) bool { return b.ProtocolName() == res.ProtocolName })
	if i < 0 {
		return nil, nil, fmt.Errorf("the group shares out partitions by %q, which this member does not know", res.ProtocolName)
	}
	var shares []kafka.SyncGroupRequestAssignment
	for id, share := range balancers[i].AssignGroups(members, partitions) {
		shares = append(shares, kafka.SyncGroupRequestAssignment{
			MemberID: id, Assignment: kafka.GroupProtocolAssignment{AssignedPartitions: share},
		})
	}
	return shares, counts, nil
}

// count looks up the partitions of the topics. Those that only other members read are not among the
// transport's, so it takes a connection of its own.
func (g *group) count(ctx context.Context, topics []string) (map[string]int, error) {
	foreign := slices.ContainsFunc(topics, func(t string) bool { return !slices.Contains(g.cfg.Topics, t) })
	if !foreign {
		return g.cluster.topics(ctx, topics)
	}
	cl, err := g.cfg.newCluster(topics)
	if err != nil {
		return nil, err
	}
	defer cl.close()
	return cl.topics(ctx, topics)
}

// committed fetches the group's offsets of the assigned partitions.
func (g *group) committed(ctx context.Context, assigned map[string][]int) (map[partitionKey]int64, error) {
	offsets := map[partitionKey]int64{}
	if len(assigned) == 0 {
		return offsets, nil
	}
	res, err := g.cluster.client.OffsetFetch(ctx, &kafka.OffsetFetchRequest{GroupID: g.cfg.Group, Topics: assigned})
	if err == nil {
		err = res.Error
	}
	if err != nil {
		return nil, err
	}
	for topic, list := range res.Topics {
		for _, p := range list {
			if p.Error != nil {
				return nil, fmt.Errorf("committed offset of %s/%d: %w", topic, p.Partition, p.Error)
			}
			offsets[partitionKey{topic, int32(p.Partition)}] = max(-1, p.CommittedOffset)
		}
	}
	return offsets, nil
}

// heartbeat tells the coordinator that this member is alive. The request goes to the coordinator's
// address, because kafka-go does not know it for one of a group's and would send it to any broker.
func (g *group) heartbeat(ctx context.Context, gen *generation) error {
	ctx, cancel := context.WithTimeout(ctx, commitTimeout)
	defer cancel()
	if err := g.locate(ctx); err != nil {
		return err
	}
	m, err := g.cluster.rt.RoundTrip(ctx, g.coordinator, &heartbeat.Request{
		GroupID: g.cfg.Group, GenerationID: int32(gen.id), MemberID: g.member,
	})
	if err == nil {
		err = heartbeatError(m)
	}
	if err != nil {
		g.coordinator = nil // it may have moved
	}
	return err
}

// heartbeatError reads the error code of a heartbeat's response. Since version 1 the response is a throttle
// time of 4 bytes and an error code of 2; kafka-go 0.4.51 reads them the other way round. So its ErrorCode
// is the upper half of the throttle time, 0 in practice, and the code is the lower half of its
// ThrottleTimeMs. Version 0 has the code alone, which is read right.
func heartbeatError(m protocol.Message) error {
	r, ok := m.(*heartbeat.Response)
	if !ok {
		return fmt.Errorf("heartbeat answered with %T", m)
	}
	if code := cmp.Or(r.ErrorCode, int16(r.ThrottleTimeMs)); code != 0 {
		return kafka.Error(code)
	}
	return nil
}

// locate looks the coordinator up when it is not known.
func (g *group) locate(ctx context.Context) error {
	if g.coordinator != nil {
		return nil
	}
	res, err := g.cluster.client.FindCoordinator(ctx, &kafka.FindCoordinatorRequest{Key: g.cfg.Group, KeyType: kafka.CoordinatorKeyTypeConsumer})
	if err == nil {
		err = res.Error
	}
	if err != nil {
		return err
	}
	g.coordinator = kafka.TCP(net.JoinHostPort(res.Coordinator.Host, strconv.Itoa(res.Coordinator.Port)))
	return nil
}

// leaveTimeout bounds the good-bye, which only saves the others a session timeout.
const leaveTimeout = 2 * time.Second

// leave gives the partitions up at once.
func (g *group) leave(ctx context.Context) {
	if g.member == "" {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, leaveTimeout)
	defer cancel()
	if g.locate(ctx) != nil {
		return
	}
	_, _ = g.cluster.client.LeaveGroup(ctx, &kafka.LeaveGroupRequest{
		Addr: g.coordinator, GroupID: g.cfg.Group, Members: []kafka.LeaveGroupRequestMember{{ID: g.member}},
	})
}

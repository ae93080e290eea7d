package milvus

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"sync"
	"testing"

	"github.com/milvus-io/milvus-proto/go-api/v2/commonpb"
	"github.com/milvus-io/milvus-proto/go-api/v2/milvuspb"
	"github.com/milvus-io/milvus-proto/go-api/v2/schemapb"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/protoadapt"
)

// fake is a Milvus server in memory that has the measured behaviour of 2.3.5 standalone: what it refuses
// as a whole, what it takes in silence, and how its errors look on the wire. Rows are visible at once.
type fake struct {
	milvuspb.UnimplementedMilvusServiceServer

	address  string
	maxBytes int // of a request; 64 MiB on a real server
	server   *grpc.Server
	served   chan struct{}

	mu        sync.Mutex
	tables    map[string]*fakeTable
	aliases   map[string]*fakeTable // of dropped collections too
	unloaded  bool                  // collections are not loaded, as after a restart
	unhealthy string                // the reason given by the health check
	requests  []request             // all calls, in order
	before    hook
}

// hook is asked before each call and may fail or block it.
type hook func(ctx context.Context, method string) error

// request is one call that arrived.
type request struct {
	method string
	rows   int // of an upsert
	bytes  int
}

// fakeTable is one collection.
type fakeTable struct {
	schema  *schemapb.CollectionSchema
	index   map[string][]*commonpb.KeyValuePair // by field
	loaded  bool
	dropped bool
	rows    []fakeRow
}

// fakeRow is one row: string, int64, float32, float64 or []float32 by field name.
type fakeRow map[string]any

// newFake starts a server on a loopback port.
func newFake(t testing.TB) *fake {
	t.Helper()
	f := &fake{address: "127.0.0.1:0", maxBytes: 64 << 20, tables: map[string]*fakeTable{}, aliases: map[string]*fakeTable{}}
	f.start(t)
	t.Cleanup(f.stop)
	return f
}

// start serves on f.address and stores the port it got.
func (f *fake) start(t testing.TB) {
	t.Helper()
	listener, err := net.Listen("tcp", f.address)
	if err != nil {
		t.Fatal(err)
	}
	f.address = listener.Addr().String()
	f.server = grpc.NewServer(grpc.MaxRecvMsgSize(f.maxBytes), grpc.UnaryInterceptor(f.intercept))
	milvuspb.RegisterMilvusServiceServer(f.server, f)
	f.served = make(chan struct{})
	go func(server *grpc.Server, served chan struct{}) {
		defer close(served)
		_ = server.Serve(listener) // ends when stop is called
	}(f.server, f.served)
}

// stop ends the server as a crash would: connections are cut, and what is stored stays.
func (f *fake) stop() {
	f.server.Stop()
	<-f.served
}

func (f *fake) intercept(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
	r := request{method: info.FullMethod[len("/milvus.proto.milvus.MilvusService/"):], bytes: proto.Size(protoadapt.MessageV2Of(req.(protoadapt.MessageV1)))}
	if u, ok := req.(*milvuspb.UpsertRequest); ok {
		r.rows = int(u.NumRows)
	}
	f.mu.Lock()
	f.requests = append(f.requests, r)
	before := f.before
	f.mu.Unlock()
	if before != nil {
		if err := before(ctx, r.method); err != nil {
			return nil, err
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return handler(ctx, req)
}

// calls returns the requests of one method.
func (f *fake) calls(method string) (out []request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, r := range f.requests {
		if r.method == method {
			out = append(out, r)
		}
	}
	return out
}

// set changes the server between calls.
func (f *fake) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

// drop removes a collection and leaves its aliases dangling, as a real server does.
func (f *fake) drop(name string) {
	f.set(func() {
		f.tables[name].dropped = true
		delete(f.tables, name)
	})
}

func okStatus() *commonpb.Status { return &commonpb.Status{} }

func refuse(format string, args ...any) *commonpb.Status {
	return &commonpb.Status{ErrorCode: commonpb.ErrorCode_UnexpectedError, Code: 65535, Reason: fmt.Sprintf(format, args...)}
}

// find looks a collection up by name or alias. The methods below run under f.mu.
func (f *fake) find(name string) (*fakeTable, *commonpb.Status) {
	if t := f.tables[name]; t != nil {
		return t, nil
	}
	if t := f.aliases[name]; t != nil && !t.dropped {
		return t, nil
	}
	return nil, &commonpb.Status{
		ErrorCode: commonpb.ErrorCode_CollectionNotExists, Code: 100,
		Reason: "can't find collection collection not found[database=default][collection=" + name + "]",
	}
}

// loaded is find for calls that need the collection in memory.
func (f *fake) loaded(name string) (*fakeTable, *commonpb.Status) {
	t, status := f.find(name)
	if status == nil && (!t.loaded || f.unloaded) {
		status = refuse("collection not loaded[collection=%s]", name)
		status.Code = 101
	}
	return t, status
}

func (f *fake) HasCollection(_ context.Context, r *milvuspb.HasCollectionRequest) (*milvuspb.BoolResponse, error) {
	_, missing := f.find(r.CollectionName)
	return &milvuspb.BoolResponse{Status: okStatus(), Value: missing == nil}, nil
}

func (f *fake) CreateCollection(_ context.Context, r *milvuspb.CreateCollectionRequest) (*commonpb.Status, error) {
	if f.tables[r.CollectionName] != nil {
		return refuse("create duplicate collection with different parameters, collection: %s", r.CollectionName), nil
	}
	var schema schemapb.CollectionSchema
	if err := unmarshal(r.Schema, &schema); err != nil {
		return nil, err
	}
	f.tables[r.CollectionName] = &fakeTable{schema: &schema, index: map[string][]*commonpb.KeyValuePair{}}
	return okStatus(), nil
}

func (f *fake) DescribeCollection(_ context.Context, r *milvuspb.DescribeCollectionRequest) (*milvuspb.DescribeCollectionResponse, error) {
	t, status := f.find(r.CollectionName)
	if status != nil {
		return &milvuspb.DescribeCollectionResponse{Status: status}, nil
	}
	return &milvuspb.DescribeCollectionResponse{Status: okStatus(), Schema: t.schema, CollectionName: t.schema.Name}, nil
}

func (f *fake) CreateIndex(_ context.Context, r *milvuspb.CreateIndexRequest) (*commonpb.Status, error) {
	t, status := f.find(r.CollectionName)
	if status != nil {
		return status, nil
	}
	if t.index[r.FieldName] != nil {
		return refuse("at most one distinct index is allowed per field"), nil
	}
	t.index[r.FieldName] = r.ExtraParams
	return okStatus(), nil
}

func (f *fake) DescribeIndex(_ context.Context, r *milvuspb.DescribeIndexRequest) (*milvuspb.DescribeIndexResponse, error) {
	t, status := f.find(r.CollectionName)
	if status == nil && t.index[r.FieldName] == nil {
		status = &commonpb.Status{ErrorCode: commonpb.ErrorCode_IndexNotExist, Code: 700, Reason: "index not found"}
	}
	if status != nil {
		return &milvuspb.DescribeIndexResponse{Status: status}, nil
	}
	return &milvuspb.DescribeIndexResponse{Status: okStatus(), IndexDescriptions: []*milvuspb.IndexDescription{
		{IndexName: r.FieldName, FieldName: r.FieldName, Params: t.index[r.FieldName]},
	}}, nil
}

func (f *fake) LoadCollection(_ context.Context, r *milvuspb.LoadCollectionRequest) (*commonpb.Status, error) {
	t, status := f.find(r.CollectionName)
	if status != nil {
		return status, nil
	}
	if t.index[fieldEmbedding] == nil {
		return refuse("there is no vector index on collection: %s, please create index firstly", r.CollectionName), nil
	}
	t.loaded = true
	return okStatus(), nil
}

// GetLoadState answers 0, "not exist", and no error for a missing collection.
func (f *fake) GetLoadState(_ context.Context, r *milvuspb.GetLoadStateRequest) (*milvuspb.GetLoadStateResponse, error) {
	state := commonpb.LoadState_LoadStateLoaded
	if t, status := f.find(r.CollectionName); status != nil {
		state = commonpb.LoadState_LoadStateNotExist
	} else if f.unloaded {
		state = commonpb.LoadState_LoadStateLoading
	} else if !t.loaded {
		state = commonpb.LoadState_LoadStateNotLoad
	}
	return &milvuspb.GetLoadStateResponse{Status: okStatus(), State: state}, nil
}

func (f *fake) CheckHealth(context.Context, *milvuspb.CheckHealthRequest) (*milvuspb.CheckHealthResponse, error) {
	if f.unhealthy != "" {
		return &milvuspb.CheckHealthResponse{Status: okStatus(), Reasons: []string{f.unhealthy}}, nil
	}
	return &milvuspb.CheckHealthResponse{Status: okStatus(), IsHealthy: true}, nil
}

func (f *fake) CreateAlias(_ context.Context, r *milvuspb.CreateAliasRequest) (*commonpb.Status, error) {
	if f.aliases[r.Alias] != nil {
		return refuse("%s is alias to another collection", r.Alias), nil
	}
	t, status := f.find(r.CollectionName)
	if status != nil {
		return status, nil
	}
	f.aliases[r.Alias] = t
	return okStatus(), nil
}

func (f *fake) AlterAlias(_ context.Context, r *milvuspb.AlterAliasRequest) (*commonpb.Status, error) {
	if f.aliases[r.Alias] == nil {
		return refuse("alias %s does not exist", r.Alias), nil
	}
	t, status := f.find(r.CollectionName)
	if status != nil {
		return status, nil
	}
	f.aliases[r.Alias] = t
	return okStatus(), nil
}

// unmarshal decodes a message of this protocol's Go package, which is of the older kind.
func unmarshal(b []byte, m protoadapt.MessageV1) error {
	return proto.Unmarshal(b, protoadapt.MessageV2Of(m))
}

// parameter reads a field's type parameter ("dim", "max_length").
func parameter(field *schemapb.FieldSchema, key string) int {
	for _, p := range field.TypeParams {
		if p.Key == key {
			n, err := strconv.Atoi(p.Value)
			if err == nil {
				return n
			}
		}
	}
	return 0
}

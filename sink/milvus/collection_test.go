package milvus

import (
	"strings"
	"testing"

	"github.com/galaxalign/galaxalign/schemas"
	"github.com/galaxalign/galaxalign/sink"
)

// aliased returns the name of the collection that an alias stands for.
func (f *fake) aliased(alias string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if t := f.aliases[alias]; t != nil && !t.dropped {
		return t.schema.Name
	}
	return ""
}

func TestNames(t *testing.T) {
	for _, c := range []struct{ name, hash, alias, collection string }{
		{"starter", "00112233445566778899", "p_starter", "p_starter_001122334455"},
		{"zoobot-v2.1/größe", "ab", "p_zoobot_v2_1_gr__e", "p_zoobot_v2_1_gr__e_ab"},
	} {
		m := &schemas.ModelInfo{Name: c.name, Hash: c.hash}
		if got := AliasName("p", m); got != c.alias {
			t.Errorf("alias %s, want %s", got, c.alias)
		}
		if got := CollectionName("p", m); got != c.collection {
			t.Errorf("collection %s, want %s", got, c.collection)
		}
	}
}

func TestCollectionIsMadeOnceAndLookedAtOnce(t *testing.T) {
	f := newFake(t)
	m := testModel(2)
	for range 2 { // two processes, one after the other
		s := open(t, Config{Address: f.address})
		for range 3 {
			mustWrite(t, s, m, records(m, 3))
		}
	}
	for method, want := range map[string]int{
		"CreateCollection": 1, "CreateIndex": 1, "CreateAlias": 1, "AlterAlias": 0, "LoadCollection": 2,
	} {
		if got := len(f.calls(method)); got != want {
			t.Errorf("%d calls of %s, want %d", got, method, want)
		}
	}
	params := map[string]string{}
	for _, p := range f.tables[CollectionName("galaxalign", m)].index[fieldEmbedding] {
		params[p.Key] = p.Value
	}
	if params["index_type"] != "HNSW" || params["metric_type"] != "COSINE" || params["params"] != `{"M":"16","efConstruction":"200"}` {
		t.Errorf("index %v, want HNSW, COSINE, M 16, efConstruction 200", params)
	}
}

// Each step is cut short in turn; the next write finishes the work.
func TestHalfMadeCollectionsHeal(t *testing.T) {
	m := testModel(2)
	for _, method := range []string{"HasCollection", "CreateCollection", "CreateIndex", "LoadCollection", "CreateAlias", "Upsert"} {
		t.Run(method, func(t *testing.T) {
			f := newFake(t)
			s := open(t, Config{Address: f.address})
			f.failWith(method, errInternal)
			err := s.Write(t.Context(), &sink.Batch{Model: m, Records: records(m, 3)}, &sink.Report{})
			if !sink.Retryable(err) || !strings.Contains(err.Error(), errInternal.Error()) {
				t.Fatalf("error %v, want the server's, worth another try", err)
			}
			f.failWith("", nil)
			mustWrite(t, s, m, records(m, 3))
			search := s.Searcher(m)
			if err := search.Ready(t.Context()); err != nil {
				t.Error(err)
			}
			wantCount(t, search, 3)
			if got := f.aliased(AliasName("galaxalign", m)); got != search.collection {
				t.Errorf("the alias names %q", got)
			}
		})
	}
}

func TestCollectionIsMadeAgainAfterItWasDropped(t *testing.T) {
	f := newFake(t)
	s := open(t, Config{Address: f.address})
	m := testModel(2)
	rows := records(m, 5)
	mustWrite(t, s, m, rows)
	search := s.Searcher(m)
	f.drop(search.collection)
	var r sink.Report
	r.Written = 7
	if err := s.Write(t.Context(), &sink.Batch{Model: m, Records: rows}, &r); !sink.Retryable(err) || r.Written != 0 {
		t.Fatalf("write into a dropped collection: %v, %+v, want an error worth another try and nothing written", err, r)
	}
	mustWrite(t, s, m, rows)
	wantCount(t, search, 5)
	if got := f.aliased(AliasName("galaxalign", m)); got != search.collection {
		t.Errorf("the alias names %q, want the new collection", got)
	}
}

// An older version that only lost its connection leaves the alias with the newer one.
func TestAliasStaysWithTheVersionThatStartedLast(t *testing.T) {
	f := newFake(t)
	m := testModel(2)
	next := *m
	next.Hash = "fedcba9876543210"
	alias := AliasName("galaxalign", m)
	before, after := open(t, Config{Address: f.address}), open(t, Config{Address: f.address})
	mustWrite(t, before, m, records(m, 2))
	mustWrite(t, after, &next, records(&next, 2))
	f.failWith("Upsert", errInternal)
	if err := before.Write(t.Context(), &sink.Batch{Model: m, Records: records(m, 2)}, &sink.Report{}); err == nil {
		t.Fatal("no error")
	}
	f.failWith("", nil)
	mustWrite(t, before, m, records(m, 2))
	if got := f.aliased(alias); got != CollectionName("galaxalign", &next) {
		t.Errorf("the alias names %s, want the newer version", got)
	}
	mustWrite(t, open(t, Config{Address: f.address}), m, records(m, 2)) // going back to the older on purpose
	if got := f.aliased(alias); got != CollectionName("galaxalign", m) {
		t.Errorf("the alias names %s, want the version started last", got)
	}
}

func TestOtherDimensionIsRefusedInASentence(t *testing.T) {
	f := newFake(t)
	m := testModel(4)
	mustWrite(t, open(t, Config{Address: f.address}), m, records(m, 2))
	s := open(t, Config{Address: f.address})
	other := testModel(8)
	err := s.Write(t.Context(), &sink.Batch{Model: other, Records: records(other, 2)}, &sink.Report{})
	const want = "milvus: collection galaxalign_unit_0123456789ab holds vectors of length 4, the model makes 8: " +
		"drop the collection or set another sinks.milvus.collection"
	if err == nil || err.Error() != want {
		t.Fatalf("error %v, want %s", err, want)
	}
	if n := len(f.calls("Upsert")); n != 1 {
		t.Errorf("%d upserts, want none of the other length", n-1)
	}
}

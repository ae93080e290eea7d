package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/galaxalign/galaxalign/cmd/internal/assemble"
	"github.com/galaxalign/galaxalign/cmd/internal/config"
	"github.com/galaxalign/galaxalign/schemas"
	"github.com/galaxalign/galaxalign/sink"
)

// searchOptions are the flags of search.
type searchOptions struct {
	file, like, image string
	k                 int
	filter            sink.Filter
	cone              []float64
	after, before     string
	asJSON            bool
}

func newSearch() *cobra.Command {
	o := searchOptions{}
	cmd := &cobra.Command{
		Use:   "search -c FILE (--like RECORD | --image FILE)",
		Short: "Find the records most like a record or a picture",
		Long: `Finds the records whose embeddings are nearest to that of a stored record (--like) or of a FITS file or
alert packet (--image), by cosine similarity, in the vector store of the configuration. The embedded index
belongs to one process at a time: while a run holds it, ask the run's page, or use Milvus.`,
		Example: `  galaxalign search -c night.yaml --like 5f0c... -k 20 --label "Barred Spiral"
  galaxalign search -c night.yaml --image galaxy.fits --cone 150.1,2.2,3600`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runSearch(cmd, o) },
	}
	configFlag(cmd, &o.file)
	f := cmd.Flags()
	f.StringVar(&o.like, "like", "", "record id, 32 hexadecimal digits")
	f.StringVar(&o.image, "image", "", "FITS file or alert packet")
	f.IntVarP(&o.k, "number", "k", 10, "hits")
	f.StringVar(&o.filter.Label, "label", "", "only records of this class")
	f.Float32Var(&o.filter.MinProb, "min-probability", 0, "only records with at least this probability")
	f.Float64SliceVar(&o.cone, "cone", nil, "only records in this cone: RA,DEC,RADIUS in degrees, degrees, arcsec")
	f.StringVar(&o.after, "after", "", "only records observed at or after this time (2026-01-02T03:04:05Z)")
	f.StringVar(&o.before, "before", "", "only records observed before this time")
	f.BoolVar(&o.asJSON, "json", false, "print JSON, a hit a line")
	cmd.MarkFlagsOneRequired("like", "image")
	cmd.MarkFlagsMutuallyExclusive("like", "image")
	return cmd
}

func runSearch(cmd *cobra.Command, o searchOptions) (err error) {
	if err := o.complete(); err != nil {
		return err
	}
	cfg, err := config.Load(o.file)
	if err != nil {
		return err
	}
	rt, err := openRuntime(cmd)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rt.Close()) }()
	s, err := assemble.OpenSearch(cmd.Context(), rt, cfg)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close(cmd.Context())) }()
	vector, err := o.vector(cmd.Context(), s)
	if err != nil {
		return err
	}
	hits, err := s.Search(cmd.Context(), sink.Query{Vector: vector, K: o.k, Filter: o.filter})
	if err != nil {
		return err
	}
	return printHits(cmd.OutOrStdout(), hits, o.asJSON)
}

// complete turns the flags that are written as text into the filter.
func (o *searchOptions) complete() error {
	var errs []error
	for _, t := range []struct {
		name, text string
		to         *time.Time
	}{{"after", o.after, &o.filter.After}, {"before", o.before, &o.filter.Before}} {
		if t.text == "" {
			continue
		}
		parsed, err := time.Parse(time.RFC3339, t.text)
		if err != nil {
			errs = append(errs, fmt.Errorf("--%s %q is not a time: write 2026-01-02T03:04:05Z", t.name, t.text))
		}
		*t.to = parsed
	}
	if len(o.cone) > 0 {
		if len(o.cone) != 3 || o.cone[2] <= 0 || math.Abs(o.cone[1]) > 90 {
			errs = append(errs, errors.New("--cone needs RA,DEC,RADIUS in degrees, degrees and arcsec"))
		} else {
			o.filter.RA, o.filter.Dec, o.filter.RadiusArcsec = o.cone[0], o.cone[1], o.cone[2]
		}
	}
	return errors.Join(errs...)
}

// vector is the embedding to look for.
func (o *searchOptions) vector(ctx context.Context, s *assemble.Search) ([]float32, error) {
	if o.image != "" {
		payload, err := os.ReadFile(o.image)
		if err != nil {
			return nil, err
		}
		return s.Embed(payload, o.image)
	}
	id, err := schemas.ParseRecordID(o.like)
	if err != nil {
		return nil, err
	}
	return s.Searcher.Get(ctx, id)
}

func printHits(w io.Writer, hits []sink.Hit, asJSON bool) error {
	if asJSON {
		out := json.NewEncoder(w)
		for _, h := range hits {
			if err := out.Encode(hitJSON(h)); err != nil {
				return err
			}
		}
		return nil
	}
	for _, h := range hits {
		fmt.Fprintf(w, "%.4f  %s  %-24s %5.1f%%  %s %s", h.Similarity, h.ID, h.Label, 100*h.Probability, h.Survey, h.ObjectID)
		if !math.IsNaN(h.RA) {
			fmt.Fprintf(w, "  %.5f %+.5f", h.RA, h.Dec)
		}
		fmt.Fprintln(w)
	}
	if len(hits) == 0 {
		fmt.Fprintln(w, "nothing found")
	}
	return nil
}

// hitJSON is a hit without the NaN that JSON cannot hold.
func hitJSON(h sink.Hit) map[string]any {
	out := map[string]any{
		"record_id": h.ID.String(), "similarity": h.Similarity, "survey": h.Survey, "object_id": h.ObjectID,
		"observation_id": h.ObservationID, "label": h.Label, "probability": h.Probability,
	}
	if !math.IsNaN(h.RA) {
		out["ra"], out["dec"] = h.RA, h.Dec
	}
	if !h.ObservedAt.IsZero() {
		out["observed_at"] = h.ObservedAt
	}
	return out
}

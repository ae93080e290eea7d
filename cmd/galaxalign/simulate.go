package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/galaxalign/galaxalign/ingest/kafka"
	"github.com/galaxalign/galaxalign/ingest/simulate"
)

// simulateOptions are the flags of simulate.
type simulateOptions struct {
	survey     simulate.Config
	format     string
	brokers    []string
	topic      string
	partitions int
	out, sheet string
	count      uint64
	rate       float64
	poisson    bool
	burst      bool
}

// topicsTimeout is how long the brokers may take to answer for the topic that is published to.
const topicsTimeout = 10 * time.Second

func newSimulate() *cobra.Command {
	o := simulateOptions{}
	cmd := &cobra.Command{
		Use:   "simulate",
		Short: "Draw galaxies and publish them as a survey would",
		Long: `Renders galaxies of the ten Galaxy10 classes and publishes them to a Kafka topic (--brokers, --topic)
or writes them as files (--out), as FITS cutouts in g, r and z or as ZTF-shaped alert packets. The same
seed gives the same sky. --sheet draws a contact sheet of all classes instead.`,
		Example: `  galaxalign simulate --brokers 127.0.0.1:9092 --topic cutouts --rate 100
  galaxalign simulate --format ztf --brokers 127.0.0.1:9092 --topic ztf --burst
  galaxalign simulate --out sky --count 200
  galaxalign simulate --sheet galaxies.png`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runSimulate(cmd, o) },
	}
	f := cmd.Flags()
	f.StringVar(&o.format, "format", "fits", "fits or ztf")
	f.Uint64Var(&o.survey.Seed, "seed", 1, "seed of the sky")
	f.IntVar(&o.survey.Size, "size", 96, "pixels a side of FITS cutouts")
	f.Uint64Var(&o.survey.Distinct, "distinct", 0, "render only so many skies and repeat them under new names (0: all differ)")
	f.IntVar(&o.survey.Workers, "workers", 2, "render workers")
	f.StringSliceVar(&o.brokers, "brokers", nil, "Kafka brokers")
	f.StringVar(&o.topic, "topic", "", "topic; made when it is not there")
	f.IntVar(&o.partitions, "partitions", 4, "partitions of a topic that is made")
	f.StringVar(&o.out, "out", "", "folder to write files to instead")
	f.StringVar(&o.sheet, "sheet", "", "PNG file for a contact sheet instead")
	f.Uint64Var(&o.count, "count", 0, "packets in all (0: until interrupted; files: 100)")
	f.Float64Var(&o.rate, "rate", 10, "packets a second")
	f.BoolVar(&o.poisson, "poisson", false, "at random times of that mean rate")
	f.BoolVar(&o.burst, "burst", false, "10,000 in 3 s, every 37 s, as Rubin Observatory")
	return cmd
}

func runSimulate(cmd *cobra.Command, o simulateOptions) error {
	if o.sheet != "" {
		return writeSheet(o)
	}
	switch o.format {
	case "fits":
		o.survey.Format = simulate.FormatFITS
	case "ztf":
		o.survey.Format = simulate.FormatZTF
	default:
		return fmt.Errorf("--format %q is not known: write fits or ztf", o.format)
	}
	if o.out == "" && !o.burst && !(o.rate > 0) {
		return fmt.Errorf("--rate %g: want a number of packets a second above 0", o.rate)
	}
	o.survey.Start = time.Now().UTC().Truncate(time.Second)
	survey, err := simulate.New(o.survey)
	if err != nil {
		return err
	}
	if o.out != "" {
		return writeFiles(cmd, survey, o)
	}
	if len(o.brokers) == 0 || o.topic == "" {
		return errors.New("give --brokers and --topic to publish, --out to write files, or --sheet for a picture")
	}
	return publishSurvey(cmd, survey, o)
}

func writeSheet(o simulateOptions) error {
	f, err := os.Create(o.sheet)
	if err != nil {
		return err
	}
	const columns = 8
	return errors.Join(simulate.ContactSheet(f, o.survey.Seed, columns, o.survey.Size), f.Close())
}

// writeFiles writes each packet to a file named after its object.
func writeFiles(cmd *cobra.Command, survey *simulate.Survey, o simulateOptions) error {
	if o.count == 0 {
		o.count = 100
	}
	extension := ".fits"
	if survey.Config().Format == simulate.FormatZTF {
		extension = ".avro"
	}
	if err := os.MkdirAll(o.out, 0o755); err != nil {
		return err
	}
	for i := range o.count {
		if err := cmd.Context().Err(); err != nil {
			return err
		}
		p, err := survey.Next(i)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(o.out, p.ObjectID+extension), p.Value, 0o644); err != nil {
			return err
		}
	}
	fmt.Fprintf(cmd.OutOrStdout(), "%d files in %s\n", o.count, o.out)
	return nil
}

// publishSurvey sends packets at the pace until the count is reached or the command is interrupted.
func publishSurvey(cmd *cobra.Command, survey *simulate.Survey, o simulateOptions) error {
	connection := kafka.Connection{Brokers: o.brokers}
	ensuring, cancel := context.WithTimeout(cmd.Context(), topicsTimeout)
	defer cancel()
	if err := kafka.EnsureTopics(ensuring, connection, kafka.Topic{Name: o.topic, Partitions: o.partitions}); err != nil {
		return err
	}
	producer, err := kafka.NewProducer(kafka.ProducerConfig{Connection: connection})
	if err != nil {
		return err
	}
	sent := 0
	send := func(ctx context.Context, packets []simulate.Packet) error {
		messages := make([]kafka.Message, len(packets))
		for i, p := range packets {
			messages[i] = kafka.Message{Key: p.Key, Value: p.Value, Time: p.Due}
		}
		if err := producer.Produce(context.WithoutCancel(ctx), o.topic, messages); err != nil {
			return err
		}
		sent += len(messages)
		return nil
	}
	started := time.Now()
	err = simulate.Run(cmd.Context(), survey, o.pace(), send)
	if errors.Is(err, context.Canceled) {
		err = nil
	}
	took := time.Since(started)
	fmt.Fprintf(cmd.OutOrStdout(), "%d packets published to %s in %s\n", sent, o.topic, took.Round(time.Millisecond))
	return errors.Join(err, producer.Close())
}

func (o simulateOptions) pace() simulate.Pace {
	pace := simulate.Constant(o.rate)
	switch {
	case o.burst:
		pace = simulate.LSSTBurst()
	case o.poisson:
		pace = simulate.Poisson(o.rate, o.survey.Seed)
	}
	if o.count > 0 {
		pace = pace.First(o.count)
	}
	return pace
}

// Package parquet writes records to Parquet files, with the durability, naming and duplicate handling of
// package arrowfile: a Parquet file cannot be read before it is closed, so records are made durable in
// arrowfile's segments and sealed as Parquet.
//
// Guarantee: that of package arrowfile.
//
// # The files
//
// Columns are those of schemas.ArrowSchema; lists are Parquet LISTs, never fixed-size ones. Row groups
// aim at 64 MiB and hold at most 65,536 records. Pages are zstd level 1. Strings that repeat from row to
// row (survey, topic, model and its hashes, label) are dictionary encoded; floats and ids are not, since
// their dictionaries would only be built to be thrown away. The Arrow schema is stored, so Arrow readers
// get time zones, field descriptions and the schema metadata back; the same keys are in the file's
// key-value metadata for other readers.
package parquet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/compress"
	"github.com/apache/arrow/go/v17/parquet/file"
	"github.com/apache/arrow/go/v17/parquet/pqarrow"

	"github.com/galaxalign/galaxalign/sink/arrowfile"
)

// Open opens a sink that writes Parquet files; see arrowfile.Open.
func Open(cfg arrowfile.Config, opts ...arrowfile.Option) (*arrowfile.Sink, error) {
	return arrowfile.Open(cfg, append([]arrowfile.Option{arrowfile.WithFormat(Format{})}, opts...)...)
}

// Format is the Parquet format of sealed files. It implements arrowfile.Format.
type Format struct{}

// Name returns "parquet".
func (Format) Name() string { return "parquet" }

// Extension returns ".parquet".
func (Format) Extension() string { return ".parquet" }

// BatchBytes returns 64 MiB, the size of a row group before compression.
func (Format) BatchBytes() int { return 64 << 20 }

// repeating are the columns whose values repeat from row to row.
var repeating = [...]string{"survey", "topic", "model", "model_version", "model_hash", "recipe_hash", "label"}

// NewWriter begins a file; each Write becomes a row group.
func (Format) NewWriter(w io.WriteSeeker, schema *arrow.Schema) (arrowfile.Writer, error) {
	props := []parquet.WriterProperty{
		parquet.WithCompression(compress.Codecs.Zstd),
		parquet.WithCompressionLevel(1),
		parquet.WithDictionaryDefault(false),
		parquet.WithStatsFor("embedding.list.element", false),
		parquet.WithStatsFor("probabilities.list.element", false),
	}
	for _, name := range repeating {
		props = append(props, parquet.WithDictionaryFor(name, true))
	}
	return pqarrow.NewFileWriter(schema, onlyWriter{w}, parquet.NewWriterProperties(props...),
		pqarrow.NewArrowWriterProperties(pqarrow.WithStoreSchema()))
}

// onlyWriter hides what else the file can do: the Parquet writer closes what it can close.
type onlyWriter struct{ io.Writer }

// Metadata reads the schema metadata and compares the number of rows it states with the footer's.
func (Format) Metadata(r arrowfile.Reader) (arrow.Metadata, error) {
	f, err := file.NewParquetReader(keepOpen{r})
	if err != nil {
		return arrow.Metadata{}, err
	}
	pq, err := pqarrow.NewFileReader(f, pqarrow.ArrowReadProperties{}, memory.DefaultAllocator)
	if err != nil {
		return arrow.Metadata{}, errors.Join(err, f.Close())
	}
	schema, err := pq.Schema()
	if err != nil {
		return arrow.Metadata{}, errors.Join(err, f.Close())
	}
	md := schema.Metadata()
	if rows, ok := md.GetValue(arrowfile.MetaRows); ok && rows != strconv.FormatInt(f.NumRows(), 10) {
		return md, errors.Join(fmt.Errorf("the footer counts %d rows, the metadata %s", f.NumRows(), rows), f.Close())
	}
	return md, f.Close()
}

// keepOpen hides Close: the caller of Metadata and RecordIDs owns the file.
type keepOpen struct{ arrowfile.Reader }

// RecordIDs reads the first column, record_id.
func (Format) RecordIDs(r arrowfile.Reader, visit func(*array.String) error) error {
	f, err := file.NewParquetReader(keepOpen{r})
	if err != nil {
		return err
	}
	return errors.Join(readIDs(f, visit), f.Close())
}

func readIDs(f *file.Reader, visit func(*array.String) error) error {
	const column = 0
	pq, err := pqarrow.NewFileReader(f, pqarrow.ArrowReadProperties{BatchSize: 65_536}, memory.DefaultAllocator)
	if err != nil {
		return err
	}
	records, err := pq.GetRecordReader(context.Background(), []int{column}, nil)
	if err != nil {
		return err
	}
	defer records.Release()
	for records.Next() {
		ids, ok := records.Record().Column(0).(*array.String)
		if !ok || records.Schema().Field(0).Name != "record_id" {
			return fmt.Errorf("the first column is %s, want record_id", records.Schema().Field(0))
		}
		if err := visit(ids); err != nil {
			return err
		}
	}
	if err := records.Err(); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	return nil
}

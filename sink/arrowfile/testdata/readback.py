"""Read a folder of records as its users would and compare it with what was written.

usage: readback.py FOLDER EXPECTED.json {arrow|parquet}

FOLDER may hold an open segment and a lock beside the sealed files; readers must not see them.
EXPECTED.json is a list of {id, object_id, ra, observed_us, label, probability, embedding, path}.
"""
import json
import sys
import glob
import math

import pyarrow as pa
import pyarrow.dataset as ds

folder, expected_path, kind = sys.argv[1:4]
expected = {r["id"]: r for r in json.load(open(expected_path))}


def same(a, b):
    return (a is None and b is None) or (a is not None and b is not None and math.isclose(a, b, rel_tol=1e-6, abs_tol=1e-9))


def check(rows, reader):
    assert len(rows) == len(expected), f"{reader}: {len(rows)} rows, want {len(expected)}"
    for row in rows:
        want = expected[row["record_id"]]
        assert row["object_id"] == want["object_id"], (reader, row, want)
        assert row["label"] == want["label"], (reader, row, want)
        assert same(row["ra"], want["ra"]), (reader, row, want)
        assert same(row["probability"], want["probability"]), (reader, row, want)
        assert row["path"] == want["path"], (reader, row, want)
        emb = list(row["embedding"])
        assert len(emb) == len(want["embedding"]), (reader, len(emb))
        assert all(same(a, b) for a, b in zip(emb, want["embedding"])), (reader, row["record_id"])


dataset = ds.dataset(folder, format="ipc" if kind == "arrow" else kind)
table = dataset.to_table()
assert table.schema.field("observed_at").type == pa.timestamp("us", tz="UTC"), table.schema
embedding = table.schema.field("embedding").type
assert pa.types.is_list(embedding) and embedding.value_type == pa.float32(), embedding
rows = table.to_pylist()
check(rows, "pyarrow dataset")
for row in rows:
    want = expected[row["record_id"]]["observed_us"]
    got = None if row["observed_at"] is None else round(row["observed_at"].timestamp() * 1e6)
    assert got == want, (got, want)

pattern = f"{folder}/**/*.{kind}"
files = sorted(glob.glob(pattern, recursive=True))
total = 0
for path in files:
    if kind == "arrow":
        with pa.memory_map(path) as source:
            reader = pa.ipc.open_file(source)
            metadata = reader.schema.metadata
            count = reader.read_all().num_rows
            reader.read_all().validate(full=True)
    else:
        import pyarrow.parquet as pq

        file = pq.ParquetFile(path)
        metadata = file.schema_arrow.metadata
        count = file.metadata.num_rows
        assert b"galaxalign.classes" in file.metadata.metadata
    assert metadata[b"galaxalign.record_version"] == b"1", metadata
    assert int(metadata[b"galaxalign.rows"]) == count, (metadata, count)
    offsets = json.loads(metadata[b"galaxalign.offsets"])
    assert sum(r["rows"] for r in offsets) == count, offsets
    total += count
assert total == len(expected)

readers = ["pyarrow"]
try:
    import pandas  # noqa: F401

    check(table.to_pandas().replace({float("nan"): None}).to_dict("records"), "pandas")
    readers.append("pandas")
except ImportError:
    pass
try:
    import duckdb

    if kind == "parquet":
        got = duckdb.sql(f"select * from read_parquet('{pattern}')").to_arrow_table().to_pylist()
    else:
        got = duckdb.sql("select * from dataset").to_arrow_table().to_pylist()
    check(got, "duckdb")
    readers.append("duckdb")
except ImportError:
    pass
print("read", total, "rows in", len(files), "files with", ", ".join(readers))

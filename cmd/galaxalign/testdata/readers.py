"""Reads what a run has written with the readers of other projects, and prints OK when all agree."""

import argparse
import json
import pathlib
import random

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.dataset as ds
from pymilvus import Collection, connections


def check(what, got, want):
    if got != want:
        raise SystemExit(f"{what}: {got!r}, want {want!r}")


def files(folder, extension):
    """The files a reader takes: no part of the path below folder begins with an underscore."""
    found = [p for p in sorted(pathlib.Path(folder).rglob(f"*.{extension}"))
             if not any(part.startswith(("_", ".")) for part in p.relative_to(folder).parts)]
    if not found:
        raise SystemExit(f"no *.{extension} in {folder}")
    return [str(p) for p in found]


def check_table(what, table, args):
    """Row count, identities, list lengths and metadata of a table."""
    check(f"{what}: rows", table.num_rows, args.rows)
    frame = table.select(["record_id", "label", "probability", "probabilities", "embedding"]).to_pandas()
    check(f"{what}: record ids", frame.record_id.nunique(), args.rows)
    check(f"{what}: lengths of the embeddings", set(frame.embedding.map(len)), {args.embedding})
    vectors = np.stack(frame.embedding)
    check(f"{what}: type of the embeddings", vectors.dtype, np.float32)
    if not np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5):
        raise SystemExit(f"{what}: embeddings are not of unit length")
    classes = json.loads(table.schema.metadata[b"galaxalign.classes"])
    check(f"{what}: classes", classes, args.classes)
    check(f"{what}: embedding in the metadata", int(table.schema.metadata[b"galaxalign.embedding"]), args.embedding)
    best = np.stack(frame.probabilities)
    check(f"{what}: classes of the probabilities", best.shape, (args.rows, len(classes)))
    for i in range(len(classes)):
        of_class = frame.label == classes[i]
        if not (frame.probability[of_class] == best[of_class, i]).all():
            raise SystemExit(f"{what}: probability of {classes[i]} is not that of its column")
    print(f"{what}: {table.num_rows} rows, labels {frame.label.value_counts().to_dict()}")
    return frame.set_index("record_id").sort_index()


def read_arrow(args):
    names = files(args.arrow, "arrow")
    table = ds.dataset(names, format="arrow").to_table()
    by_file = pa.concat_tables([pa.ipc.open_file(n).read_all() for n in names])
    check("Arrow: rows by file", by_file.num_rows, table.num_rows)
    return check_table("Arrow", by_file.replace_schema_metadata(by_file.schema.metadata), args), table


def read_parquet(args):
    names = files(args.parquet, "parquet")
    frame = check_table("Parquet", ds.dataset(names, format="parquet").to_table(), args)
    check("Parquet: rows by pandas", sum(len(pd.read_parquet(n)) for n in names), args.rows)
    return frame, names


def check_duckdb(arrow, parquet):
    """DuckDB joins both and compares."""
    db = duckdb.connect()
    db.register("arrow", arrow)
    got = db.execute(
        """select count(*), count(distinct a.record_id), sum((a.embedding = p.embedding)::int),
                  sum((a.label = p.label and a.probability = p.probability and a.object_id = p.object_id)::int),
                  min(len(p.embedding)), max(len(p.embedding))
           from arrow a join read_parquet(?) p using (record_id)""", [parquet]).fetchone()
    return got


def check_milvus(args, frame):
    """Milvus counts the same and has the vectors of the files."""
    host, port = args.milvus.rsplit(":", 1)
    connections.connect(host=host, port=port)
    table = Collection(args.collection)
    count = table.query(expr="", output_fields=["count(*)"], consistency_level="Strong")[0]["count(*)"]
    check("Milvus: count", count, args.rows)
    ids = random.sample(list(frame.index), min(50, args.rows))
    hits = table.query(expr=f"record_id in {json.dumps(ids)}", output_fields=["embedding", "label", "probability"],
                       consistency_level="Strong")
    check("Milvus: records found", {h["record_id"] for h in hits}, set(ids))
    worst = 0.0
    for h in hits:
        row = frame.loc[h["record_id"]]
        check(f"Milvus: label of {h['record_id']}", h["label"], row.label)
        check(f"Milvus: probability of {h['record_id']}", np.float32(h["probability"]), np.float32(row.probability))
        worst = max(worst, float(np.abs(np.array(h["embedding"], np.float32) - row.embedding).max()))
    check("Milvus: largest difference of an embedding", worst, 0.0)
    print(f"Milvus: {count} rows, {len(hits)} of them compared")


def main():
    p = argparse.ArgumentParser()
    for name in ("arrow", "parquet", "milvus", "collection"):
        p.add_argument(f"--{name}", required=True)
    p.add_argument("--rows", type=int, required=True)
    p.add_argument("--embedding", type=int, required=True)
    p.add_argument("--classes", type=lambda s: s.split(","), required=True)
    args = p.parse_args()
    arrow, table = read_arrow(args)
    parquet, names = read_parquet(args)
    if not arrow.index.equals(parquet.index):
        raise SystemExit("Arrow and Parquet hold different records")
    n = args.rows
    check("DuckDB", check_duckdb(table, names), (n, n, n, n, args.embedding, args.embedding))
    check_milvus(args, arrow)
    print("OK")


if __name__ == "__main__":
    main()

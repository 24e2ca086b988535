"""Writes the Parquet files of this directory and, beside each, its rows as JSON lines.

    python gen_parquet.py

Made with Python 3.11 and pyarrow 26.0.1; the rows are fixed, so the same versions give
the same bytes. NAME.jsonl is written from the rows in Python, not read back from Parquet.
"""

import json
import pathlib

import pyarrow as pa
import pyarrow.parquet as pq

HERE = pathlib.Path(__file__).parent

WORDS = ["river", "Straße", "水", "🦆 duck", "", "a \"quoted\" word", "tab\tand\nline", "é" * 40]


def rows(n):
    """Rows with nulls at every level, empty and nested lists, and a structure like ARC's."""
    out = []
    for i in range(n):
        k = i % 7
        labels = ["A", "B", "C", "D", "E"][: i % 6]
        out.append({
            "id": f"row-{i}",
            "text": None if k == 3 else WORDS[i % len(WORDS)] + " " + WORDS[(i * 5) % len(WORDS)],
            "small": None if k == 1 else i - 40,
            "big": (-1) ** i * (1 << (i % 62)),
            "unsigned": i * 40000,
            "score": None if k == 2 else i / 8 - 3,
            "half": (i % 100) * 0.25,
            "yes": None if k == 5 else i % 3 == 0,
            "nothing": None,
            "ids": None if k == 4 else [j * i for j in range(i % 5)],
            "holes": [None if j % 2 else j for j in range(i % 4)],
            "choices": None if k == 6 else {"text": [WORDS[(i + j) % 8] for j in range(len(labels))], "label": labels},
            "deep": None if k == 0 else [
                None if j == 2 else [{"w": WORDS[(i + j + m) % 8] if m else None, "n": [m] * m} for m in range(j)]
                for j in range(i % 4)
            ],
            "pairs": [None if j == 1 else {"a": j, "b": None if j == 0 else {"c": str(j)}} for j in range(i % 3)],
            "day": ["1970-01-01", "1969-12-31", "2026-02-28"][i % 3],
            "at": ["1970-01-01T00:00:00", "2001-09-09T01:46:40.5", "1969-12-31T23:59:59.999999"][i % 3],
        })
    return out


SCHEMA = pa.schema([
    pa.field("id", pa.string(), nullable=False),
    ("text", pa.string()), ("small", pa.int32()), ("big", pa.int64()), ("unsigned", pa.uint32()),
    ("score", pa.float64()), ("half", pa.float32()), ("yes", pa.bool_()), ("nothing", pa.null()),
    ("ids", pa.list_(pa.int64())), ("holes", pa.list_(pa.int32())),
    ("choices", pa.struct([("text", pa.list_(pa.string())), ("label", pa.list_(pa.string()))])),
    ("deep", pa.list_(pa.list_(pa.struct([("w", pa.string()), ("n", pa.list_(pa.int16()))])))),
    ("pairs", pa.list_(pa.struct([("a", pa.int8()), ("b", pa.struct([("c", pa.string())]))]))),
    ("day", pa.date32()), ("at", pa.timestamp("us")),
])


def arrow(row):
    """The row as pyarrow takes it: days and times are no texts there."""
    import datetime
    return row | {"day": datetime.date.fromisoformat(row["day"]), "at": datetime.datetime.fromisoformat(
        row["at"].replace(".5", ".500000") if row["at"].endswith(".5") else row["at"])}


def write(name, data, schema, **options):
    table = pa.Table.from_pylist(data if "day" not in schema.names else [arrow(r) for r in data], schema=schema)
    pq.write_table(table.replace_schema_metadata(None), HERE / f"{name}.parquet", store_schema=False, **options)


def expect(name, data):
    with open(HERE / f"{name}.jsonl", "w", encoding="utf-8") as f:
        for row in data:
            f.write(json.dumps(row, ensure_ascii=False) + "\n")


def plain(value):
    """A value that pyarrow gave, as a record has it: days, times, decimals and UUIDs are
    their text in Python (times without zeros at the end), raw bytes the text they are;
    those that are none have no form."""
    import datetime
    import decimal
    import uuid

    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, list):
        return [plain(v) for v in value]
    if isinstance(value, (datetime.date, datetime.time)):
        text = value.isoformat()
        return text.rstrip("0").rstrip(".") if "." in text else text
    if isinstance(value, (decimal.Decimal, uuid.UUID)):
        return str(value)
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            return None
    return value


def types():
    """Columns of the types that tables of measurements and images have."""
    import datetime
    import decimal

    dec = decimal.Decimal
    columns = {
        "dec4": pa.array([dec("1.25"), None, dec("-0.01"), dec("99999.99")], pa.decimal128(7, 2)),
        "dec8": pa.array([dec("1e-9"), dec("0"), None, dec("-12345.123456789")], pa.decimal128(18, 9)),
        "dec16": pa.array([dec("-1"), dec("12345678901234567890123456789012345678"), dec("0"), None], pa.decimal128(38, 0)),
        "dec32": pa.array([None, dec("-1.5e-19"), dec("3"), dec("123456789012345678901234567890.5")], pa.decimal256(60, 20)),
        "half": pa.array([1.5, -0.0, None, 0.25], pa.float16()),
        "halves": pa.array([[65504.0, 2.0**-24], [], None, [2.0**-14, -2.0]], pa.list_(pa.float16())),
        "t_ms": pa.array([datetime.time(1, 2, 3, 40000), None, datetime.time(0), datetime.time(23, 59, 59, 999000)], pa.time32("ms")),
        "t_us": pa.array([datetime.time(1, 2, 3, 4), None, datetime.time(0), datetime.time(23, 59, 59)], pa.time64("us")),
        "t_ns": pa.array([datetime.time(1, 2, 3, 4), None, datetime.time(12), datetime.time(23)], pa.time64("ns")),
        "day": pa.array([datetime.date(2026, 11, 28), datetime.date(1, 1, 1), None, datetime.date(9999, 12, 31)], pa.date32()),
        "at_ms": pa.array([datetime.datetime(2026, 1, 2, 3, 4, 5, 678000), None, datetime.datetime(1969, 12, 31), datetime.datetime(1900, 1, 1)], pa.timestamp("ms")),
        "at_ns": pa.array([1, None, -1, 1_700_000_000_000_000_000], pa.timestamp("ns")),
        "bin": pa.array([b"text", None, b"", "é".encode()], pa.binary()),
        "fix": pa.array([b"abc", b"def", None, b"ghi"], pa.binary(3)),
        "raw": pa.array([b"\xff\x00", None, b"\x89PNG", b"\xfe"], pa.binary()),
        "uuid": pa.array([bytes(range(16)), None, bytes(16), b"\xff" * 16], pa.uuid()),
        "image": pa.array([{"bytes": b"\xff\xd8", "path": "a.jpg"}, None, {"bytes": None, "path": "b"}, {"bytes": b"ok", "path": None}]),
        "query": pa.array(["a", "b", "c", "d"]),
    }
    table = pa.table(columns)
    old = pa.table({"query": columns["query"], "int96": pa.array(
        [0, None, 1_600_000_000_123_456_789, -86_400_000_000_001], pa.timestamp("ns"))})
    expect("types", [plain(r) for r in table.to_pylist()])
    expect("int96", [plain(r) for r in old.to_pylist()])
    split = {"half": "BYTE_STREAM_SPLIT", "dec16": "BYTE_STREAM_SPLIT", "dec4": "DELTA_BINARY_PACKED", "fix": "DELTA_BYTE_ARRAY",
             "bin": "DELTA_LENGTH_BYTE_ARRAY", "raw": "DELTA_BYTE_ARRAY", "t_us": "DELTA_BINARY_PACKED"}
    for name, options in {
        "brotli": {"compression": "brotli", "data_page_version": "2.0"},
        "bytes": {"compression": "zstd", "use_dictionary": False, "store_decimal_as_integer": False},
        "ints": {"compression": "brotli", "use_dictionary": False, "store_decimal_as_integer": True, "row_group_size": 3},
        "split": {"compression": "none", "use_dictionary": False, "store_decimal_as_integer": True, "column_encoding": split},
    }.items():
        pq.write_table(table, HERE / f"types-{name}.parquet", store_schema=False, **options)
    pq.write_table(old, HERE / "int96.parquet", store_schema=False, use_deprecated_int96_timestamps=True)
    pq.write_table(old, HERE / "int96-plain.parquet", store_schema=False, use_deprecated_int96_timestamps=True, use_dictionary=False)


def main():
    data = rows(90)
    expect("rows", data)
    for codec in ["none", "snappy", "gzip", "zstd", "lz4"]:
        for version in ["1.0", "2.0"]:
            write(f"rows-{codec}-v{version[0]}", data, SCHEMA, compression=codec, data_page_version=version,
                  row_group_size=40, data_page_size=300, write_batch_size=8, write_page_checksum=codec == "gzip")
    write("rows-plain", data, SCHEMA, compression="snappy", use_dictionary=False, write_statistics=False)
    write("rows-delta", data, SCHEMA, compression="zstd", use_dictionary=False, row_group_size=50, column_encoding={
        "id": "DELTA_BYTE_ARRAY", "text": "DELTA_LENGTH_BYTE_ARRAY", "small": "DELTA_BINARY_PACKED",
        "big": "DELTA_BINARY_PACKED", "score": "BYTE_STREAM_SPLIT", "half": "BYTE_STREAM_SPLIT",
        "choices.text.list.element": "DELTA_BYTE_ARRAY", "ids.list.element": "DELTA_BINARY_PACKED"})
    write("rows-legacy", data, SCHEMA, compression="snappy", use_compliant_nested_type=False, version="1.0")

    # One value in a great many rows: runs, and more rows than bytes.
    same = [{"label": 1, "none": None} for _ in range(20000)]
    write("same", same, pa.schema([("label", pa.int64()), ("none", pa.string())]), compression="zstd")

    # The smallest file of a structure, for edits of its bytes.
    arc = [{"id": "q1", "choices": {"text": ["sun", "moon"], "label": ["A", "B"]}, "answer": 0},
           {"id": "q2", "choices": {"text": ["salt", "sand"], "label": ["A", "B"]}, "answer": 1}]
    expect("arc", arc)
    schema = pa.schema([("id", pa.string()), ("choices", SCHEMA.field("choices").type), ("answer", pa.int64())])
    for codec in ["none", "snappy", "gzip", "zstd", "lz4"]:
        write(f"arc-{codec}", arc, schema, compression=codec, write_statistics=False, store_decimal_as_integer=False)
    write("arc-v2", arc, schema, compression="snappy", write_statistics=False, data_page_version="2.0")

    types()

    # What older versions of this package refused by the column's name.
    import decimal
    refuse = {
        "decimal": (pa.decimal128(9, 2), decimal.Decimal("1.25")),
        "time": (pa.time64("us"), 5),
        "bytes": (pa.binary(), b"\xff\xd8\xff"),
        "float16": (pa.float16(), 1.5),
    }
    for name, (kind, value) in refuse.items():
        table = pa.table({"id": ["a"], name: pa.array([value], kind)})
        pq.write_table(table, HERE / f"refused-{name}.parquet", store_schema=False)
    table = pa.table({"id": ["a"], "int96": pa.array([0], pa.timestamp("ns"))})
    pq.write_table(table, HERE / "refused-int96.parquet", store_schema=False, use_deprecated_int96_timestamps=True)
    pq.write_table(pa.table({"id": ["a"]}), HERE / "refused-brotli.parquet", store_schema=False, compression="brotli")
    pq.write_table(pa.table({"id": pa.array([], pa.string())}), HERE / "empty.parquet", store_schema=False)


if __name__ == "__main__":
    main()

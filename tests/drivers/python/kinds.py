"""Every type of column, and a value of it that is easily spoilt on its way."""

import datetime as dt
from decimal import Decimal

# name, type in SQL, value
KINDS = [
    ("tiny", "tinyint", -128),
    ("tiny_unsigned", "tinyint unsigned", 255),
    ("small", "smallint", -32768),
    ("medium_unsigned", "mediumint unsigned", 16777215),
    ("plain_int", "int", -2147483648),
    ("int_unsigned", "int unsigned", 4294967295),
    ("big", "bigint", -9223372036854775808),
    ("big_unsigned", "bigint unsigned", 18446744073709551615),
    ("decimals", "decimal(40,10)", Decimal("-123456789012345678901234567890.0123456789")),
    ("single", "float", 1.5),
    ("twice", "double", 0.1),
    ("bits", "bit(10)", b"\x02\x01"),
    ("day", "date", dt.date(2024, 2, 29)),
    ("moment", "datetime(6)", dt.datetime(2024, 2, 29, 23, 59, 59, 123456)),
    ("stamp", "timestamp(6)", dt.datetime(2037, 12, 31, 1, 2, 3, 4)),
    ("span", "time(6)", -dt.timedelta(hours=838, minutes=59, seconds=58, microseconds=999999)),
    ("in_year", "year", 2155),
    ("fixed", "char(6)", "Größe"),
    ("four_bytes", "varchar(20)", "𝕊hoal 😀 'quoted\" \\"),
    ("fixed_bytes", "binary(4)", b"\x00\xff'\\"),
    ("bytes", "varbinary(300)", bytes(range(256))),
    ("long_text", "mediumtext", "ünï" * 30000),
    ("lob", "blob", b"\x00\x1a\n\r\\'\"\xff"),
    ("choice", "enum('first','ß')", "ß"),
    ("choices", "set('x','y','z')", "x,z"),
    ("document", "json", '{"a": [1, null, "é😀"]}'),
    ("nothing", "int", None),
    ("empty_text", "varchar(20)", ""),
]

CREATE = "create table kinds (id int primary key, " + ", ".join(f"{n} {t}" for n, t, _ in KINDS) + ", place geometry)"

# SRID 0, little endian, a point, 1.0 and -2.0: what a geometry looks like to a client that knows none.
POINT = bytes.fromhex("00000000" "01" "01000000" "000000000000f03f" "00000000000000c0")

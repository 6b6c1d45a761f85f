"""Columns of attributes as columns of text, whole columns at a time."""

import json
from collections.abc import Callable

import pyarrow as pa
import pyarrow.compute as pc

CONTROL = "[\\x00-\\x1f]"
FORMULA_START = "^[=+\\-@\\t\\r\\n\\x00]"
NOT_IN_XML = "[^\\t\\n\\r\\x{20}-\\x{d7ff}\\x{e000}-\\x{fffd}\\x{10000}-\\x{10ffff}]"


def plain_texts(column: pa.Array) -> pa.Array:
    """Return numbers, truth values, times (ISO 8601) and texts as large strings; null where missing or not finite."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        return plain_texts(column.dictionary_decode())
    if pa.types.is_floating(kind):
        texts = pc.if_else(pc.is_finite(column), column, None).cast(pa.large_string())
        return pc.if_else(pc.match_substring_regex(texts, "^-?[0-9]+$"), _join(texts, ".0"), texts)
    if pa.types.is_timestamp(kind):
        texts = pc.replace_substring(column.cast(pa.large_string()), " ", "T")
        return pc.replace_substring_regex(texts, "\\.0+(Z?)$", "\\1")
    if pa.types.is_null(kind):
        return pa.nulls(len(column), pa.large_string())
    return column.cast(pa.large_string())


def is_text(kind: pa.DataType) -> bool:
    """Tell what is neither a number nor a truth value: it is quoted in JSON, and may look like a formula in CSV."""
    return not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind))


def json_texts(column: pa.Array) -> pa.Array:
    """Return each value as JSON."""
    texts = plain_texts(column)
    if is_text(_value_type(column)):
        escaped = pc.replace_substring(pc.replace_substring(texts, "\\", "\\\\"), '"', '\\"')
        quoted = _join('"', escaped, '"')
        texts = _where(
            pc.match_substring_regex(texts, CONTROL), texts, quoted, lambda text: json.dumps(text, ensure_ascii=False)
        )
    return pc.fill_null(texts, "null")


def csv_texts(column: pa.Array) -> pa.Array:
    """Return each value as a CSV cell that no spreadsheet runs as a formula.

    A text that begins like one gets a quotation mark in front; numbers, negative ones too, stay numbers.
    """
    texts = pc.fill_null(plain_texts(column), "")
    if not is_text(_value_type(column)):
        return texts
    risky = pc.match_substring_regex(texts, FORMULA_START)
    return quoted_cells(pc.replace_substring(pc.if_else(risky, _join("'", texts), texts), "\0", ""))


def quoted_cells(texts: pa.Array) -> pa.Array:
    """Quote the cells that need it (RFC 4180)."""
    needed = pc.match_substring_regex(texts, '[",\\r\\n]')
    return pc.if_else(needed, _join('"', pc.replace_substring(texts, '"', '""'), '"'), texts)


def xml_texts(column: pa.Array) -> pa.Array:
    """Return each value as XML text without what XML cannot hold; null where missing."""
    texts = plain_texts(column)
    if not is_text(_value_type(column)):
        return texts
    texts = pc.replace_substring_regex(texts, NOT_IN_XML, "")
    for plain, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;"), ("\r", "&#13;")):
        texts = pc.replace_substring(texts, plain, entity)
    return texts


def join_rows(*pieces: pa.Array | str) -> pa.Array:
    """Put columns and constant texts side by side; rows of large strings. No piece may hold nulls."""
    return _join(*pieces)


def bytes_of(texts: pa.Array) -> bytes:
    """Return all texts one after the other."""
    if not len(texts):
        return b""
    offsets, data = texts.buffers()[1:]
    ends = memoryview(offsets).cast("q")
    return bytes(memoryview(data)[ends[texts.offset] : ends[texts.offset + len(texts)]])


def _value_type(column: pa.Array) -> pa.DataType:
    return column.type.value_type if pa.types.is_dictionary(column.type) else column.type


def _join(*pieces: pa.Array | str) -> pa.Array:
    whole = [pa.scalar(piece, pa.large_string()) if isinstance(piece, str) else piece for piece in pieces]
    return pc.binary_join_element_wise(*whole, pa.scalar("", pa.large_string()))


def _where(mask: pa.Array, texts: pa.Array, usual: pa.Array, rare: Callable[[str], str]) -> pa.Array:
    """Take `usual`, but `rare(text)` under the mask."""
    hits = pc.fill_null(mask, False)
    if not pc.any(hits).as_py():
        return usual
    replaced = pa.array([rare(text) for text in texts.filter(hits).to_pylist()], pa.large_string())
    return pc.replace_with_mask(usual, hits, replaced)

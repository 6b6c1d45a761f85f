import json
import os
import sqlite3
import stat
import struct
import time
import zipfile

import geopandas
import pyarrow as pa
import pyarrow.parquet as pq
import pyogrio
import pytest

from processing import errors, limited_child
from processing.ingest import file_check
from processing.ingest.file_check import check_in_child
from processing.ingest.options import ColumnChoice, IngestBudget, IngestOptions
from processing.ingest.reading import check_file, open_footprints
from tests.processing.ingest.made_files import FORMATS, feature, frame, squares, write, zip_shapefile

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


def check(path, tmp_path, options=None):
    """Check a file; whatever happens, nothing may be left in the scratch folder."""
    scratch = tmp_path / "scratch"
    scratch.mkdir(exist_ok=True)
    try:
        return check_file(path, options, scratch=scratch)
    finally:
        assert list(scratch.iterdir()) == []


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"", "nothing"),
        (b"\0" * 5000, "unknown kind"),
        (b"<OGRVRTDataSource><OGRVRTLayer/></OGRVRTDataSource>", "XML"),
        (b"II*\0 and so on", "TIFF"),
        (b"\x00\x00\x27\x0a" + b"\0" * 96, "alone"),
        (b"id,wkt\n1,POINT(1 1)\n", "unknown kind"),
    ],
)
def test_other_files_are_named_for_what_they_are(content, found, tmp_path):
    path = tmp_path / "a.geojson"
    path.write_bytes(content)
    with pytest.raises(errors.VectorFormatUnknown, match=found):
        check(path, tmp_path)


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("share", [0.2, 0.5, 0.8, 0.97])
def test_a_file_that_is_cut_short_is_one_coded_error(kind, share, tmp_path):
    whole = write(frame(squares(400)), tmp_path / f"a.{kind}").read_bytes()
    path = tmp_path / f"b.{kind}"
    path.write_bytes(whole[: int(share * len(whole))])
    if kind == "geojsonl":
        report = check(path, tmp_path)
        assert [finding.count for finding in report.refused.values()] == [1]
        return
    with pytest.raises((errors.VectorUnreadable, errors.VectorCrsMissing)) as caught:
        check(path, tmp_path)
    assert "b." in str(caught.value)


@pytest.mark.parametrize("kind", [kind for kind in FORMATS if not kind.startswith("geojson")])
def test_bytes_that_flipped_never_escape_as_another_error(kind, tmp_path):
    whole = bytearray(write(frame(squares(50)), tmp_path / f"a.{kind}").read_bytes())
    path = tmp_path / f"b.{kind}"
    for number in range(25):
        bad = bytearray(whole)
        for at in range(number * 7 + 16, len(bad), 331):
            bad[at] ^= 0xA5
        path.write_bytes(bad)
        try:
            report = check(path, tmp_path)
            assert report.rows_read == report.kept + report.refused_total
        except errors.ProcessingError as error:
            assert error.code  # noqa: PT017


def test_json_that_would_run_a_pipeline_does_not(tmp_path):
    """GDAL opens a file with this content by running it."""
    secret = write(frame(), tmp_path / "secret.gpkg")
    path = tmp_path / "a.json"
    command = f"gdal vector pipeline ! read {secret} ! filter --where height=0.5"
    path.write_text(json.dumps({"type": "gdal_streamed_alg", "command_line": command}))
    assert pyogrio.read_info(path)["driver"] == "GDALG"
    with pytest.raises(errors.VectorUnreadable):
        check(path, tmp_path)


def test_a_database_that_is_no_geopackage(tmp_path):
    path = tmp_path / "a.gpkg"
    with sqlite3.connect(path) as connection:
        connection.execute("create table t (x)")
    with pytest.raises(errors.VectorUnreadable):
        check(path, tmp_path)


def test_several_layers_are_named_and_one_can_be_chosen(tmp_path):
    path = tmp_path / "a.gpkg"
    pyogrio.write_dataframe(frame(), path, layer="roofs")
    pyogrio.write_dataframe(frame(squares(3)), path, layer="sheds", append=True)
    with pytest.raises(errors.LayerAmbiguous, match="roofs, sheds"):
        check(path, tmp_path)
    assert check(path, tmp_path, IngestOptions(layer="sheds")).kept == 3
    with pytest.raises(errors.LayerAmbiguous):
        check(path, tmp_path, IngestOptions(layer="barns"))


def test_geometries_of_another_encoding_are_named(tmp_path):
    path = tmp_path / "a.parquet"
    frame().to_parquet(path, geometry_encoding="geoarrow")
    with pytest.raises(errors.VectorUnreadable, match="polygon; only WKB"):
        check(path, tmp_path)
    pq.write_table(pa.table({"a": [1]}), path)
    with pytest.raises(errors.VectorUnreadable, match="without a column"):
        check(path, tmp_path)
    bad = pa.table({"geometry": [b"x"]}).replace_schema_metadata({"geo": '{"primary_column": "geometry"}'})
    pq.write_table(bad, path)
    with pytest.raises(errors.VectorUnreadable, match="metadata"):
        check(path, tmp_path)


def zipped(tmp_path, **options):
    path = tmp_path / "a.zip"
    zip_shapefile(frame(), path, **options)
    return path


@pytest.mark.parametrize("member", ["../evil.shp", "/etc/evil.shp", "x/../../evil", "..\\evil.dbf", "C:\\evil.txt"])
def test_an_archive_that_points_outside_is_not_unpacked(member, tmp_path):
    path = zipped(tmp_path, extra=[(member, b"evil")])
    with pytest.raises(errors.ArchiveUnsafe, match="outside"):
        check(path, tmp_path)
    assert not list(tmp_path.rglob("evil*"))


def test_an_archive_with_a_link_or_a_secret_is_not_unpacked(tmp_path):
    link = zipfile.ZipInfo("town/roofs2.prj")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with pytest.raises(errors.ArchiveUnsafe, match="link"):
        check(zipped(tmp_path, extra=[(link, b"/etc/passwd")]), tmp_path)


def test_an_archive_with_two_shapefiles_names_them(tmp_path):
    path = zipped(tmp_path, extra=[("b/sheds.shp", b"x"), ("__MACOSX/town/._roofs.shp", b"x"), ("readme.txt", b"x")])
    with pytest.raises(errors.LayerAmbiguous, match=r"b/sheds\.shp, town/roofs\.shp"):
        check(path, tmp_path)
    assert check(path, tmp_path, IngestOptions(layer="roofs")).kept == 6


def test_an_archive_without_a_shapefile_or_with_half_of_one(tmp_path):
    path = tmp_path / "b.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "nothing")
    with pytest.raises(errors.VectorFormatUnknown, match="without a Shapefile"):
        check(path, tmp_path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.shp", b"x" * 100)
    with pytest.raises(errors.VectorUnreadable, match=r"a\.shx is missing"):
        check(path, tmp_path)


def test_a_bomb_is_refused_before_it_grows(tmp_path):
    path = zipped(tmp_path)
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb.shp", b"\0" * 30_000_000)
        archive.writestr("bomb.shx", b"\0")
    with pytest.raises(errors.ArchiveUnsafe, match="grows"):
        check(path, tmp_path, IngestOptions(layer="bomb"))
    with pytest.raises(errors.VectorTooLarge, match="unpacked"):
        check(path, tmp_path, IngestOptions(layer="roofs", budget=IngestBudget(unpacked_bytes_max=500)))


def test_a_size_that_lies_is_found_out(tmp_path):
    path = zipped(tmp_path)
    whole = bytearray(path.read_bytes())
    for signature, field in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        at = -1
        while (at := whole.find(signature, at + 1)) >= 0:
            whole[at + field : at + field + 4] = struct.pack("<I", 10)
    path.write_bytes(whole)
    with pytest.raises((errors.VectorUnreadable, errors.ArchiveUnsafe)):
        check(path, tmp_path)


def test_deep_json_and_wild_numbers(tmp_path):
    path = tmp_path / "a.geojsonl"
    deep = '{"type":"Feature","geometry":' + "[" * 50_000 + "]" * 50_000 + "}"
    wild = json.dumps(feature(squares(1)[0])).replace("10.0001", "1e999")
    path.write_text(f"{json.dumps(feature(squares(1)[0]))}\n{deep}\n{wild}\n")
    report = check(path, tmp_path)
    assert report.kept == 1
    assert report.refused_total == 2


def test_the_child_finds_what_the_parent_would(tmp_path):
    path = zipped(tmp_path)
    options = IngestOptions(name="Dächer.zip", columns=ColumnChoice(source_id="source"))
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    assert check_in_child(path, options, scratch=scratch) == check_file(path, options)
    path.write_bytes(b"nothing")
    with pytest.raises(errors.VectorFormatUnknown) as caught:
        check_in_child(path, options, scratch=scratch)
    assert caught.value.parameters == {"name": "Dächer.zip", "found": "of an unknown kind"}
    assert list(scratch.iterdir()) == []


@pytest.mark.parametrize(("script", "words"), [("kill -SEGV $$", "SIGSEGV"), ("exec sleep 60", "longer than 1 s")])
def test_a_child_that_dies_or_hangs_means_an_unreadable_file(script, words, tmp_path, monkeypatch):
    interpreter = tmp_path / "python"
    interpreter.write_text(f"#!/bin/sh\n{script}\n")
    interpreter.chmod(0o755)
    monkeypatch.setattr(limited_child.sys, "executable", str(interpreter))
    monkeypatch.setattr(file_check, "CHILD_WALL_S", 1)
    started = time.monotonic()
    with pytest.raises(errors.VectorUnreadable, match=words):
        check_in_child(write(frame(), tmp_path / "a.parquet"))
    assert time.monotonic() - started < 30


def test_a_file_that_is_gone_or_closed_to_us(tmp_path):
    with pytest.raises(errors.VectorUnreadable, match="no such file"):
        check(tmp_path / "none.parquet", tmp_path)


def test_nothing_is_written_beside_the_file(tmp_path):
    folder = tmp_path / "upload"
    folder.mkdir()
    for kind in FORMATS:
        if kind != "zip":
            write(geopandas.GeoDataFrame(frame()), folder / f"a.{kind}")
    before = {entry.name: entry.stat().st_mtime_ns for entry in folder.iterdir()}
    os.chmod(folder, 0o555)
    try:
        for entry in folder.iterdir():
            assert check(entry, tmp_path).kept == 6
    finally:
        os.chmod(folder, 0o755)
    assert {entry.name: entry.stat().st_mtime_ns for entry in folder.iterdir()} == before


def test_more_columns_than_a_table_has_are_refused(tmp_path):
    wide = feature(squares(1)[0], **{f"k{number}": number for number in range(30)})
    for path, content in (
        (tmp_path / "a.geojson", {"type": "FeatureCollection", "features": [wide]}),
        (tmp_path / "a.geojsonl", wide),
    ):
        path.write_text(f"{json.dumps(content)}\n{json.dumps(content) if path.suffix == '.geojsonl' else ''}")
        with pytest.raises(errors.VectorTooLarge, match="20 columns"):
            check(path, tmp_path, IngestOptions(budget=IngestBudget(columns_max=20)))
    parquet = write(frame(**{f"k{number}": number for number in range(30)}), tmp_path / "a.parquet")
    with pytest.raises(errors.VectorTooLarge, match="20 columns"):
        check(parquet, tmp_path, IngestOptions(budget=IngestBudget(columns_max=20)))


def test_large_rows_of_parquet_come_in_small_batches(tmp_path):
    path = write(frame(squares(64), note=[chr(65 + n) * 10_000 for n in range(64)]), tmp_path / "a.parquet")
    with open_footprints(path, IngestOptions(budget=IngestBudget(batch_bytes=100_000))) as reading:
        sizes = [len(batch) for batch in reading.batches()]
    assert sum(sizes) == 64
    assert len(sizes) > 3

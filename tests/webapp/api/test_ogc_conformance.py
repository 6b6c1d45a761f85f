"""Every conformance class that is declared, requirement by requirement (OGC 17-069r4, 18-058r1, 19-079r2, 21-065r2)."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
import shapely
from shapely.geometry import shape

from auth.principals import SYSTEM
from models.footprint_writes import FootprintSource, insert_footprints
from tests.support.footprints import frame_of, squares
from tests.support.jobs import submit
from webapp.services.index_feeding import feed_indexes
from webapp.services.jobs import cancel_job

OGC = "http://www.opengis.net/spec"
FEATURES_1, FEATURES_2 = f"{OGC}/ogcapi-features-1/1.0/conf", f"{OGC}/ogcapi-features-2/1.0/conf"
FEATURES_3, CQL2 = f"{OGC}/ogcapi-features-3/1.0/conf", f"{OGC}/cql2/1.0/conf"
CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
QUERYABLES_REL = "http://www.opengis.net/def/rel/ogc/1.0/queryables"
HYPHENED = {name.replace("-", "_"): name for name in ("bbox-crs", "filter-crs", "filter-lang")}
ITEMS = "/ogc/collections/buildings/items"
GEOJSON = "application/geo+json"
OPENAPI = "application/vnd.oai.openapi+json;version=3.0"


class Service:
    """The service as a stranger finds it: from the landing page on, by links."""

    def __init__(self, client: httpx.Client) -> None:
        self.client = client

    def get(self, url: str, status: int = 200, **parameters: object) -> httpx.Response:
        named = {HYPHENED.get(name, name): value for name, value in parameters.items()}
        answer = self.client.get(url, params=named or None)  # an empty one would take away what stands in the address
        assert answer.status_code == status, f"{url} {parameters}: {answer.status_code} {answer.text[:300]}"
        return answer

    def json(self, url: str, **parameters: object) -> Any:
        return self.get(url, **parameters).json()

    def linked(self, document: Any, rel: str) -> dict[str, str]:
        return next(link for link in document["links"] if link["rel"] == rel)

    def collections(self) -> list[dict[str, Any]]:
        landing = self.json("/ogc")
        return self.json(self.linked(landing, "data")["href"])["collections"]

    def ids(self, **parameters: object) -> set[int]:
        return {feature["id"] for feature in self.json(ITEMS, **parameters)["features"]}

    def bad(self, **parameters: object) -> None:
        answer = self.get(ITEMS, 400, **parameters)
        assert answer.headers["content-type"] == "application/problem+json"


@pytest.fixture(scope="module")
def service(shared_api, sam) -> Iterator[Service]:
    job = submit(shared_api.resources, sam)
    source = FootprintSource(job.id, job.scene_id, sam.user_id)
    frame = frame_of(squares(25, 4))
    frame["source_id"] = [f"Nr {at}" for at in range(25)]
    with shared_api.resources.database.write(SYSTEM) as session:
        insert_footprints(session, source, frame)
    cancel_job(shared_api.resources, sam, job.id)
    feed_indexes(shared_api.resources, [sam.user_id])
    return Service(shared_api.program(sam))


def core(service: Service) -> None:
    landing = service.json("/ogc")
    for rel in ("self", "service-desc", "conformance", "data"):
        service.get(service.linked(landing, rel)["href"])
    assert all(service.json("/ogc/conformance")["conformsTo"])
    for path in ("/ogc", "/ogc/conformance", "/ogc/collections", "/ogc/collections/buildings", ITEMS):
        service.get(path, 400, nonsense="1")
    for listed in service.collections():
        url = service.linked(listed, "self")["href"]
        alone = service.json(url)
        for name in ("id", "title", "description", "extent"):
            assert alone.get(name) == listed.get(name)
        assert service.linked(alone, "items")["type"] == GEOJSON
        west, south, east, north = alone["extent"]["spatial"]["bbox"][0]
        for feature in service.json(service.linked(alone, "items")["href"])["features"]:
            bounds = shape(feature["geometry"]).bounds
            assert west <= bounds[0] <= bounds[2] <= east
            assert south <= bounds[1] <= bounds[3] <= north
    items_of_core(service)
    for path in (f"{ITEMS}/0", f"{ITEMS}/999999", "/ogc/collections/none", "/ogc/collections/none/items"):
        service.get(path, 404)


def items_of_core(service: Service) -> None:
    whole = service.json(ITEMS)
    assert whole["numberReturned"] == len(whole["features"]) == whole["numberMatched"] == 25
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", whole["timeStamp"])
    page = service.json(ITEMS, limit=7)
    assert (page["numberReturned"], page["numberMatched"]) == (7, 25)
    seen = [feature["id"] for feature in page["features"]]
    while True:
        following = [link["href"] for link in page["links"] if link["rel"] == "next"]
        if not following:
            break
        page = service.json(following[0])
        seen += [feature["id"] for feature in page["features"]]
    assert sorted(seen) == sorted(feature["id"] for feature in whole["features"])
    assert service.json(ITEMS, limit=99_999_999)["numberReturned"] == 25
    one = whole["features"][3]
    west, south, east, north = shape(one["geometry"]).bounds
    assert one["id"] in service.ids(bbox=f"{west},{south},{east},{north}")
    assert one["id"] in service.ids(bbox=f"{west},{south},0,{east},{north},10")
    assert not service.ids(bbox="-10,-10,-9,-9")
    at = one["properties"]["created_at"]
    for good in (at, f"{at}/..", f"../{at}", f"{at}/", f"/{at}", f"2001-01-01T00:00:00Z/{at}"):
        assert one["id"] in service.ids(datetime=good)
    assert not service.ids(datetime="2001-01-01T00:00:00Z/2001-01-02T00:00:00Z")
    assert service.ids(job_id=one["properties"]["job_id"]) == set(seen)
    for bad in ({"limit": 0}, {"limit": "x"}, {"bbox": "1,2"}, {"datetime": "x"}, {"nonsense": 1}):
        service.bad(**bad)
    alone = service.json(f"{ITEMS}/{one['id']}")
    for rel in ("self", "collection"):
        service.get(service.linked(alone, rel)["href"])


def geojson(service: Service) -> None:
    for url in (ITEMS, f"{ITEMS}/{min(service.ids())}"):
        answer = service.get(url)
        assert answer.headers["content-type"] == GEOJSON
        document = answer.json()
        features = document["features"] if document["type"] == "FeatureCollection" else [document]
        for feature in features:
            assert feature["type"] == "Feature"
            assert {"id", "geometry", "properties"} <= feature.keys()
            assert shape(feature["geometry"]).is_valid


def oas30(service: Service) -> None:
    answer = service.get(service.linked(service.json("/ogc"), "service-desc")["href"])
    assert answer.headers["content-type"] == OPENAPI
    found = answer.json()
    assert re.fullmatch(r"3\.0\.\d", found["openapi"])
    assert found["servers"][0]["url"].endswith("/ogc")
    items = found["paths"]["/collections/{collection_id}/items"]["get"]
    named = {parameter["name"]: parameter for parameter in items["parameters"]}
    assert {"bbox", "bbox-crs", "crs", "datetime", "limit", "filter", "filter-lang", "filter-crs"} <= named.keys()
    assert named["limit"]["schema"] | {"minimum": 1, "default": 1000} == named["limit"]["schema"]
    assert {"/", "/conformance", "/collections", "/collections/{collection_id}"} <= found["paths"].keys()
    schemas = found["components"]["schemas"]
    for node in every_node(found):
        assert not {"const", "prefixItems"} & node.keys() or "properties" in node, node
        assert not isinstance(node.get("examples"), list) or "properties" in node, node
        assert node.get("type") != "null"
        assert not isinstance(node.get("exclusiveMinimum"), float)
        if "$ref" in node:
            assert node["$ref"].removeprefix("#/components/schemas/") in schemas
    for path, methods in found["paths"].items():
        assert methods["get"]["responses"]["200"], path


def every_node(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
    for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from every_node(child)


def crs(service: Service) -> None:
    listed = service.json("/ogc/collections")
    offered = listed["crs"]
    assert CRS84 in offered
    assert all(one["crs"] == ["#/crs"] for one in listed["collections"])
    alone = service.json("/ogc/collections/buildings")
    assert alone["crs"] == offered
    assert alone["storageCrs"] in alone["crs"]
    assert service.get(ITEMS).headers["content-crs"] == f"<{CRS84}>"
    one = service.json(ITEMS)["features"][0]
    for uri in offered:
        for url in (ITEMS, f"{ITEMS}/{one['id']}"):
            assert service.get(url, crs=uri).headers["content-crs"] == f"<{uri}>"
        there = service.json(f"{ITEMS}/{one['id']}", crs=uri)["geometry"]
        assert one["id"] in service.ids(bbox=",".join(map(str, shape(there).bounds)), bbox_crs=uri)
    for name in ("crs", "bbox-crs"):
        service.bad(**{name: "http://www.opengis.net/def/crs/EPSG/0/31467"})


def queryables(service: Service) -> None:
    for listed in service.collections():
        url = service.linked(service.json(service.linked(listed, "self")["href"]), QUERYABLES_REL)["href"]
        answer = service.get(url)
        assert answer.headers["content-type"] == "application/schema+json"
        found = answer.json()
        assert found["$schema"] == "https://json-schema.org/draft/2020-12/schema"
        assert (found["$id"], found["type"], found["additionalProperties"]) == (url, "object", False)
        for name, one in found["properties"].items():
            assert ("type" in one) != (name == "geometry"), "geometry has a format and no type"
            assert one["title"]
    service.get("/ogc/collections/none/queryables", 404)


def queryables_query_parameters(service: Service) -> None:
    feature = service.json(ITEMS)["features"][0]
    names = service.json("/ogc/collections/buildings/queryables")["properties"].keys() - {"geometry"}
    asked = 0
    for name in sorted(names):
        value = feature["id"] if name == "id" else feature["properties"][name]
        if value is not None:
            asked += 1
            every = service.json(ITEMS)["features"]
            same = {one["id"] for one in every if value == (one["id"] if name == "id" else one["properties"][name])}
            assert service.ids(**{name: value}) == same
    assert asked >= 8
    service.bad(owner_id=1)


def filters(service: Service) -> None:
    found = service.ids(filter="area_m2 > 50")
    assert found == service.ids(filter="area_m2 > 50", filter_lang="cql2-text", filter_crs=CRS84)
    service.bad(filter="area_m2 > 50", filter_lang="cql2-json")
    service.bad(filter="area_m2 > 50", filter_crs="urn:x")
    service.bad(filter="nonsense = 1")
    service.bad(filter="area_m2 >")


def features_filter(service: Service) -> None:
    box = "10.02,49.92,10.06,49.96"
    both = service.ids(filter="area_m2 > 50", bbox=box)
    assert both == service.ids(filter="area_m2 > 50") & service.ids(bbox=box)
    page = service.json(ITEMS, filter="area_m2 > 50", bbox=box, limit=1)
    assert page["numberMatched"] == len(both)


def cql2_text(service: Service) -> None:
    assert service.ids(filter="  area_m2\n>\t50 ") == service.ids(filter="area_m2>50")
    assert service.ids(filter='"area_m2" >= 5e1') == service.ids(filter="area_m2 >= +50.0")
    assert service.ids(filter="not (area_m2 > 50) or false") == service.ids(filter="NOT area_m2 > 50 OR FALSE")


def basic_cql2(service: Service) -> None:
    every = service.json(ITEMS)["features"]
    signs: dict[str, Callable[[Any, Any], bool]] = {
        "=": lambda a, b: a == b,
        "<>": lambda a, b: a != b,
        "<": lambda a, b: a < b,
        "<=": lambda a, b: a <= b,
        ">": lambda a, b: a > b,
        ">=": lambda a, b: a >= b,
    }
    middle = every[12]["properties"]
    literals = {"area_m2": repr(middle["area_m2"]), "source_id": f"'{middle['source_id']}'"}
    literals["created_at"] = f"TIMESTAMP('{middle['created_at']}')"
    for name, literal in literals.items():
        for sign, holds in signs.items():
            expected = {one["id"] for one in every if holds(one["properties"][name], middle[name])}
            assert service.ids(filter=f"{name} {sign} {literal}") == expected, f"{name} {sign}"
    everything = {one["id"] for one in every}
    assert service.ids(filter="source_name IS NULL") == everything == service.ids(filter="source_id IS NOT NULL")
    a, b = service.ids(filter="area_m2 > 30"), service.ids(filter="confidence < 0.9")
    assert service.ids(filter="area_m2 > 30 AND confidence < 0.9") == a & b
    assert service.ids(filter="area_m2 > 30 OR confidence < 0.9") == a | b
    assert service.ids(filter="NOT area_m2 > 30") == everything - a


def advanced_comparison_operators(service: Service) -> None:
    every = service.json(ITEMS)["features"]

    def having(name: str, holds: Callable[[Any], bool]) -> set[int]:
        return {one["id"] for one in every if holds(one["properties"][name])}

    assert service.ids(filter="source_id LIKE 'Nr 1%'") == having("source_id", lambda v: v.startswith("Nr 1"))
    assert service.ids(filter="source_id LIKE 'nr 1%'") == set()
    assert service.ids(filter="source_id NOT LIKE 'Nr __'") == having("source_id", lambda v: len(v) != 5)
    assert service.ids(filter="area_m2 BETWEEN 20 AND 40") == having("area_m2", lambda v: 20 <= v <= 40)
    assert service.ids(filter="source_id IN ('Nr 3', 'Nr 4', 'x')") == having("source_id", lambda v: v[3:] in "34")
    assert service.ids(filter="source_id NOT IN ('Nr 3')") == having("source_id", lambda v: v != "Nr 3")


def basic_spatial_functions(service: Service) -> None:
    every = {one["id"]: shape(one["geometry"]) for one in service.json(ITEMS)["features"]}
    point = every[min(every)].centroid
    hits = {one for one, outline in every.items() if outline.intersects(point)}
    assert service.ids(filter=f"S_INTERSECTS(geometry, POINT({point.x} {point.y}))") == hits != set()
    boxed = service.ids(filter="s_intersects(geometry, BBOX(10.02, 49.92, 10.06, 49.96))")
    assert boxed == service.ids(bbox="10.02,49.92,10.06,49.96")


def basic_spatial_functions_plus(service: Service) -> None:
    every = {one["id"]: shape(one["geometry"]) for one in service.json(ITEMS)["features"]}
    for text in (
        "POLYGON((10.0 49.9,10.1 49.9,10.05 50.0,10.0 49.9))",
        "MULTIPOLYGON(((10.0 49.9,10.05 49.9,10.05 49.95,10.0 49.9)),((10.06 49.95,10.1 49.95,10.1 50,10.06 49.95)))",
        "LINESTRING(10.0 49.9,10.1 50.0)",
        "MULTILINESTRING((10.0 49.9,10.1 50.0),(10.1 49.9,10.0 50.0))",
        "MULTIPOINT((10.01 49.91),(10.02 49.92))",
        "GEOMETRYCOLLECTION(POINT(10.01 49.91),LINESTRING(10.0 49.95,10.1 49.95))",
    ):
        expected = {one for one, outline in every.items() if outline.intersects(shapely.from_wkt(text))}
        assert service.ids(filter=f"S_INTERSECTS(geometry, {text})") == expected, text


WALKS: dict[str, Callable[[Service], None]] = {
    f"{FEATURES_1}/core": core,
    f"{FEATURES_1}/oas30": oas30,
    f"{FEATURES_1}/geojson": geojson,
    f"{FEATURES_2}/crs": crs,
    f"{FEATURES_3}/queryables": queryables,
    f"{FEATURES_3}/queryables-query-parameters": queryables_query_parameters,
    f"{FEATURES_3}/filter": filters,
    f"{FEATURES_3}/features-filter": features_filter,
    f"{CQL2}/cql2-text": cql2_text,
    f"{CQL2}/basic-cql2": basic_cql2,
    f"{CQL2}/advanced-comparison-operators": advanced_comparison_operators,
    f"{CQL2}/basic-spatial-functions": basic_spatial_functions,
    f"{CQL2}/basic-spatial-functions-plus": basic_spatial_functions_plus,
}


def test_what_is_declared_is_walked(service):
    assert set(service.json("/ogc/conformance")["conformsTo"]) == set(WALKS)


@pytest.mark.parametrize("name", WALKS)
def test_each_class_holds(service, name):
    WALKS[name](service)

"""Chosen footprints come as columns that the server gathers (PostGIS), or by rows (SQLite): the same either way."""

import numpy as np
import pandas as pd
import shapely
from sqlalchemy import text

from auth.principals import SYSTEM
from tests.support.stored import finished_job
from webapp.services import footprints
from webapp.services.footprints import FootprintQuery


def test_gathered_columns_hold_what_rows_hold(resources, alice):
    job_id = finished_job(resources, alice, 40)
    wanted = FootprintQuery(job_id=job_id)
    ids = footprints.list_footprints(resources, alice, wanted)["id"].to_numpy()
    changes = (
        f"confidence = NULL, reg_iou = NULL, source_name = '' WHERE id = {ids[3]}",
        f"source_id = 'Größe 中文 🏠', confidence = 0 WHERE id = {ids[5]}",
        f"created_at = 1795406706.123456 WHERE id = {ids[7]}",
        f"created_at = 0.5, source_id = NULL WHERE id = {ids[9]}",
    )
    with resources.database.write(SYSTEM) as session:
        for change in changes:
            session.execute(text(f"UPDATE building_footprints SET {change}"))
    expected = footprints.list_footprints(resources, alice, wanted).set_index("id")
    order = np.random.default_rng(4).permutation(ids)
    found = pd.concat([batch.to_pandas() for batch in footprints.iter_chosen(resources, alice, [order], rows=17)])
    assert found["id"].tolist() == order.tolist()
    found, expected = found.set_index("id"), expected.loc[order]
    assert found["confidence"].isna().sum() == 1
    shapes = shapely.from_wkb(found.pop("geometry").to_numpy())
    assert shapely.equals_exact(shapes, np.asarray(expected.pop("geometry"), object)).all()
    assert found["created_at"].astype("datetime64[ns, UTC]").tolist() == expected["created_at"].tolist()
    for name in set(found.columns) - {"created_at"}:
        pd.testing.assert_series_equal(
            found[name].astype(object).where(found[name].notna(), None),
            expected[name].astype(object).where(expected[name].notna(), None),
        )
    assert list(footprints.iter_chosen(resources, alice, [np.array([-5])])) == []

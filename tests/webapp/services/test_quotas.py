"""Quotas: exact when many spend at once, and a refused request leaves nothing."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy import update

from auth.principals import SYSTEM, Role, Tier
from models.base import now_s
from models.quota import QuotaUse
from tests.support.jobs import add_scene, submit
from webapp.errors import QuotaExceeded
from webapp.services import jobs, quotas
from webapp.services.tiers import limits_of, tier_of
from webapp.settings import load_settings


@pytest.fixture
def limited(make_resources):
    return make_resources(free_jobs_per_hour=5, premium_jobs_per_hour=0)


def test_of_many_at_once_exactly_as_many_as_are_left_get_through(limited, alice):
    scene_id = add_scene(limited, alice)

    def ask(_):
        try:
            return submit(limited, alice, scene_id=scene_id)
        except QuotaExceeded as error:
            return error

    with ThreadPoolExecutor(10) as crowd:
        answers = list(crowd.map(ask, range(40)))
    refused = [answer for answer in answers if isinstance(answer, QuotaExceeded)]
    assert len(answers) - len(refused) == 5
    assert len(jobs.list_jobs(limited, alice)) == 5
    assert refused[0].parameters["limit"] == refused[0].parameters["used"] == 5
    assert 3500 < refused[0].parameters["retry_after_s"] <= 3600
    assert quotas.quota_views(limited, alice)[0].left == 0


def test_what_was_used_an_hour_ago_is_free_again(limited, alice):
    scene_id = add_scene(limited, alice)
    for _ in range(5):
        submit(limited, alice, scene_id=scene_id)
    with pytest.raises(QuotaExceeded):
        quotas.require_some(limited, alice, "jobs")
    with limited.database.write(SYSTEM) as session:
        oldest = session.query(QuotaUse).order_by(QuotaUse.id).first().id
        session.execute(update(QuotaUse).where(QuotaUse.id == oldest).values(at=now_s() - 3601))
    submit(limited, alice, scene_id=scene_id)
    with pytest.raises(QuotaExceeded):
        submit(limited, alice, scene_id=scene_id)


def test_a_job_that_is_refused_for_another_reason_costs_nothing(limited, alice):
    with pytest.raises(Exception, match="There is no scene"):
        submit(limited, alice, scene_id="nothing")
    assert quotas.quota_views(limited, alice)[0].used == 0


def test_tiers_without_a_limit_are_counted_and_not_refused(limited, alice):
    premium = replace(alice, tier=Tier.PREMIUM)
    scene_id = add_scene(limited, premium)
    for _ in range(7):
        submit(limited, premium, scene_id=scene_id)
    view = quotas.quota_views(limited, premium)[0]
    assert (view.used, view.limit, view.left) == (7, None, None)


def test_the_tier_is_the_accounts_own_or_that_of_its_role():
    settings = load_settings(tier_of_user="premium", premium_upload_bytes=10**12, upload_limit_bytes=5 * 10**9)
    assert tier_of(settings, Role.USER) is Tier.PREMIUM
    assert tier_of(settings, Role.USER, "free") is Tier.FREE
    assert tier_of(settings, Role.ADMIN) is Tier.ENTERPRISE
    assert limits_of(settings, Tier.PREMIUM).upload_bytes == 5 * 10**9
    assert limits_of(settings, Tier.ENTERPRISE).calls_per_hour is None
    free = limits_of(load_settings(), Tier.FREE)
    assert (free.calls_per_hour, free.jobs_per_hour, free.states_per_day, free.upload_bytes) == (100, 5, 1, 10**7)

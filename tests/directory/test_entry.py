"""Who may enter: every condition alone, and all of them together."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestibule.directory.apps import App, AppKind
from vestibule.directory.connections import Connection, IdentityProvider, IdpCertificate, IdpInitiated, Provisioning
from vestibule.directory.end_users import EndUser, EndUserStatus
from vestibule.directory.entry import Condition, Presence, Standing, may_enter
from vestibule.directory.sessions import Session, SignInMethod
from vestibule.directory.sources import Source
from vestibule.directory.workspaces import Environment

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ADA = EndUser("usr_1", "wsp_1", "ada@corp.example", "Ada", EndUserStatus.ACTIVE, Source.MANUAL, False, NOW, NOW, None)
PROD = Environment("env_1", "wsp_1", "prod", "PROD", 0, True, timedelta(hours=8), NOW)
STANDING = Standing(ADA, PROD, True, frozenset({"grp_ops", "grp_dev"}))
APP = App(
    "app_1", "wsp_1", "env_1", "Grafana", AppKind.OIDC, "apps", None, False, False, False, False, NOW,
    group_ids=frozenset({"grp_ops"}),
)  # fmt: skip
SESSION = Session("ses_1", "wsp_1", PROD, ADA, "con_1", SignInMethod.SAML, NOW, NOW + timedelta(hours=8))
IDP = IdentityProvider(
    "idp_1", "wsp_1", "Okta", "okta", "https://idp.example", "https://idp.example/sso", None, None, None, False,
    (IdpCertificate(b"der", "CN=idp", "00", NOW, NOW),), NOW,
)  # fmt: skip
EVERYBODY = Connection(
    "con_1", "wsp_1", "env_1", IDP, True, (), Provisioning.MANUAL, False, IdpInitiated.OFF, False, NOW
)


def presence(session: Session = SESSION, now: datetime = NOW, **more: Any) -> Presence:
    return Presence(session, now, (EVERYBODY,), **more)


def test_somebody_with_everything_may_enter() -> None:
    decision = may_enter(STANDING, APP, presence())
    assert decision.allowed
    assert decision.refused_by is None
    assert [one.condition for one in decision.reasons] == [
        Condition.PERSON_ACTIVE,
        Condition.ENVIRONMENT_ACCESS,
        Condition.APP_ENABLED,
        Condition.APP_GROUPS,
        Condition.SAML_SIGN_IN,
        Condition.SESSION_LIVE,
    ]


BY_PASSWORD = replace(SESSION, method=SignInMethod.PASSWORD)
OTHERS = replace(SESSION, end_user=replace(ADA, id="usr_2"))
ELSEWHERE = replace(SESSION, environment=replace(PROD, id="env_2"))


@pytest.mark.parametrize(
    ("standing", "app", "there", "condition"),
    [
        (replace(STANDING, end_user=replace(ADA, status=EndUserStatus.DEACTIVATED)), APP, presence(), "person_active"),
        (replace(STANDING, has_access=False), APP, presence(), "environment_access"),
        (STANDING, replace(APP, disabled=True), presence(), "app_enabled"),
        (STANDING, replace(APP, everyone=True, environment_id="env_2"), presence(), "app_enabled"),
        (STANDING, replace(APP, everyone=True, workspace_id="wsp_2"), presence(), "app_enabled"),
        (STANDING, replace(APP, group_ids=frozenset({"grp_hr"})), presence(), "app_groups"),
        (STANDING, replace(APP, group_ids=frozenset()), presence(), "app_groups"),
        (STANDING, APP, presence(BY_PASSWORD), "saml_sign_in"),
        (STANDING, APP, presence(now=SESSION.expires_at), "session_live"),
        (STANDING, APP, presence(OTHERS), "session_live"),
        (STANDING, APP, presence(ELSEWHERE), "session_live"),
        (STANDING, APP, presence(now=NOW + timedelta(seconds=61), max_age=timedelta(seconds=60)), "session_fresh"),
    ],
)
def test_each_condition_alone_keeps_somebody_out(standing: Standing, app: App, there: Presence, condition: str) -> None:
    decision = may_enter(standing, app, there)
    assert not decision.allowed
    assert decision.refused_by == condition


def test_a_session_counts_until_the_instant_of_its_end_and_is_fresh_at_the_age_allowed() -> None:
    last = SESSION.expires_at - timedelta(microseconds=1)
    assert may_enter(STANDING, APP, presence(now=last)).allowed
    assert may_enter(STANDING, APP, presence(now=NOW + timedelta(seconds=60), max_age=timedelta(seconds=60))).allowed


def test_a_password_suffices_where_saml_is_off() -> None:
    standing = replace(STANDING, environment=replace(PROD, saml_enabled=False))
    assert may_enter(standing, APP, presence(BY_PASSWORD)).allowed


@given(group_ids=st.frozensets(st.sampled_from(["grp_ops", "grp_dev", "grp_hr"])))
def test_an_app_for_everyone_asks_for_no_group_and_any_other_for_one_of_its_own(group_ids: frozenset[str]) -> None:
    standing = replace(STANDING, group_ids=group_ids)
    assert may_enter(standing, replace(APP, everyone=True)).allowed
    assert may_enter(standing, APP).allowed is ("grp_ops" in group_ids)

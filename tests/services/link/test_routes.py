"""ROUTES, and what becomes of a wrong one."""

from __future__ import annotations

import pytest

from services.link.__main__ import main
from services.link.routes import LinkRoute, routes_of
from services.platform.settings import Address, SettingsError


def test_each_route_is_a_listener_and_a_target():
    routes = routes_of({"ROUTES": "0.0.0.0:6379=store-west:6379, 0.0.0.0:26380=sentinel-witness:26379,"})
    assert routes == (
        LinkRoute(Address("0.0.0.0", 6379), Address("store-west", 6379)),
        LinkRoute(Address("0.0.0.0", 26380), Address("sentinel-witness", 26379)),
    )


@pytest.mark.parametrize(
    ("routes", "why"),
    [
        ("", "ROUTES is not set"),
        (" , ", "ROUTES is not set"),
        ("0.0.0.0:6379", "'0.0.0.0:6379' is not of the form host:port=host:port"),
        ("0.0.0.0:6379=store", "'store' is not of the form host:port"),
        (":6379=store:1", "':6379' is not of the form host:port"),
        ("0.0.0.0:1=a:1,0.0.0.0:1=b:1", "0.0.0.0:1 is listened on twice"),
    ],
)
def test_what_is_wrong_is_said_in_one_line_with_exit_code_2(routes, why, capsys):
    with pytest.raises(SettingsError, match="ROUTES"):
        routes_of({"ROUTES": routes})
    with pytest.raises(SystemExit) as leaving:
        main({"ROUTES": routes})
    assert leaving.value.code == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert said.startswith("link: ROUTES")
    assert why in said

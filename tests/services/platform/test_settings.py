from pathlib import Path

import pytest

from services.platform.release import tell
from services.platform.settings import Address, Replica, Settings, SettingsError

COMPLETE = {
    "SERVICE": "post",
    "PLACE": "east",
    "RELEASE": "1.0",
    "LISTEN": "0.0.0.0:8000",
    "PUBLIC_LISTEN": "[::]:8443",
    "PKI": "/pki",
    "SECRETS": "/secrets",
    "SENTINELS": "sentinel-east:26379, sentinel-west:26379",
    "STORE_NAME": "site",
    "STORE_ROUTES": "store-west:6379=link-east:6379",
    "REPLICATION": "required",
    "CALLS_AUTH": "east=auth-east:8000,west=auth-west:8001",
    "POST_LONGEST": "280",
    "POST_SHARE": "0.5",
}


def test_the_release_that_a_part_was_told_goes_before_that_of_the_environment(tmp_path: Path) -> None:
    environment = {**COMPLETE, "RELEASES": str(tmp_path / "releases")}
    assert Settings.from_environment(environment).release == "1.0"
    tell(tmp_path / "releases", "post@east", ["1.0", "1.1"])
    assert Settings.from_environment(environment).release == "1.1"
    assert Settings.from_environment({**environment, "PLACE": "west"}).release == "1.0"
    (tmp_path / "releases" / "post@east").write_text("{}")
    with pytest.raises(SettingsError, match="post@east does not say a release"):
        Settings.from_environment(environment)


def test_reads_everything() -> None:
    settings = Settings.from_environment(COMPLETE)
    assert settings.name == "post@east"
    assert settings.certificate_name == "post-east"
    assert settings.listen == Address("0.0.0.0", 8000)
    assert settings.public_listen == Address("::", 8443)
    assert (settings.pki, settings.secrets) == (Path("/pki"), Path("/secrets"))
    assert settings.sentinels == (Address("sentinel-east", 26379), Address("sentinel-west", 26379))
    assert (settings.store_name, settings.replication, settings.release) == ("site", "required", "1.0")
    assert settings.store_routes == {Address("store-west", 6379): Address("link-east", 6379)}
    assert settings.calls == {
        "auth": (Replica("east", Address("auth-east", 8000)), Replica("west", Address("auth-west", 8001)))
    }
    assert settings.integer("POST_LONGEST", 1) == 280
    assert settings.number("POST_SHARE", 1.0) == 0.5
    assert settings.text("POST_COLOUR", "blue") == "blue"


def test_a_part_without_a_place_is_its_service() -> None:
    environment = {name: COMPLETE[name] for name in ("SERVICE", "LISTEN", "PKI", "SECRETS")}
    settings = Settings.from_environment(environment)
    assert (settings.name, settings.certificate_name) == ("post", "post")
    assert (settings.replication, settings.store_name, settings.calls) == ("reported", "failwhale", {})


@pytest.mark.parametrize("variable", ["SERVICE", "LISTEN", "PKI", "SECRETS"])
@pytest.mark.parametrize("value", [None, ""])
def test_names_what_is_missing(variable: str, value: str | None) -> None:
    environment = {name: text for name, text in COMPLETE.items() if name != variable}
    if value is not None:
        environment[variable] = value
    with pytest.raises(SettingsError, match=f"{variable} is not set"):
        Settings.from_environment(environment)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("LISTEN", "8000"),
        ("LISTEN", "host:"),
        ("LISTEN", "host:99999"),
        ("LISTEN", "host:²"),
        ("PUBLIC_LISTEN", ":8443"),
        ("SENTINELS", "one:1,two"),
        ("STORE_ROUTES", "store-west:6379"),
        ("STORE_ROUTES", "store-west:6379=link-east"),
        ("REPLICATION", "sometimes"),
        ("CALLS_AUTH", "auth-east:8000"),
        ("CALLS_AUTH", "east=auth-east"),
    ],
)
def test_names_what_is_malformed(variable: str, value: str) -> None:
    with pytest.raises(SettingsError, match=variable):
        Settings.from_environment(COMPLETE | {variable: value})


@pytest.mark.parametrize("value", ["many", "1.5", "-1"])
def test_a_whole_number_of_a_service(value: str) -> None:
    settings = Settings.from_environment(COMPLETE | {"POST_LONGEST": value})
    with pytest.raises(SettingsError, match="POST_LONGEST"):
        settings.integer("POST_LONGEST", 1)


@pytest.mark.parametrize("value", ["some", "nan", "inf", "-0.1"])
def test_a_number_of_a_service(value: str) -> None:
    settings = Settings.from_environment(COMPLETE | {"POST_SHARE": value})
    with pytest.raises(SettingsError, match="POST_SHARE"):
        settings.number("POST_SHARE", 1.0)


def test_an_address_reads_as_it_is_written() -> None:
    assert str(Address.parse("localhost:80")) == "localhost:80"
    assert str(Address.parse("[::1]:80")) == "[::1]:80"

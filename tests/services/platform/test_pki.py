from __future__ import annotations

import datetime
import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from services.platform import genesis, pki


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def certificate(folder: Path, name: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate((folder / f"{name}.pem").read_bytes())


def test_a_certificate_is_for_both_sides_of_a_connection(tmp_path: Path) -> None:
    genesis.make_certificates(tmp_path, ["post-east"])
    made = certificate(tmp_path, "post-east")
    authority = certificate(tmp_path, "ca")
    made.verify_directly_issued_by(authority)
    names = made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["post-east", "localhost"]
    assert list(map(str, names.get_values_for_type(x509.IPAddress))) == ["127.0.0.1"]
    usage = made.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert set(usage) == {ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH}
    key = made.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    assert isinstance(key.curve, ec.SECP256R1)
    assert not made.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert authority.extensions.get_extension_for_class(x509.BasicConstraints).value.ca


def test_keys_are_readable_by_the_owner_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        genesis.make_certificates(tmp_path / "pki", ["post-east"])
        genesis.make_secrets(tmp_path / "secrets")
    finally:
        os.umask(before)
    secret = [*(tmp_path / "pki").glob("*.key"), *(tmp_path / "secrets").iterdir()]
    assert {path.name for path in secret} == {
        "ca.key",
        "post-east.key",
        "client.key",
        "token",
        "session-keys.json",
    }
    assert {stat.S_IMODE(path.stat().st_mode) for path in secret} == {0o600}


def test_a_second_run_changes_nothing(tmp_path: Path) -> None:
    names = ["post-east", "post-west", "client"]
    assert genesis.make_certificates(tmp_path, names) == names
    genesis.make_secrets(tmp_path)
    before = contents(tmp_path)
    assert genesis.make_certificates(tmp_path, names) == []
    genesis.make_secrets(tmp_path)
    assert contents(tmp_path) == before
    assert genesis.make_certificates(tmp_path, [*names, "prober"]) == ["prober"]


def now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


@pytest.mark.parametrize("fault", ["expired", "not yet", "of another CA", "no key", "another key", "garbage"])
def test_what_is_no_good_is_made_again_and_the_rest_is_kept(tmp_path: Path, fault: str) -> None:
    genesis.make_certificates(tmp_path, ["post-east", "auth-east"])
    before = contents(tmp_path)
    authority = pki.load_authority(tmp_path)
    match fault:
        case "expired":
            expired = pki.issue("post-east", not_after=now() - datetime.timedelta(seconds=1), ca=authority)
            expired.install(tmp_path, "post-east")
        case "not yet":
            tomorrow = now() + datetime.timedelta(days=1)
            pki.issue("post-east", not_before=tomorrow, ca=authority).install(tmp_path, "post-east")
        case "of another CA":
            pki.issue("post-east").install(tmp_path, "post-east")
        case "no key":
            (tmp_path / "post-east.key").unlink()
        case "another key":
            (tmp_path / "post-east.key").write_bytes((tmp_path / "auth-east.key").read_bytes())
        case "garbage":
            (tmp_path / "post-east.pem").write_bytes(b"\x00garbage")
    assert not pki.is_good(tmp_path, "post-east", authority)
    assert genesis.make_certificates(tmp_path, ["post-east", "auth-east"]) == ["post-east"]
    assert pki.is_good(tmp_path, "post-east", authority)
    after = contents(tmp_path)
    changed = {name for name in before if after[name] != before[name]}
    assert changed == {"post-east.pem", "post-east.key"}


def test_without_its_authority_everything_is_made_again(tmp_path: Path) -> None:
    genesis.make_certificates(tmp_path, ["post-east"])
    (tmp_path / "ca.key").write_bytes(b"garbage")
    assert genesis.make_certificates(tmp_path, ["post-east"]) == ["post-east", "client"]
    assert pki.is_good(tmp_path, "post-east", pki.load_authority(tmp_path))


def test_a_certificate_with_the_times_that_were_asked_for(tmp_path: Path) -> None:
    authority = pki.new_authority()
    begins, ends = now() - datetime.timedelta(days=2), now() + datetime.timedelta(seconds=5)
    pki.issue("a", begins, ends, authority).install(tmp_path, "a")
    made = certificate(tmp_path, "a")
    assert abs(made.not_valid_before_utc - begins) < datetime.timedelta(seconds=1)
    assert abs(made.not_valid_after_utc - ends) < datetime.timedelta(seconds=1)
    with pytest.raises(ValueError, match="before"):
        pki.issue("a", ends, begins, authority)


def run_genesis(**environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "services.platform.genesis"]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=30, check=False)


FOLDERS = genesis.FOLDERS


def test_as_a_command(tmp_path: Path) -> None:
    folders = {name: str(tmp_path / "new" / name.lower()) for name in FOLDERS}
    done = run_genesis(**folders, NAMES="post-east\nprober", KEEPERS="chaos", FAILWHALE_DAY="1s")
    assert (done.returncode, json.loads(done.stderr)["message"]) == (0, "4 new certificates")
    found = {name: {path.name for path in Path(folder).iterdir()} for name, folder in folders.items()}
    assert found == {
        "PKI": {"ca.pem", "ca.key", "lab-day", "post-east", "prober"} | pairs("chaos", "client"),
        "SECRETS": {"token", "session-keys.json", "store"},
        "STORE_ACCESS": {"store.users", "sentinel.users", "replication", "sentinel"},
        "OPERATORS": {"store"},
        "MAINTENANCE": {"store"},
        # Who looks can neither sign a certificate nor a session.
        "INSTRUMENTS": {"token"},
    }
    # A part sees its own key and no other.
    root = Path(folders["PKI"])
    for name in ("post-east", "prober"):
        assert {path.name for path in (root / name).iterdir()} == {"ca.pem"} | pairs(name)
        assert (root / name / "ca.pem").read_bytes() == (root / "ca.pem").read_bytes()
        made = certificate(root / name, name)
        seconds = (made.not_valid_after_utc - now()).total_seconds()
        assert 60 < seconds <= 90, "ninety lab days"
    keys = json.loads(Path(folders["SECRETS"], "session-keys.json").read_text())
    assert len(keys["keys"][keys["current"]]) >= 32
    assert len(Path(folders["SECRETS"], "token").read_text()) >= 32
    before = everything(tmp_path)
    done = run_genesis(**folders, NAMES="post-east prober", KEEPERS="chaos", FAILWHALE_DAY="1s")
    assert (done.returncode, json.loads(done.stderr)["message"]) == (0, "0 new certificates")
    assert everything(tmp_path) == before


def test_passwords_of_the_store_are_known_to_who_needs_them(tmp_path: Path) -> None:
    stores, *users = (tmp_path / name for name in ("stores", "services", "operators", "maintenance"))
    genesis.make_store_access(stores, *users)
    own = {(user / "store").read_text() for user in users}
    at_stores = "".join(path.read_text() for path in stores.iterdir())
    assert len(own) == 3
    assert not [password for password in own if password in at_stores]
    for folder in (stores, *users):
        assert folder.stat().st_mode & 0o777 == 0o700
    for path in tmp_path.rglob("*"):
        assert path.is_dir() or path.stat().st_mode & 0o137 == 0, path


def pairs(*names: str) -> set[str]:
    return {f"{name}.{kind}" for name in names for kind in ("pem", "key")}


def everything(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_says_what_is_missing(tmp_path: Path) -> None:
    done = run_genesis(PKI=str(tmp_path))
    assert (done.returncode, done.stderr) == (
        1,
        f"genesis: {', '.join(genesis.VARIABLES[1:])} not set\n",
    )
    (tmp_path / "file").touch()
    done = run_genesis(**{name: str(tmp_path / "file") for name in FOLDERS}, NAMES="a", KEEPERS="b")
    assert done.returncode == 1
    assert done.stderr.startswith("genesis: ")
    assert "Traceback" not in done.stderr


def test_refuses_a_lab_day_of_no_length_before_anything_starts(tmp_path: Path) -> None:
    folders = {name: str(tmp_path / name) for name in FOLDERS}
    done = run_genesis(**folders, NAMES="a", KEEPERS="b", FAILWHALE_DAY="soon")
    assert (done.returncode, done.stderr) == (
        1,
        "genesis: FAILWHALE_DAY must be a duration such as 1s, 10s, 5m or 24h, not 'soon'\n",
    )
    assert not list(tmp_path.iterdir())

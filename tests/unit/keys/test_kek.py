"""One key opens the store, wherever it is kept, and no other one does."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from cryptography.hazmat.primitives import keywrap
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from pipeline.apps.keys import kek
from pipeline.errors import IntegrityError, SettingsError, UnavailableError
from pipeline.keys.kek import FileKek, named_by
from pipeline.keys.kms import AwsKms
from pipeline.settings import Kek
from tests.support.databases import Place, sqlite_in
from tests.support.kms_server import KmsServer
from tests.unit.keys.making import NOON, TODAY, Hands, store_at, wrapped

REGION = "eu-central-1"
ELSEWHERE = 12_345
"""A user id that is not ours."""


def secret_file(path: Path, content: bytes = bytes(range(32)), mode: int = 0o600) -> Path:
    path.write_bytes(content)
    path.chmod(mode)
    return path


# --- files


def test_a_mounted_secret_is_another_s_and_they_say_who_reads_it(tmp_path: Path) -> None:
    path = secret_file(tmp_path / "mounted", mode=0o444)
    with pytest.raises(SettingsError, match="chmod 600"):
        FileKek(path, ours=False).key()
    if os.geteuid() == 0:
        os.chown(path, ELSEWHERE, ELSEWHERE)
        assert FileKek(path, ours=False).key() == bytes(range(32))


def test_a_mounted_secret_that_is_missing_is_never_made(place: Place) -> None:
    path = place.folder / "mounted"
    with pytest.raises(SettingsError, match="cannot be read"):
        store_at(place, Hands(), kek=FileKek(path, ours=False))
    assert not path.exists()


def test_a_variable_names_the_file_and_holds_no_key(place: Place) -> None:
    path = secret_file(place.folder / "named")
    store = store_at(place, Hands(), kek=named_by("KEK_FILE", {"KEK_FILE": str(path)}))
    key = store.sealing()
    store.close()
    again = store_at(place, Hands(), kek=FileKek(path))
    assert again.sealing() == key
    again.close()
    with pytest.raises(SettingsError, match="set KEK_FILE"):
        named_by("KEK_FILE", {})


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (Kek(kind="variable"), "keys.kek.variable"),
        (Kek(kind="variable", variable="NONE_IS_SET"), "set NONE_IS_SET"),
        (Kek(kind="aws-kms"), "keys.kek.key"),
        (Kek(kind="aws-kms", key="alias/keys", endpoint="no url"), "KMS cannot be set up"),
    ],
)
def test_settings_that_name_no_key_are_told(tmp_path: Path, settings: Kek, told: str) -> None:
    with pytest.raises(SettingsError, match=told):
        kek(settings, tmp_path / "kek")


def test_settings_choose_the_kind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEK_FILE", str(tmp_path / "named"))
    assert "kek'" in repr(kek(Kek(), tmp_path / "kek"))
    assert "named" in repr(kek(Kek(kind="variable", variable="KEK_FILE"), tmp_path / "kek"))
    kms = kek(Kek(kind="aws-kms", key="alias/keys", region=REGION), tmp_path / "kek")
    assert repr(kms) == "AwsKms('alias/keys')"


# --- AWS KMS


@pytest.fixture(scope="module")
def server() -> Iterator[KmsServer]:
    with KmsServer() as running:
        yield running


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "made-up")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "made-up")


def new_key(server: KmsServer) -> str:
    client = boto3.client("kms", region_name=REGION, endpoint_url=server.url)
    return str(client.create_key()["KeyMetadata"]["KeyId"])


def test_a_store_opens_with_its_key_in_kms_and_with_no_other(
    place: Place, server: KmsServer
) -> None:
    mine, other = new_key(server), new_key(server)
    clock = Hands()
    store = store_at(place, clock, kek=AwsKms(mine, REGION, server.url))
    key = store.sealing()
    private = store.private_key(key.key_id)
    store.close()
    assert not (place.folder / "kek").exists()

    again = store_at(place, clock, kek=AwsKms(mine, REGION, server.url))
    assert (again.sealing(), again.private_key(key.key_id)) == (key, private)
    again.close()
    with pytest.raises(SettingsError, match="KMS refuses"):
        store_at(place, clock, kek=AwsKms(other, REGION, server.url))


def test_kms_is_told_what_the_key_is_for(place: Place, server: KmsServer) -> None:
    """What it wrapped opens with the encryption context of a key store alone."""
    mine = new_key(server)
    store_at(place, Hands(), kek=AwsKms(mine, REGION, server.url)).close()
    [blob] = wrapped(place, "store_key", "wrapped")
    client = boto3.client("kms", region_name=REGION, endpoint_url=server.url)
    with pytest.raises(client.exceptions.InvalidCiphertextException):
        client.decrypt(KeyId=mine, CiphertextBlob=blob)
    context = {"partywall": "key store"}
    found = client.decrypt(KeyId=mine, CiphertextBlob=blob, EncryptionContext=context)
    assert len(found["Plaintext"]) == 32


def test_a_key_that_kms_does_not_know_is_a_person_s_mistake(server: KmsServer) -> None:
    with pytest.raises(SettingsError, match=r"KMS refuses \(NotFoundException\)"):
        AwsKms("alias/none", REGION, server.url).wrap(bytes(32), first=True)


def test_a_kms_that_is_away_is_waited_out() -> None:
    away = AwsKms("alias/keys", REGION, "http://127.0.0.1:9")
    with pytest.raises(UnavailableError, match="KMS does not answer"):
        away.unwrap(b"wrapped")


def test_a_kms_without_credentials_is_a_person_s_mistake(
    server: KmsServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(SettingsError, match="needs credentials"):
        AwsKms("alias/keys", REGION, server.url).unwrap(b"wrapped")


# --- what wraps what


def test_the_key_encryption_key_wraps_one_key_and_that_one_the_others(place: Place) -> None:
    """So it may lie where it never leaves."""
    store = store_at(place, Hands())
    key = store.sealing()
    private = store.private_key(key.key_id)
    assert private is not None
    [blob] = wrapped(place, "store_key", "wrapped")
    own = keywrap.aes_key_unwrap((place.folder / "kek").read_bytes(), blob)
    [row] = wrapped(place, "sealing_keys", "wrapped_private")
    assert keywrap.aes_key_unwrap(own, row) == private
    with pytest.raises(keywrap.InvalidUnwrap):
        keywrap.aes_key_unwrap((place.folder / "kek").read_bytes(), row)
    assert own not in place.bytes_at_rest()
    store.close()


def old_store(folder: Path, check: bytes) -> tuple[str, bytes]:
    """A store as version 0.1.0 made it: rows wrapped by the file's key itself."""
    key = secret_file(folder / "kek").read_bytes()
    private = X25519PrivateKey.generate()
    public = private.public_key().public_bytes_raw()
    database = sqlite3.connect(folder / "keys.sqlite")
    database.executescript(
        """
        CREATE TABLE kek (wrapped_check BLOB NOT NULL);
        CREATE TABLE sealing_keys (
            key_id TEXT PRIMARY KEY, day INTEGER NOT NULL UNIQUE, made INTEGER NOT NULL,
            public BLOB NOT NULL, wrapped_private BLOB NOT NULL, wrapped_token BLOB NOT NULL);
        CREATE TABLE pseudonym_keys (
            ingest TEXT NOT NULL, day INTEGER NOT NULL, made INTEGER NOT NULL,
            wrapped BLOB NOT NULL, PRIMARY KEY (ingest, day));
        """
    )
    secrets = [keywrap.aes_key_wrap(key, s) for s in (private.private_bytes_raw(), bytes(32))]
    key_id = f"{TODAY}-{public[:6].hex()}"
    row = (key_id, TODAY, int(NOON.timestamp()), public, *secrets)
    database.execute("INSERT INTO kek VALUES (?)", (keywrap.aes_key_wrap(key, check),))
    database.execute("INSERT INTO sealing_keys VALUES (?, ?, ?, ?, ?, ?)", row)
    database.commit()
    database.close()
    return key_id, private.private_bytes_raw()


def test_a_store_of_version_0_1_0_opens_with_its_keys(tmp_path: Path) -> None:
    key_id, private = old_store(tmp_path, b"partywall-kek-check-1234")
    for _ in range(2):
        store = store_at(sqlite_in(tmp_path), Hands())
        assert store.sealing().key_id == key_id
        assert store.private_key(key_id) == private
        store.close()


def test_a_store_of_version_0_1_0_opens_with_no_other_key(tmp_path: Path) -> None:
    old_store(tmp_path, b"partywall-kek-check-1234")
    secret_file(tmp_path / "kek", bytes(range(1, 33)))
    with pytest.raises(SettingsError, match="not the one this store was made with"):
        store_at(sqlite_in(tmp_path), Hands())


def test_a_store_of_version_0_1_0_moves_to_kms_with_its_file_s_key_first(tmp_path: Path) -> None:
    old_store(tmp_path, b"partywall-kek-check-1234")
    with pytest.raises(SettingsError, match="name that first"):
        store_at(sqlite_in(tmp_path), Hands(), kek=AwsKms("alias/keys", REGION))


def test_a_damaged_store_key_is_told(place: Place) -> None:
    store_at(place, Hands()).close()
    database = place.open()
    with database.writing() as connection:
        connection.exec_driver_sql(
            "UPDATE store_key SET wrapped = zeroblob(40)"
            if place.is_sqlite
            else r"UPDATE store_key SET wrapped = '\x00'::bytea"
        )
    database.close()
    with pytest.raises((SettingsError, IntegrityError)):
        store_at(place, Hands())

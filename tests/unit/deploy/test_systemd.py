"""Under systemd the key service has no port that another process could take, and one visitor."""

from __future__ import annotations

from pathlib import Path

from pipeline.apps import STAGES

UNITS = Path(__file__).parents[3] / "deploy/systemd"


def settings(name: str) -> dict[str, list[str]]:
    """Every assignment of a unit or drop-in, in order."""
    found: dict[str, list[str]] = {}
    for line in (UNITS / name).read_text(encoding="utf-8").splitlines():
        key, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            found.setdefault(key, []).append(value)
    return found


def test_keys_and_split_meet_at_a_socket_that_no_other_stage_reaches() -> None:
    keys = settings("partywall-keys.service")
    split = settings("partywall@split.service.d/keys.conf")
    others = settings("partywall@.service")
    url = "PARTYWALL_KEYS__URL=unix://%t/partywall-keys/keys.sock"
    assert url in keys["Environment"]
    assert url in split["Environment"]
    assert keys["RuntimeDirectory"] == ["partywall-keys"]
    assert keys["RuntimeDirectoryMode"] == ["2750"]
    assert keys["Group"] == split["SupplementaryGroups"] == ["partywall-door"]
    pages = settings("partywall-investigations.service")
    vkey = "PARTYWALL_KEYS__VERIFIER=%t/partywall-keys/service.vkey"
    assert vkey in keys["Environment"]
    assert vkey in split["Environment"], "its credentials' folder takes no vkey met later"
    assert url in pages["Environment"]
    assert pages["SupplementaryGroups"] == ["partywall-door"]
    assert "Group" not in others
    assert "SupplementaryGroups" not in others
    assert "g partywall-door -" in (UNITS / "partywall.conf").read_text(encoding="utf-8")


def test_the_key_service_has_no_network() -> None:
    keys = settings("partywall-keys.service")
    assert keys["PrivateNetwork"] == ["yes"]
    assert keys["RestrictAddressFamilies"] == ["AF_UNIX"]


def test_what_the_readme_enables_starts_at_boot() -> None:
    """Units are wanted by the target, and the target at boot: all of them have to be enabled."""
    text = (UNITS.parent / "README.md").read_text(encoding="utf-8").replace("\\\n", " ")
    [command] = [line for line in text.splitlines() if line.startswith("systemctl enable")]
    enabled = [word for word in command.split()[2:] if not word.startswith("-")]
    assert enabled[0] == "partywall.target"
    assert settings("partywall.target")["WantedBy"] == ["multi-user.target"]
    for unit in (
        "partywall-keys.service",
        "partywall-console.service",
        "partywall-investigations.service",
        "partywall@.service",
    ):
        assert settings(unit)["WantedBy"] == settings(unit)["PartOf"] == ["partywall.target"]
    assert set(enabled[1:]) == {
        "partywall-keys",
        "partywall-console",
        "partywall-investigations",
        *(f"partywall@{s}" for s in STAGES if s not in {"keys", "console", "investigations"}),
    }

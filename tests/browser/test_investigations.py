"""Two people, two browsers, one case: from a suspicion to a refused fifth look."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.apps.folder import settings_of
from pipeline.audit.entry import Entry
from pipeline.audit.reading import Reader
from pipeline.audit.signing import read_vkey
from pipeline.audit.verify import verify
from pipeline.evidence.verify import verify as verify_bundle
from tests.support import chromium
from tests.support.desk_browser import AXE, AtDesk
from tests.support.embedded_pages import ABUSER, AGENT, LOOKED_AT, pages, report


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    chromium.need()
    folder = tmp_path_factory.mktemp("abuse")
    report(folder, folder / "data")
    return folder / "data"


@pytest.fixture
def two(data: Path, tmp_path: Path) -> Iterator[tuple[AtDesk, AtDesk]]:
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    with (
        pages(data) as origin,
        chromium.browser(tmp_path / "one") as one,
        chromium.browser(tmp_path / "other") as other,
    ):
        yield AtDesk(one, origin, pictures), AtDesk(other, origin, pictures)


def _open(investigator: AtDesk, reason: str) -> str:
    """Ask for a case about the abuser, and return its name."""
    investigator.go("/new")
    investigator.fill(
        category="abuse", reason=reason, reference="ticket 7",
        sites="shop", first=LOOKED_AT, last=LOOKED_AT, addresses=ABUSER,
    )  # fmt: skip
    investigator.press("button[value=request]")
    investigator.title_is("Case")
    return investigator.chrome.current_url.rpartition("/")[2]


def test_a_case_goes_all_its_way_between_two_browsers(  # noqa: PLR0915 -- one way, end to end
    data: Path, two: tuple[AtDesk, AtDesk], tmp_path: Path
) -> None:
    investigator, approver = two
    barriers: dict[str, list[str]] = {}

    def look(who: AtDesk, name: str) -> None:
        """Take a picture, and see that nobody is kept out."""
        who.picture(name)
        if AXE.exists() and (found := who.barriers()):
            barriers[name] = found

    investigator.sign_in("investigator")
    approver.sign_in("approver")
    look(investigator, "1-nothing-yet")
    investigator.go("/new")
    look(investigator, "2-new-case")
    case = _open(investigator, "Somebody tries passwords.")
    look(investigator, "3-requested")
    assert "requested" in investigator.text

    # Nothing can be looked for before somebody else has agreed, and the requester cannot.
    investigator.go(f"/cases/{case}/search")
    assert "Nothing can be looked for in this case now" in investigator.text
    investigator.go(f"/cases/{case}")
    assert not investigator.all("form[action$='/approve']")

    approver.go("/")
    look(approver, "4-inbox")
    approver.find("main tbody a").click()
    approver.title_is("Case")
    look(approver, "5-to-decide")
    approver.press("form[action$='/approve'] button")
    assert "open" in approver.text

    investigator.go(f"/cases/{case}/search")
    look(investigator, "6-search")
    investigator.press("form[action$='/search'] button")
    investigator.title_is("Results")
    investigator.wait("no records came", lambda: investigator.all("table.records"))
    assert "100 records on this page" in investigator.text
    look(investigator, "7-masked")
    masked = investigator.source_but(".bar")
    for value in (ABUSER, AGENT, "customer-"):
        assert value not in masked, "a value came to the browser before anybody clicked it"

    # A click fetches one value, and no more, without the page being loaded anew.
    first = "tr#row-1"
    investigator.find(f"{first} button[value=address]").click()
    investigator.wait(
        "the value does not come",
        lambda: investigator.find(f"{first} [data-field=address]").text == ABUSER,
    )
    assert investigator.chrome.switch_to.active_element.text == ABUSER
    assert AGENT not in investigator.source
    investigator.find(f"{first} button[value='*']").click()
    investigator.wait("the record does not come", lambda: AGENT in investigator.find(first).text)
    look(investigator, "8-clicked")
    assert investigator.find(f"{first} [data-field=target]").text.startswith("/login?user=customer")

    investigator.press("button[value=next]")
    assert "20 records on this page" in investigator.text
    investigator.press("button[value=before]")
    assert investigator.all("tr#row-1 button[value=address]"), "another page is masked again"

    folder = tmp_path / "taken"
    folder.mkdir()
    investigator.chrome.execute_cdp_cmd(
        "Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(folder)}
    )
    investigator.go(f"/cases/{case}")
    investigator.press("form[action$='/export'] button")
    look(investigator, "9-exported")
    investigator.find("form[action$='/download'] button").click()
    investigator.wait("no bundle comes", lambda: [*folder.glob("*.zip")])
    [bundle] = folder.glob("*.zip")
    assert verify_bundle(bundle, (data / "keys/evidence.vkey").read_text()).ok
    with zipfile.ZipFile(bundle) as held:
        assert held.read("records.jsonl").count(b"\n") == 120

    investigator.unfold("Close the case")
    investigator.press("form[action$='/close'] button")
    look(investigator, "10-closed")

    # A fifth look: the results are gone with the case, by the page and by a form kept open.
    investigator.go(f"/cases/{case}/results")
    investigator.title_is("Not allowed")
    investigator.go(f"/cases/{case}/search")
    assert not investigator.all("form[action$='/search']")
    token = investigator.find("input[name=form-token]").get_attribute("value")
    investigator.chrome.execute_script(
        "const f = document.createElement('form'); f.method = 'post'; f.action = arguments[0];"
        "const t = document.createElement('input'); t.name = 'form-token'; t.value = arguments[1];"
        "f.append(t); document.body.append(f); f.submit();",
        f"/cases/{case}/search",
        token,
    )
    investigator.title_is("Not allowed")
    assert "not possible while the case is closed" in investigator.text
    look(investigator, "11-refused")

    approver.sign_out()
    approver.sign_in("auditor")
    approver.go("/audit")
    look(approver, "12-audit")
    assert "every byte is as it was signed" in approver.text
    assert ABUSER not in approver.source

    said = [(e.actor, e.act, e.outcome) for _, e in _entries(data) if e.case == case]
    wanted = [
        ("investigator", "case.draft", "allowed"),
        ("investigator", "case.request", "allowed"),
        ("approver", "case.approve", "allowed"),
        ("investigator", "case.search", "allowed"),
        ("investigator", "case.read", "allowed"),
        ("investigator", "case.reveal", "allowed"),
        ("investigator", "case.reveal", "allowed"),
        ("investigator", "case.search", "allowed"),
        ("investigator", "case.read", "allowed"),
        ("investigator", "case.search", "allowed"),
        ("investigator", "case.read", "allowed"),
        ("investigator", "case.export", "allowed"),
        ("investigator", "case.read", "allowed"),
        ("investigator", "case.export", "done"),
        ("investigator", "case.export", "allowed"),
        ("investigator", "case.close", "allowed"),
        ("investigator", "case.reveal", "refused"),
        ("investigator", "case.search", "refused"),
    ]
    acts = [one for one in said if one[1].startswith("case.") and one[1] != "case.show"]
    assert acts == wanted
    assert {one[1] for one in said} >= {"keys.tokens", "keys.release"}, "a key was lent unseen"
    assert _sound(data)
    assert not barriers, "\n".join(f"{n}: {b}" for n, found in barriers.items() for b in found)

    # Neither browser has kept a value: not in its cache, its history, nor anywhere in its profile.
    for one in two:
        one.chrome.quit()
    kept = [
        path
        for path in tmp_path.rglob("*")
        if path.is_file()
        and {"one", "other"} & set(path.relative_to(tmp_path).parts[:1])
        and any(value.encode() in path.read_bytes() for value in (AGENT, "customer-"))
    ]
    assert kept == []


def _entries(data: Path) -> list[tuple[int, Entry]]:
    settings = settings_of(data)
    return [*Reader(settings.audit.folder, read_vkey(settings.audit.vkey)).entries()]


def _sound(data: Path) -> bool:
    settings = settings_of(data)
    vkey = read_vkey(settings.audit.vkey)
    return verify(settings.audit.folder, vkey, witnesses=[settings.audit.witness]).ok


def test_an_emergency_is_seen_by_everybody_until_it_is_ratified(
    two: tuple[AtDesk, AtDesk],
) -> None:
    investigator, other = two
    investigator.sign_in("investigator")
    other.sign_in("auditor")
    assert not other.all(".alarms")
    investigator.go("/new")
    investigator.fill(
        category="abuse", reason="It goes on right now.",
        sites="shop", first=LOOKED_AT, last=LOOKED_AT, addresses=ABUSER,
    )  # fmt: skip
    investigator.press("button[value=keep]")
    investigator.unfold("Emergency access")
    investigator.fill(reason="Accounts are being taken over.")
    investigator.press("form[action$='/emergency'] button")
    assert "emergency" in investigator.find(".bar").text
    other.go("/roles")
    assert "opened" in other.find(".alarms").text
    other.picture("13-alarm")
    other.sign_out()
    other.sign_in("approver")
    other.find(".alarms a").click()
    other.title_is("Case")
    other.picture("14-to-ratify")
    other.press("form[action$='/ratify'] button")
    assert not other.all(".alarms")


def test_a_form_that_was_filled_in_wrongly_comes_back_filled_in_with_the_error_in_focus(
    two: tuple[AtDesk, AtDesk],
) -> None:
    investigator, _ = two
    investigator.sign_in("investigator")
    investigator.go("/new")
    investigator.fill(
        category="abuse", reason="A reason.", sites="shop", first="yesterday", last=LOOKED_AT,
        addresses=ABUSER,
    )  # fmt: skip
    investigator.press("button[value=request]")
    focused = investigator.chrome.switch_to.active_element
    assert focused.get_attribute("role") == "alert"
    assert "A time is written as" in focused.text
    assert investigator.find("textarea[name=reason]").get_attribute("value") == "A reason."
    assert investigator.find("[name=addresses]").get_attribute("value") == ABUSER
    investigator.picture("15-wrong")

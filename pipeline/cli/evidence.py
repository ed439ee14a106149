"""``partywall evidence``: is a bundle what was handed out, and what does it say of itself."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import orjson
import typer

from pipeline.audit.signing import read_vkey
from pipeline.cli.options import Json
from pipeline.evidence import bundle
from pipeline.evidence import show as reading
from pipeline.evidence import verify as checking
from pipeline.evidence.proof import checker

evidence = typer.Typer(help="Bundles of evidence.", no_args_is_help=True)

Bundle = Annotated[Path, typer.Argument(metavar="BUNDLE", help="the file that was handed out")]


@evidence.callback()
def root() -> None:
    """Verify a bundle of evidence, or show what it says of itself."""


@evidence.command()
def verify(
    file: Bundle,
    vkey: Annotated[
        Path | None,
        typer.Option("--vkey", metavar="FILE", help="the verifier key it must be signed with"),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option("--data", metavar="DIR", help="take the keys from this folder of `up`"),
    ] = None,
    as_json: Json = False,
) -> None:
    """Check every byte of a bundle, offline: exit code 0, or 1 with a line for each finding."""
    audit = None
    if data is not None:
        keys = data / "keys"
        vkey = vkey or keys / "evidence.vkey"
        audit = checker(read_vkey(keys / "audit.vkey"))
    key = str(read_vkey(vkey)) if vkey is not None else None
    verdict = checking.verify(file, key, audit=audit)
    if as_json:
        manifest = verdict.manifest
        found = {
            "ok": verdict.ok,
            "findings": verdict.findings,
            "signed_by": verdict.signed_by,
            "trusted": verdict.trusted,
            "case": manifest.case if manifest else None,
            "made": manifest.made if manifest else None,
            "records": manifest.records if manifest else None,
        }
        sys.stdout.buffer.write(orjson.dumps(found) + b"\n")
    else:
        for line in [*map(plain, verdict.findings), *_said(verdict)]:
            print(line)
    if not verdict.ok:
        raise typer.Exit(1)


@evidence.command()
def show(file: Bundle, as_json: Json = False) -> None:
    """Print manifest and chain of custody, and no record. Nothing is verified."""
    shown = reading.show(file)
    if as_json:
        custody = orjson.loads(bundle.custody_json(shown.custody))
        found = {"manifest": asdict(shown.manifest), "custody": custody}
        sys.stdout.buffer.write(orjson.dumps(found) + b"\n")
        return
    manifest = shown.manifest
    versions = ", ".join(map(str, manifest.policy_versions))
    lines = [
        f"case {manifest.case}, asked for by {manifest.requester}: {manifest.reason}",
        f"made {manifest.made}; {manifest.records:,} records; policy version {versions}",
        f"scope {manifest.scope_sha256}",
        "columns: " + ", ".join(f"{column.name} ({column.kind})" for column in manifest.columns),
        *(f"{entry.sha256}  {entry.name}, {entry.bytes:,} bytes" for entry in manifest.files),
        "custody:",
    ]
    for link in shown.custody:
        facts = ", ".join(f"{name} {value}" for name, value in sorted(link.facts.items()))
        lines.append(f"  {bundle.moment(link.time)}  {link.actor}  {link.act}  {facts}".rstrip())
    lines.append("Not verified: run partywall evidence verify.")
    for line in lines:
        print(plain(line))


def plain(text: str) -> str:
    """Return a text for a terminal: what does not print is written as an escape."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def _said(verdict: checking.Verdict) -> list[str]:
    """Say what the verdict rests on."""
    if verdict.signed_by is None:
        return []
    said = []
    if verdict.ok and verdict.manifest is not None:
        said.append(
            f"{verdict.manifest.records:,} records of case {verdict.manifest.case}: "
            "every byte is as it was signed"
        )
    said.append(f"signed by {verdict.signed_by}")
    if verdict.trusted is None:
        said.append(
            "nobody has said whether this key is to be trusted: whoever changed the bundle may "
            "have signed it anew; give the key that you know with --vkey"
        )
    return [plain(line) for line in said]

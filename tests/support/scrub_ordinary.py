"""Ordinary things that come close to personal values: what detectors are to leave alone."""

from __future__ import annotations

import random
import string
from collections.abc import Callable
from typing import Final

from tests.support.scrub_spellings import SCRIPTS, word

_WORDS: Final = (
    "garden winter prices guide kitchen tables news about delivery offers lamps stories care "
    "colours outdoor shelves rooms ideas how-to release notes server latency tuning add face cafe"
).split()


def _slug(rng: random.Random) -> str:
    return "/" + "/".join("-".join(rng.choices(_WORDS, k=rng.randint(1, 4))) for _ in range(2))


def _slug_in_script(rng: random.Random) -> str:
    script = rng.choice(list(SCRIPTS))
    return f"/{word(rng, script)}-{word(rng, script)}/{rng.choice(_WORDS)}"


def _product(rng: random.Random) -> str:
    sku = "".join(rng.choices(string.ascii_uppercase, k=2))
    return f"/p/{rng.choice(_WORDS)}-{rng.randrange(1, 999)}/{sku}-{rng.randrange(1000, 9999)}"


def _version(rng: random.Random) -> str:
    numbers = ".".join(str(rng.randrange(30)) for _ in range(rng.choice([2, 3, 4])))
    return f"/dl/{rng.choice(_WORDS)}-{numbers}{rng.choice(['.tar.gz', '.zip', '-rc1.jar', ''])}"


def _day(rng: random.Random) -> str:
    year, month, day = rng.randrange(1991, 2040), rng.randrange(1, 13), rng.randrange(1, 29)
    return rng.choice([
        f"/{year}/{month:02}/{day:02}/{rng.choice(_WORDS)}", f"/news/{year}-{month:02}-{day:02}",
        f"/log/{year}{month:02}{day:02}.txt", f"/review-{year}-{year + 1}",
        f"?from={year}-{month:02}-{day:02}T10:05:03", f"/{day:02}.{month:02}.{year}",
    ])  # fmt: skip


def _order(rng: random.Random) -> str:
    size = rng.choice([5, 6, 7, 8, 9, 10, 11, 12, 13, 16])
    return f"/order/{rng.choice('123456789')}{''.join(rng.choices(string.digits, k=size - 1))}"


def _file(rng: random.Random) -> str:
    name = rng.choice(_WORDS)
    digest = "".join(rng.choices("0123456789abcdef", k=rng.choice([6, 7, 8])))
    return rng.choice([
        f"/img/{name}@2x.png", f"/img/{name}@3x.webp", f"/js/{name}.{digest}.js",
        f"/npm/@angular/core@17.{rng.randrange(9)}.1/fesm.mjs", f"/{name}.min.css?v={digest}",
        f"/commit/{digest}", f"/a/at-the-{name}.html", f"/@{name}",
    ])  # fmt: skip


def _parameters(rng: random.Random) -> str:
    name = rng.choice(_WORDS)
    number = rng.randrange(1, 500)
    return rng.choice([
        f"?sort=name&page={number}", f"?filename={name}.pdf", f"?hostname=web{number}",
        f"?side={name}",
        f"?q={name}+{name}", f"?color={name}&size={number}", f"?name=&page={number}",
        f"?assess={name}", f"?session={number}", f"?name={number}", f"?inside={name}abc",
    ])  # fmt: skip


def _measure(rng: random.Random) -> str:
    return rng.choice([
        f"?price={rng.uniform(1, 900):.2f}", f"?zoom={rng.uniform(1, 20):.4f}",
        f"/size/{rng.randrange(100, 4000)}x{rng.randrange(100, 3000)}",
        f"?range={rng.uniform(200, 900):.3f},{rng.uniform(200, 900):.3f}",
        f"?t={rng.randrange(1_300_000_000, 1_800_000_000)}",
        f"/isbn/978{rng.randrange(10**9, 10**10)}",
        f"/map/{rng.uniform(1, 9):.2f},{rng.uniform(1, 9):.1f}",
        f"/tax/{rng.randrange(10**7, 10**8)}{rng.choice('ABCDEFGH')}",
    ])  # fmt: skip


ORDINARY: Final[tuple[Callable[[random.Random], str], ...]] = (
    _slug, _slug_in_script, _product, _version, _day, _order, _file, _parameters, _measure,
)  # fmt: skip
"""What draws an ordinary value."""

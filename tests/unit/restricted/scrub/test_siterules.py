"""Site rules do what they say at their sites and nothing elsewhere; contradictions are refused."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path

import polars as pl
import pytest
import yaml

from pipeline import declarations
from pipeline.errors import SettingsError
from pipeline.restricted.referrer import Referrers
from pipeline.restricted.scrub import Scrubber, load_scrubber
from pipeline.restricted.scrub.pages import Pages
from tests.support.personal_values import Spelling, address_at, digits, ipv4, share_seen

DEFAULT = declarations.folder() / "scrub/default.yaml"
Rule = dict[str, object]


def pages(tmp_path: Path, *entries: dict[str, object]) -> Pages:
    """The packaged rules with site rules."""
    document = yaml.safe_load(DEFAULT.read_text(encoding="utf-8"))
    document["sites"] = list(entries)
    file = tmp_path / "rules.yaml"
    file.write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")
    return Pages(load_scrubber(file))


def shop(tmp_path: Path, *rules: Rule, routes: tuple[str, ...] = ()) -> Pages:
    return pages(tmp_path, {"sites": ["shop"], "routes": list(routes), "rules": list(rules)})


def keep(key: str | list[str], name: str = "kept") -> Rule:
    return {"name": name, "field": "query", "key": key, "action": "keep"}


def drop(key: str, name: str = "dropped") -> Rule:
    return {"name": name, "field": "query", "key": key, "action": "drop"}


def path(action: str, name: str = "p", **more: object) -> Rule:
    return {"name": name, "field": "path", "action": action, **more}


def page(made: Pages, target: str, site: str = "shop") -> str:
    return made.many(site, [target])[0]


def test_query_keys_stay_only_where_kept_and_their_values_never(tmp_path: Path) -> None:
    made = shop(tmp_path, keep(["tab", "page"]))
    assert page(made, "/a?tab=alice&q=bob&page=3#x") == "/a?page=:value&tab=:value"
    assert page(made, "/a?q=bob&tabs=1") == "/a"
    assert page(made, "/a?tab") == "/a?tab=:value"
    assert page(made, "/a?tab=1", site="blog") == "/a"
    assert made.many("shop", ["/a?tab=1", None, "/a"]) == ["/a?tab=:value", "(none)", "/a"]


def test_a_key_that_only_a_glob_knows_is_the_visitors_text(tmp_path: Path) -> None:
    made = shop(tmp_path, keep("*"))
    assert page(made, "/a?tab=1&alice@example.com=2&dGhpcyBpcyBhIHNlY3JldA=3&12345=4") == (
        "/a?tab=:value"
    )
    assert page(made, "/a?AB123456C=1&a1234567b=2") == "/a"


def test_deny_wins_over_allow_in_any_order(tmp_path: Path) -> None:
    rules = [keep("utm_*"), drop("utm_content"), keep("utm_source", "source")]
    for order in permutations(rules):
        made = shop(tmp_path, *order)
        target = "/a?utm_source=x&utm_content=y&utm_medium=z"
        assert page(made, target) == "/a?utm_medium=:value&utm_source=:value"
    for order in permutations([keep("tab"), drop("*")]):
        assert page(shop(tmp_path, *order), "/a?tab=x") == "/a"
    for sites in permutations(["*", "shop", "sh?p"]):
        entries: list[dict[str, object]] = [
            {"sites": [site], "rules": [drop("tab") if site == "*" else keep("tab", site)]}
            for site in sites
        ]
        assert page(pages(tmp_path, *entries), "/a?tab=x") == "/a"


def test_values_of_kept_keys_may_be_told_more_exactly(tmp_path: Path) -> None:
    made = shop(
        tmp_path,
        {"name": "sum", "field": "query", "key": "sum", "action": "coarsen", "to": "magnitude"},
        {"name": "n", "field": "query", "key": "n", "action": "coarsen", "to": "id"},
        {"name": "who", "field": "query", "key": "who", "action": "placeholder", "as": ":person"},
        {
            "name": "m",
            "field": "query",
            "detector": "email",
            "action": "placeholder",
            "as": ":mail",
        },
        {"name": "c", "field": "query", "detector": "card", "action": "drop"},
        keep("q"),
    )
    assert page(made, "/a?sum=4711") == "/a?sum=:1000-9999"
    assert page(made, "/a?sum=0&n=5") == "/a?n=:id&sum=:0"
    assert page(made, "/a?sum=12345678901") == "/a?sum=:id"
    assert page(made, "/a?sum=alice") == "/a?sum=:value"
    assert page(made, "/a?sum=%EF%BC%94%EF%BC%92") == "/a?sum=:10-99"
    assert page(made, "/a?who=alice") == "/a?who=:person"
    assert page(made, "/a?q=alice%2540example.com") == "/a?q=:mail"
    assert page(made, "/a?q=4242-4242-4242-4242") == "/a"
    assert page(made, "/a?x=alice@example.com") == "/a"


def test_paths(tmp_path: Path) -> None:
    made = shop(
        tmp_path,
        path("placeholder", "slug", route="/products/{slug}"),
        path("coarsen", "orders", route="/orders/{number}", to="magnitude"),
        path("coarsen", "deep", prefix="/archive", to=2),
        path("drop", "inner", prefix="/internal"),
        path("placeholder", "tags", glob="/tags/*/rss-*", **{"as": ":tag"}),
        path("placeholder", "below", prefix="/g", **{"as": ":x"}),
    )
    assert page(made, "/products/red-shoe") == "/products/:slug"
    assert page(made, "/products/red-shoe/") == "/products/:slug/"
    assert page(made, "/products/red-shoe/photos") == "/products/red-shoe/photos"
    assert page(made, "/orders/4711") == "/orders/:1000-9999"
    assert page(made, "/orders/47110815") == "/orders/:id"
    assert page(made, "/orders/new") == "/orders/new"
    assert page(made, "/archive/2014/05/17/a") == "/archive/2014/:more"
    assert page(made, "/archive/2014") == "/archive/2014"
    assert page(made, "/internal/a/b?x=y") == "(dropped)"
    assert page(made, "/int%65rnal/./a") == "(dropped)"
    assert page(made, "/tags/oak/rss-2") == "/tags/:tag/:tag"
    assert page(made, "/g/a/b") == "/g/:x/:x"
    assert page(made, "/products/red-shoe", site="blog") == "/products/red-shoe"


def test_detectors_in_paths(tmp_path: Path) -> None:
    made = shop(
        tmp_path,
        path("drop", "cards", detector="card"),
        path("placeholder", "mails", detector="email", **{"as": ":mail"}),
    )
    assert page(made, "/pay/4242424242424242") == "(dropped)"
    assert page(made, "/pay/4242/4242/4242/4242/x") == "(dropped)"
    assert page(made, "/pay/4242424242424241") == "/pay/:id"
    assert page(made, "/u/alice%40example.com/x") == "/u/:mail/x"


def test_a_known_route_is_no_name_but_what_follows_is(tmp_path: Path) -> None:
    made = shop(tmp_path, routes=("/users/export", "/users/export/{format}"))
    assert page(made, "/users/export") == "/users/export"
    assert page(made, "/users/alice") == "/users/:name"
    assert page(made, "/users/export/alice") == "/users/export/:name"
    assert page(made, "/users/export", site="blog") == "/users/:name"


@pytest.mark.parametrize("route", ["/order/12345", "/a/alice@example.com", "/x/a1b2c3d4e5"])
def test_a_route_cannot_keep_what_the_rules_take(tmp_path: Path, route: str) -> None:
    with pytest.raises(SettingsError, match="deny wins"):
        shop(tmp_path, routes=(route,))
    with pytest.raises(SettingsError, match="mine would keep"):
        shop(tmp_path, path("keep", "mine", route=route))


@pytest.mark.parametrize(
    "spelling",
    [*(Spelling(groups, joint) for groups in (ipv4, digits(3, 3, 4), digits(4, 4, 4, 4))
       for joint in "-./"), Spelling(address_at("example.pl"), "%2540")],
)  # fmt: skip
def test_what_is_kept_lets_no_personal_value_through(tmp_path: Path, spelling: Spelling) -> None:
    made = shop(
        tmp_path,
        path("keep", "all", prefix="/"),
        path("keep", "x", route="/x/{value}"),
        keep("*"),
    )
    assert share_seen(lambda target: page(made, target), spelling, 100) == 0


@pytest.mark.parametrize("mark", ["/call/{area}/555/0143", "/call/202/{x}/0143"])
def test_a_rule_of_a_site_does_not_break_up_a_number(tmp_path: Path, mark: str) -> None:
    made = shop(tmp_path, path("coarsen", route=mark, to="magnitude"))
    assert page(made, "/call/202/555/0143") == "/call/:phone"


def test_referrers(tmp_path: Path) -> None:
    made = shop(
        tmp_path,
        {"name": "p", "field": "referrer", "host": "*.partner.example", "action": "placeholder",
         "as": ":partner"},
        {"name": "d", "field": "referrer", "host": "secret.example", "action": "drop"},
        {"name": "k", "field": "referrer", "host": "docs.example.org", "action": "keep"},
    )  # fmt: skip
    say = Referrers()
    hosts = ["a.partner.example", "secret.example", "docs.example.org", "bob.example.org"]
    said = say.many([f"https://{host}/x" for host in hosts])
    names = [each.name for each in made.referrers("shop", said)]
    assert names == [":partner", "(unnamed)", "docs.example.org", "example.org"]
    assert made.referrers("blog", said) == said


@pytest.mark.parametrize(
    ("rules", "names"),
    [
        ([keep("tab", "a"), drop("tab", "b")], ("a and b", "query key tab")),
        ([drop("tab", "b"), keep("tab", "a")], ("b and a",)),
        ([path("placeholder", "one", prefix="/a", **{"as": ":x"}),
          path("placeholder", "two", prefix="/a", **{"as": ":y"})], ("one and two", ":x", ":y")),
        ([path("drop", "one", route="/a/{b}"), path("keep", "two", route="/a/{b}")],
         ("one and two",)),
        ([path("coarsen", "one", route="/a/{b}", to="id"),
          path("coarsen", "two", route="/a/{b}", to="magnitude")], ("one and two",)),
    ],
)  # fmt: skip
def test_rules_that_contradict_each_other_are_refused(
    tmp_path: Path, rules: list[Rule], names: tuple[str, ...]
) -> None:
    with pytest.raises(SettingsError) as caught:
        shop(tmp_path, *rules)
    for name in names:
        assert name in str(caught.value)


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ({"name": "x", "field": "cookie", "key": "a", "action": "keep"}, "path, query or referrer"),
        ({"name": "x", "field": "query", "action": "keep"}, "selected by one of"),
        ({"name": "x", "field": "query", "prefix": "/a", "action": "keep"}, "selected by one of"),
        ({"name": "x", "field": "query", "key": "a", "action": "show"}, "`action` is"),
        ({"name": "x", "field": "query", "key": "a", "action": "keep", "as": ":b"}, "neither"),
        ({"name": "x", "field": "query", "key": "a", "action": "placeholder"}, "needs `as`"),
        ({"name": "x", "field": "query", "key": "a", "action": "coarsen"}, "needs `to`"),
        ({"name": "x", "field": "query", "key": "a", "action": "coarsen", "to": 2}, "coarsen a"),
        ({"name": "x", "field": "query", "key": "a", "action": "keep", "kee": 1}, "called kee"),
        (path("keep", detector="email"), "nothing else"),
        (path("drop", detector="e-mail"), "no detector is called e-mail"),
        (path("drop", prefix="a"), "begin with a slash"),
        (path("drop", route="/a{b}"), "neither a word"),
        (path("placeholder", prefix="/a", **{"as": "x"}), "colon and small letters"),
        ({"name": "x", "field": "referrer", "host": "*.a", "action": "keep"}, "exact host"),
    ],
)
def test_a_rule_with_a_mistake_is_refused(tmp_path: Path, rule: Rule, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        shop(tmp_path, rule)


def test_sites_with_rules_share_one_bounded_memory_and_keep_apart(tmp_path: Path) -> None:
    made = pages(
        tmp_path,
        {"sites": ["a*"], "rules": [keep("tab")]},
        {"sites": ["ab"], "rules": [path("drop", prefix="/x")]},
    )
    for _ in range(2):
        assert page(made, "/x?tab=1", site="ab") == "(dropped)"
        assert page(made, "/x?tab=1", site="ac") == "/x?tab=:value"
        assert page(made, "/x?tab=1", site="b") == "/x"
    assert len(made._remembered) == 2
    made.forget()
    assert len(made._remembered) == 0


def test_a_site_without_rules_takes_the_way_it_always_took(tmp_path: Path) -> None:
    made = shop(tmp_path, keep("tab"))
    assert made.at("blog") is None
    plain = Pages(Scrubber())
    visitors, status = pl.Series([1], dtype=pl.UInt64), pl.Series(["200"])
    for site in ("", "shop", "blog"):
        assert plain.at(site) is None
        column = plain.column(site, pl.Series(["/a?b=c"]), visitors, status)
        assert column.to_list() == ["/a"]


def test_numbers_behind_it_do_not_undo_a_placeholder(tmp_path: Path) -> None:
    gallery = path("placeholder", prefix="/gallery", **{"as": ":who"})
    made = shop(tmp_path, gallery)
    assert "alice" not in page(made, "/gallery/alice-smith/202/555/0143")
    owner = path("placeholder", glob="/g/*/photos/*/*/*", **{"as": ":owner"})
    made = shop(tmp_path, owner)
    assert "alice" not in page(made, "/g/alice-smith/photos/202/555/0143")
    routed = path("placeholder", route="/m/{who}/call/{a}/{b}/{c}")
    assert "alice" not in page(shop(tmp_path, routed), "/m/alice-smith/call/202/555/0143")
    one = path("placeholder", glob="/h/*/photos", **{"as": ":owner"})
    assert page(shop(tmp_path, one), "/h/alice-smith/photos/202/555/0143").startswith("/h/")

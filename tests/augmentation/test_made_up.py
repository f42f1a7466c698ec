from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kgtune.augmentation import made_up
from kgtune.iocs import iocs, refang

OLD = [
    "8.8.8.8", "8[.]8[.]8[.]8:53", "10.1.2.0/24", "2a00:1450::8a", "bad.corp.com", "bad.corp[.]com", "bad(.)corp(.)com", "bad[dot]corp[dot]com",
    "hxxps://a[.]b.cc/gate.php", "http://b.cc", "hxxp[:]//b[.]cc/x/y.exe", "me[at]corp.com", "run_me.dll", "１０．１．２．３",
    "d41d8cd98f00b204e9800998ecf8427e", "D41D8CD98F00B204E9800998ECF8427E", "a" * 40, "0" * 64, "bad[。]corp[。]com",
]  # fmt: skip


@pytest.mark.property
@given(st.sampled_from(OLD), st.integers(0, 10_000))
def test_what_is_made_up_is_of_the_same_kind_and_belongs_to_nobody(old: str, seed: int) -> None:
    kind = made_up.kind_of(old)
    assert kind is not None
    new = made_up.make(kind, old, random.Random(seed))
    assert [(ioc.kind, ioc.start, ioc.end) for ioc in iocs(new)] == [(kind, 0, len(new))]
    assert made_up.is_ours(new)
    styles = ("[.]", "(.)", "[dot]", "[at]", "[:]", "hxxp", "[。]")
    assert [style in new for style in styles] == [style in old for style in styles]


@pytest.mark.parametrize(
    "name", ["8.8.8.8", "evil.com", "evil.example", "http://example.com/x", "Vexa", "report.pdf", "198.51.100.x"]
)
def test_what_could_be_somebodys_is_not_ours(name: str) -> None:
    assert not made_up.is_ours(name)


@pytest.mark.parametrize(
    ("name", "kind"), [("CVE-2031-1", None), ("CVE-2031-10452", "cve"), ("Vexa", None), ("see a.exe", None)]
)
def test_a_name_is_an_indicator_as_a_whole_or_not_at_all(name: str, kind: str | None) -> None:
    assert made_up.kind_of(name) == kind


def test_most_names_are_free_of_indicators() -> None:
    assert made_up.is_free_of_indicators("Tidal Fox")
    assert not made_up.is_free_of_indicators("the evil.example server")


def test_a_mention_is_styled_as_it_was() -> None:
    assert made_up.styled("https://a-b.example/x.php", "hxxps[:]//q[.]r[.]com/y.php") == "hxxps[:]//a-b[.]example/x.php"
    assert made_up.styled("192.0.2.7", "1.2.3[.]4") == "192.0.2[.]7"
    assert refang(made_up.styled("me@a-b.test", "me(at)q(dot)com")) == "me@a-b.test"

"""Who may come in: a request is refused here by its head alone, before any of its body is read.

Knows nothing about routes or frameworks; which paths need no key or no place is told to it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

from kgtune.service.keys import Keys

Headers = list[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Refused:
    """An answer without asking the app. `reason` is for counting."""

    status: int
    reason: str
    message: str
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Policy:
    """The bounds of a request. A path that ends with "/" in a set stands for all below it.

    `keyless` paths need no key; `probes` always have a place, or a full service would look like a dead one.
    """

    max_body_bytes: int = 65_536
    body_bytes_by_path: dict[str, int] = field(default_factory=dict)
    max_header_bytes: int = 16_384
    max_concurrent: int = 128
    receive_timeout_s: float = 60.0
    keys: Keys = field(default_factory=Keys)
    keyless: frozenset[str] = frozenset()
    probes: frozenset[str] = frozenset()

    def body_bytes(self, path: str) -> int:
        return self.body_bytes_by_path.get(path, self.max_body_bytes)


class Counts(Protocol):
    """Whoever counts what comes in and goes out."""

    def refused(self, reason: str) -> None: ...

    def answered(self, route: str, status: int, seconds: float) -> None: ...


@dataclass
class Gate:
    """Checks heads, and keeps count of those inside."""

    policy: Policy
    counts: Counts | None = None
    num_inside: int = 0

    def refusal(self, scope: Any) -> Refused | None:
        """Say why this request is not let in, or return None."""
        refused = self._head(scope) or self._place(scope) or self._key(scope)
        if refused is not None:
            self.count(refused)
        return refused

    def count(self, refused: Refused) -> None:
        if self.counts is not None:
            self.counts.refused(refused.reason)

    def _head(self, scope: Any) -> Refused | None:
        headers: Headers = scope["headers"]
        limit = self.policy.max_header_bytes
        path_bytes = len(scope.get("raw_path") or b"") + len(scope.get("query_string") or b"")
        if path_bytes > limit:
            what = f"request line: has {path_bytes} bytes; the limit is {limit} (service.max_header_bytes)."
            return Refused(414, "request_line_too_long", f"{what} Send the text in the body.")
        if (num_bytes := sum(len(name) + len(value) for name, value in headers)) > limit:
            what = f"headers: have {num_bytes} bytes; the limit is {limit} (service.max_header_bytes)."
            return Refused(431, "headers_too_large", f"{what} Send fewer or shorter ones.")
        if {b"content-length", b"transfer-encoding"} <= {name.lower() for name, _ in headers}:
            # A proxy may believe the one and this server the other: the rest would be somebody else's request.
            what = "request: says in two ways how long it is (Content-Length and Transfer-Encoding)."
            return Refused(400, "two_lengths", f"{what} Send one of them.")
        return None

    def _place(self, scope: Any) -> Refused | None:
        if self.num_inside < self.policy.max_concurrent or _is_in(self.policy.probes, scope["path"]):
            return None
        what = f"service: {self.num_inside} requests are under way (service.max_concurrent)."
        return Refused(503, "concurrency", f"{what} Try again in 1 s.", (("Retry-After", "1"),))

    def _key(self, scope: Any) -> Refused | None:
        if not self.policy.keys or _is_in(self.policy.keyless, scope["path"]):
            return None
        shown = _shown_key(scope["headers"])
        if shown and self.policy.keys.accept(shown):
            return None
        what = "is not one of the service's keys." if shown else "there is no key."
        fix = "Send Authorization: Bearer KEY, or X-API-Key: KEY."
        headers = (("WWW-Authenticate", "Bearer"),)
        return Refused(401, "wrong_key" if shown else "no_key", f"Authorization: {what} {fix}", headers)


def _is_in(paths: frozenset[str], path: str) -> bool:
    return path in paths or any(path.startswith(each) for each in paths if each.endswith("/") and each != "/")


def _shown_key(headers: Headers) -> str:
    """Return the key that a request shows, as an OpenAI client does or in a header of its own."""
    values = {name.lower(): value.decode("latin-1").strip() for name, value in headers}
    scheme, _, key = values.get(b"authorization", "").partition(" ")
    return key.strip() if scheme.lower() == "bearer" else values.get(b"x-api-key", "")

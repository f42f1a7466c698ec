"""Which texts say nearly the same: shingles, sketches of fixed size, and the pairs worth a closer look.

Knows nothing about documents' names, groups or splits. What a text is compared by (its units) are the whole of it and
each of its long paragraphs, since vendors repeat themselves paragraph by paragraph. Sketches find candidates, and only
the shingles themselves decide; the work grows with the number of texts, not with that of their pairs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import numpy.typing as npt

from kgtune.folding import fold
from kgtune.grounding import haystack

Shingles = npt.NDArray[np.uint64]
"""Distinct hashes of character 5-grams, in order."""
Sketches = npt.NDArray[np.uint8]
"""One row a unit: for each of 128 parts of the hash space, 8 bits of the first shingle from its start on."""

NEAR_DUPLICATE = 0.7
"""Jaccard similarity of character 5-grams from which two texts may not stand in two splits."""
NUM_BINS = 128
_SHINGLE = 5
_LONG_PARAGRAPH = 200  # characters

_BOUNDS = np.arange(NUM_BINS, dtype=np.uint64) << np.uint64(57)
_BASE, _MIX = np.uint64(0x9E3779B97F4A7C15), (np.uint64(0xFF51AFD7ED558CCD), np.uint64(0xC4CEB9FE1A85EC53))
_SHIFT = np.uint64(33)

# Up to here every pair of sketches is compared; it takes a tenth of a second.
_FEW_UNITS = 1_000
# In a larger set the sketches are put in order 32 times, each time by 8 other bins, and neighbours are compared that
# agree in the first 4: two units of similarity 0.7 do so with probability 1 - (1 - 0.7 ** 4) ** 32 = 0.9998.
_NUM_ORDERS = 32
_NUM_NEIGHBOURS = 3
_NUM_AGREEING = 4
# A text that is held against all held-out units, of which there are more the larger the data: with three standard
# deviations half as many texts have to be read, and one unit in 700 is missed of those at 0.7 exactly.
_FEWER = 3
_AT_ONCE = 1 << 16  # pairs compared in one step: 8 MB of sketches on either side


def units(text: str) -> list[Shingles]:
    """Return the shingles of the whole text and of every long paragraph; equal units once."""
    whole = haystack(text).folded.key
    hashes = _hashes(whole)
    found = {whole: _distinct(hashes)}
    at = 0
    for paragraph in text.split("\n"):
        if len(paragraph) < _LONG_PARAGRAPH:
            continue
        key = fold(paragraph).key
        start = whole.find(key, at)
        if key not in found:
            # Nearly always the paragraph's key is a part of the whole key, and its shingles are hashed already.
            inside = start >= 0 and len(key) >= _SHINGLE
            found[key] = _distinct(hashes[start : start + len(key) - _SHINGLE + 1] if inside else _hashes(key))
        at = max(at, start)
    return list(found.values())


def _hashes(key: str) -> Shingles:
    codes = np.frombuffer(key.encode("utf-32-le", "surrogatepass"), dtype="<u4").astype(np.uint64)
    if len(codes) < _SHINGLE:
        codes = np.concatenate([codes, np.zeros(_SHINGLE - len(codes), dtype=np.uint64)])
    size = len(codes) - _SHINGLE + 1
    hashes = codes[:size].copy()
    for offset in range(1, _SHINGLE):
        hashes *= _BASE
        hashes += codes[offset : offset + size]
    for factor in _MIX:
        hashes ^= hashes >> _SHIFT
        hashes *= factor
    return hashes ^ (hashes >> _SHIFT)


def _distinct(hashes: Shingles) -> Shingles:
    ordered = np.sort(hashes)  # np.unique does the same in ten times as long
    is_new = np.ones(len(ordered), dtype=bool)
    np.not_equal(ordered[1:], ordered[:-1], out=is_new[1:])
    return ordered[is_new]


def sketch(shingles: Shingles) -> bytes:
    """Return the unit's row of `Sketches`."""
    places = np.searchsorted(shingles, _BOUNDS)
    places[places == len(shingles)] = 0
    return shingles[places].astype(np.uint8).tobytes()


def similarity(one: Shingles, other: Shingles) -> float:
    """Return the Jaccard similarity of two units."""
    shared = len(np.intersect1d(one, other, assume_unique=True))
    return shared / (len(one) + len(other) - shared)


def likely_pairs(sketches: Sketches, sizes: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield pairs of units that may be near duplicates, by their positions; some come more than once.

    `sizes` are the numbers of shingles: a small unit's estimate is poor, so that it passes more easily.
    """
    floors = _floors(np.asarray(sizes))
    for left, right in neighbours(sketches):
        estimates = estimated(sketches, left, right)
        passing = estimates >= np.minimum(floors[left], floors[right])
        yield from zip(left[passing].tolist(), right[passing].tolist(), strict=True)


def estimated(sketches: Sketches, left: npt.NDArray[np.intp], right: npt.NDArray[np.intp]) -> npt.NDArray[np.float64]:
    """Estimate the similarity of pairs of units by the share of bins in which they agree."""
    agreeing = np.empty(len(left))
    for start in range(0, len(left), _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        agreeing[part] = (sketches[left[part]] == sketches[right[part]]).mean(axis=1)
    return _corrected(agreeing)


def _corrected(agreeing: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.asarray((agreeing - 1 / 256) / (1 - 1 / 256))  # 8 bits agree by chance once in 256


def _floors(sizes: npt.NDArray[np.intp], deviations: int = 4) -> npt.NDArray[np.float64]:
    """Return the estimates from which units of these sizes may be near; one at 0.7 falls below once in 30,000."""
    return np.maximum(0.25, NEAR_DUPLICATE - deviations * np.sqrt(0.21 / np.clip(sizes, 1, NUM_BINS)))


def neighbours(sketches: Sketches) -> Iterator[tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]]:
    """Yield positions of pairs of units whose sketches begin alike in some order: all pairs of a small set."""
    if len(sketches) <= _FEW_UNITS:
        yield np.triu_indices(len(sketches), k=1)
        return
    for number in range(_NUM_ORDERS):
        columns = (number * 4 + np.arange(8) * (2 * number + 1)) % NUM_BINS
        keys = np.ascontiguousarray(sketches[:, columns]).view(">u8").ravel().astype(np.uint64)
        order = np.argsort(keys, kind="stable")
        heads = keys[order] >> np.uint64(8 * (8 - _NUM_AGREEING))
        for step in range(1, _NUM_NEIGHBOURS + 1):
            agree = heads[:-step] == heads[step:]
            yield order[:-step][agree], order[step:][agree]


def band_keys(sketches: Sketches) -> npt.NDArray[np.uint64]:
    """Return 32 keys of each sketch: two units of similarity 0.7 share one with probability 0.9998."""
    found = np.empty((len(sketches), _NUM_ORDERS), dtype=np.uint64)
    for number in range(_NUM_ORDERS):
        columns = (number * 4 + np.arange(_NUM_AGREEING) * (2 * number + 1)) % NUM_BINS
        four = np.ascontiguousarray(sketches[:, columns]).view("<u4").ravel().astype(np.uint64)
        found[:, number] = four | np.uint64(number) << np.uint64(32)
    return found


class HeldOut:
    """The units of held-out documents, so that a text can be asked for those that it may come near to.

    Small, and it can be pickled: 500 bytes a unit. `owners` says whose each unit is; candidates are owners.
    """

    def __init__(self, owners: Sequence[int], sizes: Sequence[int], rows: Sequence[bytes]) -> None:
        self._owners, self._sizes = np.asarray(owners, dtype=np.intp), np.asarray(sizes, dtype=np.intp)
        self._sketches = stacked(rows)
        keys = band_keys(self._sketches).ravel()
        order = np.argsort(keys, kind="stable")
        self._keys, self._units = keys[order], order // _NUM_ORDERS

    def candidates(self, text: str) -> tuple[int, ...]:
        """Return the owners of units that may be near duplicates of a unit of the text; only the texts decide."""
        if not len(self._owners):
            return ()
        found: set[int] = set()
        for shingles in units(text):
            row = stacked([sketch(shingles)])
            keys = band_keys(row).ravel()
            starts, ends = np.searchsorted(self._keys, keys), np.searchsorted(self._keys, keys, side="right")
            parts = [self._units[start:end] for start, end in zip(starts, ends, strict=True) if end > start]
            if not parts:
                continue
            others = np.unique(np.concatenate(parts))
            agreeing = (self._sketches[others] == row).mean(axis=1)
            sizes = np.minimum(self._sizes[others], len(shingles))
            passing = _corrected(agreeing) >= _floors(sizes, _FEWER)
            found.update(self._owners[others[passing]].tolist())
        return tuple(sorted(found))


def is_near(text: str, others: Iterable[str]) -> bool:
    """Say whether any unit of a text is a near duplicate of one of the others'."""
    mine = units(text)
    return any(
        similarity(one, another) >= NEAR_DUPLICATE for other in others for another in units(other) for one in mine
    )


def stacked(rows: Iterable[bytes]) -> Sketches:
    """Put the rows that `sketch` made one below the other."""
    return np.frombuffer(b"".join(rows), dtype=np.uint8).reshape(-1, NUM_BINS)

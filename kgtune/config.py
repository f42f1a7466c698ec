"""Builds the one Config of a run from defaults, config.yaml, a profile and overrides.

Knows nothing about what the values do; the keys themselves stand in settings, and config_summary tells them.
"""

from __future__ import annotations

import argparse
import copy
import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

from pydantic import ValidationError

from kgtune import config_errors, settings, yaml_file
from kgtune.checks import catalogue
from kgtune.errors import ConfigError, Problem
from kgtune.planning import preflight
from kgtune.settings import Config
from kgtune.spelling import nearest, suggestion
from kgtune.yaml_file import KeyPath, YamlDocument

SHIPPED_PATH = Path(__file__).resolve().parent.parent / "config.yaml"
DEFAULT_PROFILE = "gpu24"
PROFILES_KEY = "profiles"
COMMAND_LINE = "command line"
"""The origin of what a key=value sets."""

Tree = dict[str, Any]

# By the memory of the card that each is made for, the smallest first.
_CARD_PROFILES = ("gpu16", "gpu24", "gpu32", "gpu80")
_OVERRIDE = re.compile(r"[a-z_]+(?:\.[a-z_0-9]+)*=")


@dataclass(frozen=True, slots=True)
class Resolved:
    """A run's configuration. `origins` maps each dotted key to the place that its value came from."""

    config: Config
    origins: dict[str, str]
    path: Path
    profile: str


@dataclass(frozen=True, slots=True)
class _Layer:
    """Values that overlay what was there before, and the name under which they are explained."""

    origin: str
    values: Tree
    document: YamlDocument
    prefix: KeyPath = ()

    def place(self, path: KeyPath) -> str:
        return self.document.place((*self.prefix, *path))


def load(
    path: str | None = None, profile: str | None = None, overrides: Sequence[str] = (), *, card_gib: float | None = None
) -> Resolved:
    """Read the file, lay the profile and then the overrides over it; raise a ConfigError with all problems.

    Profile "auto" is chosen for a card of `card_gib`, or for the one that this machine has.
    """
    if profile == "auto":
        return _for_card(path, overrides, card_gib or card_memory_gib())
    file = Path(path) if path is not None else SHIPPED_PATH
    document = yaml_file.read(file)
    problems = list(document.problems)
    values = dict(document.values)
    profiles = _profiles(values.pop(PROFILES_KEY, None), document, problems)

    tree: Tree = Config().model_dump()
    origins = {dotted(key): "default" for key, _ in leaves(tree)}
    tree = _overlay(tree, _Layer(file.name, values, document), origins, problems)
    for layer in profiles.values():  # a mistake in a profile that this run does not use is found now, not in a month
        _overlay(tree, layer, {}, problems)
    name = profile or DEFAULT_PROFILE
    if profile is not None or name in profiles:
        chosen = _find_profile(name, profiles, problems)
        tree = tree if chosen is None else _overlay(tree, chosen, origins, [])
    for override in overrides:
        tree = _overlay(tree, _override_layer(override), origins, problems)

    if problems:
        listing = list(dict.fromkeys(map(_listed, problems)))
        heading = [f"{len(listing)} problems in the configuration:"] if len(listing) > 1 else []
        raise ConfigError("\n".join(heading + listing))
    return Resolved(Config.model_validate(tree), origins, file, name)


def config_hash(config: Config) -> str:
    """Return the SHA-256 of all values; equal configurations have equal hashes, wherever values came from."""
    text = json.dumps(config.model_dump(mode="json"), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add --config, --profile and --show-config, and tell --help about key=value (see `split_overrides`)."""
    group = parser.add_argument_group(
        "configuration",
        "key=value sets any key of config.yaml for this run: training.max_steps=20 model.load_in_4bit=false",
    )
    group.add_argument("--config", metavar="PATH", help="another file in place of config.yaml")
    group.add_argument(
        "--profile",
        metavar="NAME",
        help=f"values for a machine, from the file's profiles (none: {DEFAULT_PROFILE}; auto: the largest that fits)",
    )
    group.add_argument("--show-config", action="store_true", help="print every value and its origin, and stop")
    parser.error = partial(_hinted, parser.error)  # type: ignore[method-assign]


def _hinted(error: Callable[[str], NoReturn], message: str) -> NoReturn:
    """Add to what argparse does not know the key that was most likely meant: max_steps=5 is training.max_steps=5."""
    hints = []
    keys = [dotted(path) for path, key in settings.KEYS.items() if not key.is_section]
    for argument in message.removeprefix("unrecognized arguments: ").split() if "unrecognized" in message else ():
        name, _, value = argument.lstrip("-").partition("=")
        near = nearest(name, keys)
        close = [key for key in keys if key.rpartition(".")[2] == name] or ([near] if near else [])
        hints += [f"{key}={value or 'VALUE'}" for key in close]
    error(f"{message}. Did you mean {' or '.join(hints)}?" if hints else message)


def split_overrides(argv: Sequence[str]) -> tuple[list[str], list[str]]:
    """Split a command line into its key=value overrides, wherever they stand, and the rest.

    Behind an option (``--text a=b``) an argument counts as an override only when it names a known
    section or has a dot. Everything behind ``--`` is left alone.
    """
    overrides: list[str] = []
    rest: list[str] = []
    for index, argument in enumerate(argv):
        if argument == "--":
            return overrides, rest + list(argv[index:])
        key = argument.partition("=")[0]
        behind_option = index > 0 and argv[index - 1].startswith("-") and "=" not in argv[index - 1]
        known = key.partition(".")[0] in Config.model_fields
        if _OVERRIDE.match(argument) and (known or "." in key or not behind_option):
            overrides.append(argument)
        else:
            rest.append(argument)
    return overrides, rest


def profile_for_memory(card_gib: float | None) -> str:
    """Name the profile for a card of so much memory; None is a machine without a card."""
    if card_gib is None:
        return "demo"
    for limit_gib, name in ((20, "gpu16"), (30, "gpu24"), (70, "gpu32")):
        if card_gib < limit_gib:
            return name
    return "gpu80"


def _for_card(path: str | None, overrides: Sequence[str], card_gib: float | None) -> Resolved:
    """Take the profile of the card's class, or the largest below it with which the run fits by plan.

    Where none does, or the model's shape is not known, the class decides, and the preflight says what to change.
    """
    own = profile_for_memory(card_gib)
    resolved = load(path, own, overrides)
    smaller = _CARD_PROFILES[: _CARD_PROFILES.index(own)] if own in _CARD_PROFILES else ()
    tried = resolved
    for name in (*reversed(smaller), None):
        found = preflight.examine(tried.config, card_gib or 0.0)
        if found is None or not card_gib:
            return resolved
        if found.verdict == "fits":
            return tried
        if name is not None:
            tried = load(path, name, overrides)
    return resolved


def card_memory_gib() -> float | None:
    """Ask torch for the smallest visible card, GiB. The one place below the model rooms that loads torch."""
    try:
        import torch
    except ImportError:
        raise ConfigError(
            "--profile auto: asks torch about the card, and torch is not installed. "
            "Install the train group of requirements.txt, or name a profile."
        ) from None
    if not torch.cuda.is_available():
        return None
    cards = range(torch.cuda.device_count())
    return min(float(torch.cuda.get_device_properties(card).total_memory) for card in cards) / 2**30


def _profiles(value: object, document: YamlDocument, problems: list[Problem]) -> dict[str, _Layer]:
    """Read the profiles section: name -> partial tree; an empty one changes nothing."""
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        place = document.place((PROFILES_KEY,))
        problems.append(_problem(place, "profiles is no mapping.", "Write name: {key: value}."))
        return {}
    layers = {}
    for name, partly in value.items():
        place = document.place((PROFILES_KEY, name))
        if name == "auto":
            what = 'a profile can\'t be named "auto", which looks at the machine.'
            problems.append(_problem(place, what, "Choose another name."))
        elif isinstance(partly, Mapping | None):
            layers[name] = _Layer(f"profile {name}", {**(partly or {})}, document, (PROFILES_KEY, name))
        else:
            fix = "Write its keys below it, or {} for none."
            problems.append(_problem(place, f"profile {name} is no mapping.", fix))
    return layers


def _find_profile(name: str, profiles: Mapping[str, _Layer], problems: list[Problem]) -> _Layer | None:
    """Find a profile in the user's file, else in the shipped one: `--config mine.yaml --profile demo` works."""
    if name in profiles:
        return profiles[name]
    shipped_document = yaml_file.read(SHIPPED_PATH)
    shipped = _profiles(shipped_document.values.get(PROFILES_KEY), shipped_document, [])
    if name not in shipped:
        known = {*profiles, *shipped, "auto"}
        fix = f"{suggestion(name, known)} Profiles stand at the end of config.yaml."
        problems.append(_problem("--profile", f'there is no profile "{name}".', fix))
    return shipped.get(name)


def _override_layer(override: str) -> _Layer:
    key, equals, text = override.partition("=")
    if not equals or not key:
        raise ConfigError(f'command line: "{override}" is no override. Write key=value, e.g. training.max_steps=20.')
    path = tuple(key.split("."))
    value: Any = _override_value(path, text)
    for part in reversed(path):
        value = {part: value}
    return _Layer(COMMAND_LINE, value, YamlDocument(COMMAND_LINE, {}))


def _override_value(path: KeyPath, text: str) -> Any:
    """Read an override's value as YAML; a text key takes it as it stands, so that a path or id needs no quotes."""
    key = settings.KEYS.get(path)
    if key is not None and key.takes_text:
        return None if key.takes_null and text in ("", "null") else text
    try:
        return yaml_file.parse_value(text)
    except ConfigError:
        return text


def _overlay(tree: Tree, layer: _Layer, origins: dict[str, str], problems: list[Problem]) -> Tree:
    """Lay values over a valid tree. A layer with a problem is reported and leaves the tree as it was."""
    merged = _merged(tree, layer.values)
    try:
        Config.model_validate(merged)
    except ValidationError as error:
        problems += config_errors.explained(error, layer.place)
        return tree
    for path, _ in leaves(layer.values):
        # an emptied section ("lora:") sets nothing, and so has no leaf among the keys
        if (key := dotted(path)) in origins:
            origins[key] = layer.origin
    return merged


def _merged(tree: Tree, values: Mapping[str, Any]) -> Tree:
    result = copy.deepcopy(tree)
    for key, value in values.items():
        if isinstance(result.get(key), dict) and isinstance(value, Mapping | None):
            result[key] = _merged(result[key], value or {})
        else:
            result[key] = tuple(value) if isinstance(value, list) else value
    return result


def leaves(tree: Mapping[str, Any], prefix: KeyPath = ()) -> Iterator[tuple[KeyPath, Any]]:
    """Yield the path and value of every key of a tree that is no section."""
    for name, value in tree.items():
        path = (*prefix, name)
        key = settings.KEYS.get(path)
        if isinstance(value, Mapping) and (key is None or key.is_section):  # a mapping may also be a key's value
            yield from leaves(value, path)
        else:
            yield path, value


def dotted(path: KeyPath) -> str:
    """Write a key as a command line has it."""
    return ".".join(map(str, path))


def _listed(problem: Problem) -> str:
    """Write a problem; one that is among the checks of a run begins with its code."""
    return catalogue.told(problem) if problem.code in catalogue.entries() else str(problem)


def _problem(where: str, what: str, fix: str) -> Problem:
    return Problem("E-CONFIG", where, what, fix)

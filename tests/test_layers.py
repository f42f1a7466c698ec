"""An import only ever points down, and heavy libraries stay in their rooms.

A new module gets its line in LAYERS, or the first test is red. Imports inside functions count too.
"""

from __future__ import annotations

import ast
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "kgtune"

# Highest first. A folder stands for all modules in it that have no line of their own.
LAYERS = [
    "demo",
    "training evaluation extraction.generation extraction.loading extraction.backends extraction.device decoding.decoding",
    "model hub noise service export extraction client replies",
    "training.supervision training.screening training.card scoring augmentation splitting conversion lint decoding.writing extraction.extractor \
extraction.incremental extraction.agreement extraction.calibration extraction.merging extraction.windows \
extraction.selection extraction.interruption service.admission",
    "sources examples prompt parsing next_step salvage salvage_items runs model_folder page extraction.texts \
extraction.converting highlighting conversion.sampling \
augmentation.tables decoding",
    "graph document grounding naming settings config_errors config config_summary planning",
    "ontology folding iocs",
    "checks",
    "errors options spelling yaml_file service.keys service.logs",
]
LEVEL = {room: len(LAYERS) - 1 - index for index, rooms in enumerate(LAYERS) for room in rooms.split()}
MODEL_ROOMS = {*LAYERS[1].split(), "model", "hub", "noise", "demo"}

# library -> the rooms that may import it
HOMES = {
    **dict.fromkeys(
        ("torch", "transformers", "peft", "trl", "bitsandbytes", "datasets", "accelerate", "tokenizers"), MODEL_ROOMS
    ),
    **dict.fromkeys(("safetensors", "huggingface_hub", "modelscope"), MODEL_ROOMS),
    "fastapi": {"service.service", "service.routes"},
    "starlette": {"service.service"},
    "prometheus_client": {"service.metrics"},
    "uvicorn": {"service.server"},
    "h11": {"service.server"},
    "httpx2": {"client", "replies", "extraction.upstream", "extraction.remote"},
    "llguidance": {"decoding.constraint"},
    "numpy": {"splitting.near_duplicates", "splitting.grouping", "splitting.leaks", "scoring", *MODEL_ROOMS},
}
# `--profile auto` asks torch about the card, and the length survey reads a local tokenizer; each late, in one function
ALLOWED = {("config", "torch"): "card_memory_gib", ("conversion.lengths", "transformers"): "_tokenizer"}
# model.load_extractor hands out the extractor that generation builds, and imports it when called. It goes
# from here when the loader has moved up to generation.
UPWARD = {("model", "extraction.generation")}


def modules():
    """Return each module's dotted name below kgtune and its file."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        found[".".join(part for part in parts if part != "__init__")] = path
    return found


MODULES = modules()


def room(module):
    """Return the line of LAYERS that a module stands on: its own, or else its folder's."""
    while module not in LEVEL and "." in module:
        module = module.rpartition(".")[0]
    return module


def imported(source, module="", *, is_package=False):
    """Return the full names that a source imports, anywhere in it; `from a import b` counts as a and a.b."""
    names = set()
    package = ["kgtune", *(part for part in module.split(".") if part)]
    if not is_package:
        package = package[:-1]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            stem = ".".join([*base, *([node.module] if node.module else [])])
            names |= {stem, *(f"{stem}.{alias.name}" for alias in node.names)}
    return names


@cache
def imports_of(module):
    """Return all that a module imports."""
    path = MODULES[module]
    return imported(path.read_text(encoding="utf-8"), module, is_package=path.name == "__init__.py")


def own_imports(module):
    """Return the kgtune modules that a module imports."""
    names = imports_of(module)
    own = {name.removeprefix("kgtune").lstrip(".") for name in names if name.split(".")[0] == "kgtune"}
    return {name for name in own if name and name in MODULES and name != module and not is_docstring_only(name)}


@cache
def is_docstring_only(module):
    """Say whether a folder's __init__ says what it holds and does nothing."""
    return len(ast.parse(MODULES[module].read_text(encoding="utf-8")).body) == 1


def test_every_module_has_a_layer():
    assert len(MODULES) >= 40
    assert {room(module) for module in MODULES if module} == set(LEVEL)


def test_a_folder_says_in_its_docstring_what_it_holds():
    folders = [path for path in MODULES.values() if path.name == "__init__.py" and path.parent != PACKAGE]
    assert len(folders) >= 12
    assert [str(path) for path in folders if not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))] == []


def test_an_import_never_points_up():
    up = [
        (module, other)
        for module in MODULES
        if room(module) in LEVEL
        for other in sorted(own_imports(module))
        if LEVEL.get(room(other), 0) > LEVEL[room(module)]
    ]
    assert set(up) == UPWARD


def test_there_is_no_cycle():
    graph = {}
    for module in MODULES:
        # a package's __init__ gathers the modules in it; they may name their package
        others = {other for other in own_imports(module) if not module.startswith(f"{other}.")}
        graph[module] = {other for other in others if (module, other) not in UPWARD}
    order = list(TopologicalSorter(graph).static_order())
    assert len(order) == len(MODULES)


@pytest.mark.parametrize("library", sorted(HOMES))
def test_a_heavy_library_stays_in_its_rooms(library):
    strangers = {
        room(module)
        for module in MODULES
        if library in {name.split(".")[0] for name in imports_of(module)}
        and not {module, room(module)} & HOMES[library]
        and (module, library) not in ALLOWED
    }
    assert strangers == set()


@pytest.mark.parametrize(("module", "library"), sorted(ALLOWED))
def test_an_allowed_import_stands_in_one_function_only(module, library):
    tree = ast.parse(MODULES[module].read_text(encoding="utf-8"))
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    inside = [node.name for node in functions if library in imported_libraries(ast.unparse(node))]
    at_import = [
        node for node in tree.body if node not in functions and library in imported_libraries(ast.unparse(node))
    ]
    assert (inside, at_import) == ([ALLOWED[module, library]], [])


def imported_libraries(source):
    return {name.split(".")[0] for name in imported(source)}


def test_the_finder_sees_every_way_to_import():
    source = "import a.b\nfrom c import d\ndef f():\n    from kgtune import graph\n    import torch\nfrom . import x\nfrom ..e import y\n"
    assert imported(source, "sources.chunks") == {
        *("a.b", "c", "c.d", "kgtune", "kgtune.graph", "torch"),
        *("kgtune.sources", "kgtune.sources.x", "kgtune.e", "kgtune.e.y"),
    }
    assert "kgtune.sources.x" in imported("from . import x", "sources", is_package=True)

"""How many forward passes and seconds an answer takes, beside transformers and a constraint library, on one model.

Asks a tuned model for the graphs of held-out documents, one text at a time, each way in turn: ours (the grammar in
full, forced tokens, drafts, the system message's cache), transformers' greedy `generate`, the same with prompt
lookup, and with xgrammar (else outlines) as the constraint. Then times the grammar's masks at a vocabulary of
152,064 made-up tokens, as large as Qwen's.

    python benchmarks/extract.py --model fine_tune_output/demo/final_model        12 documents, three runs
    python benchmarks/extract.py --model DIR --full                               every held-out document
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import harness
import vocabulary
from harness import median, result

from kgtune import config, prompt, sources
from kgtune import graph as graphs
from kgtune import model as models
from kgtune.decoding import grammar
from kgtune.decoding.constraint import Vocabulary
from kgtune.decoding.grammar import Rules
from kgtune.extraction import generation, rules
from kgtune.grounding import is_whole_in
from kgtune.model import TunedModel
from kgtune.parsing import Parsed, parse_answer

RUNS = 3
DOCUMENTS = 12
LOOKUP_TOKENS = 10  # as transformers' documentation has it
OURS, PLAIN, LOOKUP = "ours", "transformers", "transformers, prompt lookup"
Ask = Callable[[str], tuple[str, int]]
"""A text in, its answer and the number of tokens in it out."""


@dataclass
class Tally:
    """What one way took in one run over all documents."""

    seconds: float = 0.0
    num_passes: int = 0
    num_tokens: int = 0
    num_graphs: int = 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="fine_tune_output/demo/final_model", help="a folder that fine_tune.py wrote")
    parser.add_argument("--data", default="kgtune/demo/corpus.jsonl", help="raw graphs; their test documents are asked")
    parser.add_argument("--profile", default="demo", help="of config.yaml")
    parser.add_argument("--documents", type=int, default=DOCUMENTS)
    parser.add_argument("--runs", type=int, default=RUNS)
    parser.add_argument("--full", action="store_true", help="every held-out document")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    args = parser.parse_args()
    tuned, cfg = load(args)
    documents = held_out(args.data, None if args.full else args.documents)
    print(f"{args.model}: {len(documents)} documents, one at a time, {args.runs} runs", flush=True)
    ways = {
        OURS: ours(tuned, cfg),
        PLAIN: transformers_own(tuned, cfg),
        LOOKUP: transformers_own(tuned, cfg, lookup=True),
    }
    ways |= constrained(tuned, cfg)
    tallies = compare(ways, [document.text for document in documents], tuned.model, args.runs)
    rows = [
        [name, *(f"{median(getattr(t, key) for t in runs) / len(documents):.{places}f}" for key, places in COLUMNS)]
        for name, runs in tallies.items()
    ]
    harness.print_table(["per answer", "forward passes", "seconds", "tokens", "graphs"], rows)
    known, load_s = timed(lambda: Vocabulary(vocabulary.tokenizer_json(), vocabulary.SIZE, [vocabulary.SIZE - 1]))
    masks = {way: mask_times(documents[:24], known, way) for way in ("verbatim", "free")}
    for way, figures in masks.items():
        told = ", ".join(f"{key} {value}" for key, value in figures.items())
        print(f"masks at {vocabulary.SIZE:,} tokens, names and evidence {way}: {told}")
    results = [
        result(
            peer,
            f"{metric} per answer",
            *(pick(tallies[name], key, len(documents)) for name in (OURS, peer)),
            more_is_better=False,
        )
        for peer in tallies
        if peer != OURS
        for key, metric in (("num_passes", "forward passes"), ("seconds", "seconds"))
    ]
    harness.finish(
        "extract",
        results,
        args.runs,
        documents=len(documents),
        masks=masks,
        vocabulary_s=round(load_s, 1),
        device=models.device_name(),
    )
    return 0


COLUMNS = (("num_passes", 1), ("seconds", 3), ("num_tokens", 1), ("num_graphs", 2))


def pick(tallies: list[Tally], key: str, num_answers: int) -> list[float]:
    return [float(getattr(tally, key)) / num_answers for tally in tallies]


def load(args: argparse.Namespace) -> tuple[TunedModel, Any]:
    """Load the model as inference.py does: its adapter folded in, unless it is in 4 bits."""
    if args.device == "cpu":
        os.environ["CUDA_VISIBLE_DEVICES"] = ""
    cfg = config.load(None, args.profile, []).config
    tuned = models.load_tuned(Path(args.model), cfg)
    if hasattr(tuned.model, "merge_and_unload") and not cfg.model.load_in_4bit:
        tuned = replace(tuned, model=tuned.model.merge_and_unload())
    return tuned, cfg


def held_out(path: str, number: int | None) -> list[sources.RawDocument]:
    """The test documents of a file; all, where it marks none."""
    documents = sources.read_raw([Path(path)], source_format="auto", default_confidence=0.9).documents
    chosen = [document for document in documents if document.split == "test"] or list(documents)
    return chosen[:number]


def ours(tuned: TunedModel, cfg: Any) -> Ask:
    extractor = generation.TransformersExtractor.from_tuned(tuned, cfg.decoding.model_copy(update={"batch_size": 1}))

    def ask(text: str) -> tuple[str, int]:
        [extraction] = extractor.extract([text])
        return extraction.raw_text, extraction.num_answer_tokens

    return ask


def transformers_own(
    tuned: TunedModel, cfg: Any, *, lookup: bool = False, processor: Callable[[], Any] | None = None
) -> Ask:
    """Ask transformers' generate: greedy, the same prompt and cap."""
    import torch

    cap = rules.answer_cap(cfg.decoding, tuned.contract.max_answer_tokens)
    greedy = {"do_sample": False, "temperature": None, "top_p": None, "top_k": None, "repetition_penalty": 1.0}

    def ask(text: str) -> tuple[str, int]:
        rendered = prompt.render(tuned.tokenizer, tuned.contract.system, text)
        inputs = tuned.tokenizer(rendered, add_special_tokens=False, return_tensors="pt")
        ids = inputs["input_ids"].to(tuned.model.device)
        more: dict[str, Any] = {"prompt_lookup_num_tokens": LOOKUP_TOKENS} if lookup else {}
        if processor is not None:
            more["logits_processor"] = [processor()]
        with torch.inference_mode():
            out = tuned.model.generate(
                input_ids=ids, attention_mask=torch.ones_like(ids), max_new_tokens=cap,
                pad_token_id=tuned.tokenizer.pad_token_id, **greedy, **more,
            )[0, ids.shape[1] :]  # fmt: skip
        return str(tuned.tokenizer.decode(out, skip_special_tokens=True)), len(out)

    return ask


def constrained(tuned: TunedModel, cfg: Any) -> dict[str, Ask]:
    """A constraint library with the JSON shape as its schema, in transformers' generate; references are beyond it."""
    schema = json.dumps(json_schema(tuned))
    size = tuned.model.config.vocab_size
    try:
        import xgrammar
        from xgrammar.contrib.hf import LogitsProcessor
    except ImportError:
        print("xgrammar is not installed (pip install xgrammar==0.2.8)", file=sys.stderr)
    else:
        info = xgrammar.TokenizerInfo.from_huggingface(
            tuned.tokenizer, vocab_size=size, stop_token_ids=[tuned.tokenizer.eos_token_id]
        )
        compiled = xgrammar.GrammarCompiler(info).compile_json_schema(
            schema, any_whitespace=False, separators=(",", ":")
        )
        return {"transformers, xgrammar": transformers_own(tuned, cfg, processor=lambda: LogitsProcessor(compiled))}
    try:
        import outlines
        from outlines.backends.outlines_core import OutlinesCoreLogitsProcessor  # noqa: F401
    except ImportError:
        print("outlines is not installed either: no constraint library to compare with", file=sys.stderr)
        return {}
    wrapped = outlines.from_transformers(tuned.model, tuned.tokenizer)
    regex = outlines.types.dsl.to_regex(outlines.types.JsonSchema(schema))
    make = outlines.backends.get_regex_logits_processor
    return {"transformers, outlines": transformers_own(tuned, cfg, processor=lambda: make(None, wrapped, regex))}


def json_schema(tuned: TunedModel) -> dict[str, Any]:
    """The contract as a JSON schema: keys in their order, labels and types as enums."""
    text: dict[str, Any] = {"type": "string"}
    entity = {"labels": {"enum": list(tuned.ontology.label_names)}, "id": text, "name": text, "description": text}
    relationship = {"type": {"enum": list(tuned.ontology.type_names)}, "source": text, "target": text,
                    "confidence": {"type": "number"}, "evidence": text}  # fmt: skip

    def closed(properties: dict[str, Any]) -> dict[str, Any]:
        return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}

    lists = {"entities": closed(entity), "relationships": closed(relationship)}
    return closed({name: {"type": "array", "items": item} for name, item in lists.items()})


def compare(ways: dict[str, Ask], texts: list[str], model: Any, runs: int) -> dict[str, list[Tally]]:
    """Ask each way in turn for each text, the first one another each time, and add up per run."""
    passes = 0

    def count(*_: Any) -> None:
        nonlocal passes
        passes += 1

    hook = model.register_forward_pre_hook(count)
    for ask in ways.values():  # a first call pays for what later ones find ready
        ask(texts[0])
    tallies = {name: [Tally() for _ in range(runs)] for name in ways}
    names = list(ways)
    for run in range(runs):
        for number, text in enumerate(texts):
            turn = (run + number) % len(names)
            for name in names[turn:] + names[:turn]:
                passes, started = 0, time.perf_counter()
                answer, num_tokens = ways[name](text)
                tally = tallies[name][run]
                tally.seconds += time.perf_counter() - started
                tally.num_passes += passes
                tally.num_tokens += num_tokens
                parsed = parse_answer(answer)
                tally.num_graphs += isinstance(parsed, Parsed) and parsed.is_closed
    hook.remove()
    return tallies


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    started = time.perf_counter()
    return work(), time.perf_counter() - started


def mask_times(documents: list[sources.RawDocument], known: Vocabulary, way: str) -> dict[str, float]:
    """Time the mask at every place of the documents' own answers where there is a choice, in microseconds.

    Ours asks for a mask only where the model's choice is refused, and where the confidence of a relationship is
    counted; whoever masks at every step pays `average_us` at each choice, `per_token_us` over the whole answer.
    """
    times, compiles, num_forced, num_tokens = [], [], 0, 0
    for document in documents:
        graph = graphs.canonical(document.graph, document.text, drop_descriptions=True)
        rules = rules_of(graph, document.text)
        if way == "free":
            described = [replace(e, description=f"What {e.name} is, by the report.") for e in graph.entities]
            graph = replace(graph, entities=tuple(described))
            rules = replace(rules, verbatim_labels=frozenset(), is_evidence_verbatim=False, has_descriptions=True)
        matching, compile_s = timed(lambda: known.matching(grammar.lark(rules, document.text)))  # noqa: B023
        compiles.append(1e3 * compile_s)
        left = known.encode(graphs.dumps(graph).encode())
        while left:
            forced = matching.forced()
            num_forced += len(forced)
            if not forced:
                times.append(1e6 * timed(matching.allowed)[1])
            for token in forced or left[:1]:
                matching.take(token)
            num_tokens += len(forced or left[:1])
            left = left[len(forced or left[:1]) :]
    times.sort()
    figures = {
        "average_us": statistics.fmean(times),
        "per_token_us": sum(times) / num_tokens,
        "p50_us": median(times),
        "p99_us": times[int(0.99 * len(times))],
        "max_us": times[-1],
    }
    figures |= {
        "masks": len(times),
        "forced_tokens": num_forced,
        "tokens": num_tokens,
        "compile_ms": median(compiles),
    }
    return {key: round(value, 1) for key, value in figures.items()}


def rules_of(graph: graphs.Graph, text: str) -> Rules:
    """All that a model trained on grounded data is held to."""
    labels = tuple(dict.fromkeys(entity.labels for entity in graph.entities))
    return Rules(
        labels=labels,
        types=tuple(dict.fromkeys(edge.type for edge in graph.relationships)),
        verbatim_labels=frozenset(e.labels for e in graph.entities)
        - {e.labels for e in graph.entities if not is_whole_in(text, e.name)},
        is_evidence_verbatim=all(is_whole_in(text, edge.evidence) for edge in graph.relationships),
        has_descriptions=False,
    )


if __name__ == "__main__":
    sys.exit(main())

"""Every key of the results, its type and its meaning: evaluation_results.json, version 3, and the scorer's own file.

Knows nothing about how a number is made beyond its words. `python -m kgtune.scoring --schema` prints it; a test holds
that every key written is described and every described one written.
"""

from __future__ import annotations

from collections.abc import Iterable

from kgtune.scoring.column import CELLS
from kgtune.scoring.comparison import IN_SLICES as COMPARED_IN_SLICES
from kgtune.scoring.description import Key, a_list, an_object, any_of, number, text, whole
from kgtune.scoring.grounded import EVIDENCE_LEVELS, NAME_LEVELS
from kgtune.scoring.metrics import COMPARED, IN_SLICES, METRICS
from kgtune.scoring.sample import TRAITS
from kgtune.scoring.scoreboard import SCHEMA_VERSION
from kgtune.scoring.taxonomy import FINDINGS


def _metric(words: str) -> Key:
    return an_object(words, {
        "value": number("the metric; null where there is nothing to divide by", null=True),
        "low": number("lower end of the 95 % interval", null=True),
        "high": number("upper end of the 95 % interval", null=True),
        "interval": text("bootstrap: percentiles over resampled documents; wilson: all resamples agree, so Wilson's "
                          "for as many trials as documents count; none: no interval"),
        "count": whole("what is counted, summed; null for a calibration error", null=True),
        "of": whole("what it is divided by, summed (F1: gold and predicted items, the ratio times 2)"),
    }, shape="metric")  # fmt: skip


def _metrics(names: Iterable[str]) -> Key:
    return an_object("the metrics", {name: _metric(METRICS[name].words) for name in names})


def _difference(words: str) -> Key:
    return an_object(words, {
        "first": number("the first system's value", null=True),
        "second": number("the second system's value", null=True),
        "difference": number("second minus first", null=True),
        "low": number("lower end of the paired 95 % interval", null=True),
        "high": number("upper end of the paired 95 % interval", null=True),
        "num_documents": whole("documents that say something about the metric"),
        "test": text("mcnemar (exact) for what a document has or has not, else randomisation (systems swapped)"),
        "only_first": whole("documents that only the first system has right; mcnemar", null=True),
        "only_second": whole("documents that only the second system has right; mcnemar", null=True),
        "p": number("two-sided p-value", null=True),
        "p_adjusted": number("the p-value adjusted for the number of metrics tested here (Holm)", null=True),
        "least_difference": number("least difference that such a sample shows four times in five", null=True),
        "words": text("the same in words"),
        "verdict": text("better, worse, no difference shown, too few documents, not measured: see statistics.rules"),
    }, shape="difference")  # fmt: skip


def _comparison(words: str) -> Key:
    sliced = {
        trait: any_of(f"by {trait}", an_object("one slice", {
            name: _difference(METRICS[name].words) for name in COMPARED_IN_SLICES}))
        for trait in TRAITS
    } | {
        dimension: any_of(f"by {dimension.replace('_', ' ')}", an_object("one slice", {
            f"{thing}_f1": _difference(METRICS[f"{thing}_f1"].words)}))
        for dimension, thing in CELLS.items()
    }  # fmt: skip
    return an_object(words, {
        "first": text("the column that is compared with"),
        "second": text("the column that is compared"),
        "num_documents": whole("documents in both"),
        "metrics": an_object("the compared metrics", {name: _difference(METRICS[name].words) for name in COMPARED}),
        "slices": an_object("the same within slices; p-values are adjusted within each kind of slice", sliced),
    }, shape="comparison")  # fmt: skip


def _slices() -> dict[str, Key]:
    part = an_object("one slice of the documents", {
        "num_rows": whole("rows in it"),
        "num_documents": whole("documents in it"),
        "metrics": _metrics(IN_SLICES),
    })  # fmt: skip
    made = {
        "language": any_of("by language of the text", part),
        "length": any_of("by characters of the text", part),
        "source": any_of("by the source that the gold rows state", part),
    }
    words = {
        "label": "entities by label", "type": "relationships by type",
        "entity_names": "entities by whether a train document has the name: seen or unseen",
        "relationship_names": "relationships by whether train documents have both names: seen or unseen",
    }  # fmt: skip
    for dimension, thing in CELLS.items():
        metrics = {name: _metric(METRICS[f"{thing}_{name}"].words) for name in ("precision", "recall", "f1")}
        made[dimension] = any_of(words[dimension], an_object("one slice of the items", {
            "num_documents": whole("documents with such an item, gold or predicted"),
            "metrics": an_object("strict, on these items alone", metrics),
        }))  # fmt: skip
    return made


_BIN = an_object("one bin", {
    "from": number("lower edge, in the bin"),
    "to": number("upper edge, in the next bin but for the last"),
    "count": whole("predicted relationships in it"),
    "mean_confidence": number("their mean confidence", null=True),
    "share_right": number("share of them that are strict hits", null=True),
}, shape="bin")  # fmt: skip

_COLUMN = an_object("one system", {
    "num_rows": whole("texts that were answered"),
    "num_documents": whole("documents that they are parts of: what is resampled"),
    "num_rows_with_text": whole("rows whose text is at hand; without it grounding is not measured"),
    "metrics": _metrics(METRICS),
    "levels": an_object("where predicted items stand in their texts, counted", {
        "names": an_object("entity names", {level: whole(f"names: {level}") for level in NAME_LEVELS}),
        "evidence": an_object("evidence", {level: whole(f"evidence: {level}") for level in EVIDENCE_LEVELS}),
    }),
    "reliability": a_list("stated confidence against the share that is right, ten bins", _BIN),
    "reliability_given": a_list("the same of the confidence that users get; counts are 0 where none is known", _BIN),
    "reasons": any_of(f"answers that are no strict graph, by their reason: {', '.join(FINDINGS)}", whole("answers")),
    "findings": any_of("all findings, fatal or not, by code", an_object("one finding", {
        "count": whole("answers with it"),
        "rows": a_list("the first 50 row ids", text("row id")),
    })),
    "resolution": an_object("how small a difference to a second system of like spread these documents can show", {
        name: an_object(METRICS[name].words, {
            "least_difference": number("least difference that shows four times in five", null=True),
            "words": text("the same in words"),
        }) for name in COMPARED
    }),
    "cost": an_object("what the answers cost", {
        "seconds_per_row": number("seconds", null=True),
        "prompt_tokens_per_row": number("tokens of the prompt", null=True),
        "answer_tokens_per_row": number("tokens of the answer", null=True),
        "forward_passes_per_row": number("calls of the model", null=True),
    }),
    "slices": an_object("the same by slices", _slices()),
    "consistency": an_object("several answers to each text; null for one answer", {
        "num_runs": whole("answers per text"),
        "num_documents": whole("documents answered several times"),
        **{f"{thing}_jaccard": an_object(f"mean Jaccard index of the {thing} sets of two answers", {
            "value": number("mean over the texts"),
            "low": number("lower end of the 95 % interval", null=True),
            "high": number("upper end of the 95 % interval", null=True),
        }) for thing in ("entity", "relationship")},
    }, null=True),
}, shape="column")  # fmt: skip

_DOCUMENT = an_object("one row: text, gold graph and every answer", {
    "id": text("row id"),
    "doc_id": text("the document that it is a part of"),
    "lang": text("zh, en or mixed"),
    "source": text("where it is from, if the row states it"),
    "kind": text("none, easy_negative or hard_negative: what an empty gold graph is a test of"),
    "text": text("the text", null=True),
    "gold": text("the gold graph, canonical JSON"),
    "answers": any_of("by column", an_object("one answer", {
        "answer": text("the raw answer, character for character", null=True),
        "graph": text("the graph as the tolerant reader reads it, JSON; null where it reads none", null=True),
        "reason": text("why it is no strict graph; null for one", null=True),
        "findings": a_list("all findings", text("code")),
        "is_truncated": Key("truth value", "stopped at the token cap"),
        "f1": number("F1 of entities and relationships together, strict", null=True),
        "probabilities": a_list("of the choices behind each relationship of the strict graph; empty where not known",
                                number("probability")),
        "hits": an_object("places of the strict hits in the strict graph, from 0", {
            "entities": a_list("entities", whole("place")),
            "relationships": a_list("relationships", whole("place")),
        }),
    })),
}, shape="document")  # fmt: skip

_PROVENANCE = {
    "ontology_sha256": text("hash of the ontology that labels and types are held against"),
    "git_sha": text("commit of the code, -dirty when files differ; null outside a checkout", null=True),
    "versions": any_of("libraries that can change a result", text("version")),
    "device": text("what it ran on"),
    "date": text("when, UTC"),
}

COMMON = {
    "schema_version": whole(f"version of this description: {SCHEMA_VERSION}"),
    "producer": text("fine_tune.py or kgtune.scoring"),
    "statistics": an_object("how intervals and verdicts are made", {
        "unit": text("what is resampled: the document"),
        "resamples": whole("bootstrap resamples"),
        "seed": whole("seed of the resampling"),
        "level": number("level of the tests"),
        "least_documents": whole("documents below which nothing is claimed"),
        "rules": text("when a difference is called one"),
    }),
    "columns": any_of("the systems by name: before and after, or as the command line names them", _COLUMN),
    "comparisons": a_list("pairs of systems on the same documents", _comparison("one pair")),
    "earlier": an_object("today's answers beside those of an earlier result, both scored by today's rules", {
        "path": text("the earlier file"),
        "column": text("the column that is compared"),
        "schema_version": whole("the earlier file's version"),
        "git_sha": text("the earlier file's commit", null=True),
        "date": text("when it was made", null=True),
        "num_rows_shared": whole("rows in both"),
        "num_rows_changed": whole("rows in both whose gold graph has changed: not compared"),
        "num_rows_only_then": whole("rows of the earlier file alone"),
        "num_rows_only_now": whole("rows of this evaluation alone"),
        "comparison": _comparison("then against now"),
        "regressions": a_list("where now is worse beyond chance", an_object("one of them", {
            "slice": text("all, or the slice's kind"),
            "of": text("the slice"),
            "metric": text("the metric"),
            "difference": number("now minus then"),
            "low": number("lower end of the paired 95 % interval"),
            "high": number("upper end of the paired 95 % interval"),
        })),
    }, null=True),
    "gate": an_object("what was required, and the verdict; null where nothing was", {
        "system": text("the column that is held to it"),
        "passed": Key("truth value", "all conditions hold"),
        "conditions": a_list("one by one", an_object("a condition", {
            "condition": text("as it was read"),
            "value": number("what was measured", null=True),
            "passed": Key("truth value", "it holds"),
        })),
        "verdict": text("the same in words"),
    }, null=True),
    "documents": a_list("every row with its answers; the scorer writes them with --documents only", _DOCUMENT),
    **_PROVENANCE,
}  # fmt: skip

_RUN = any_of(
    "what the run did: steps, losses and probes of validation rows by step, seconds of each stage",
    Key("anything", "its value", may_be_null=True),
)

_PROBE = an_object("what the model made of the gold answers", {
    "num_rows": whole("gold answers looked at"),
    "num_tokens": whole("their tokens"),
    **{
        name: an_object(words, {
            "value": number("the mean", null=True),
            "low": number("lower end of the 95 % interval over resampled documents", null=True),
            "high": number("upper end of the 95 % interval", null=True),
        }, shape="probe")
        for name, words in {
            "start_probability": "probability of the answer's first token, mean over the rows",
            "end_probability": "probability of the end-of-answer token where the gold answer ends, mean over the rows",
            "structure_loss": "nats per token that holds brackets, keys and commas alone",
            "value_loss": "nats per token that holds any part of a value",
        }.items()
    },
    "keys": any_of("value tokens by the key that they belong to", an_object("one key", {
        "loss": number("nats per token"),
        "num_tokens": whole("its tokens"),
    })),
})  # fmt: skip

EVALUATION = an_object("evaluation_results.json", {
    **COMMON,
    "base_model": text("the base model"),
    "split": text("the split that was measured"),
    "num_held_out": whole("rows of that split; evaluation.max_documents of them are measured at most"),
    "max_new_tokens": whole("token cap of an answer, the same in every column"),
    "constraint": text("decoding.constraint, which after_constrained is held to; none: there is no such column"),
    "config_sha256": text("hash of the configuration"),
    "data_sha256": text("hash of training_data.json"),
    "seed": whole("seed of the training"),
    "num_rows_trained_on": whole("train rows after dropping"),
    "num_rows_dropped": any_of("train rows dropped, by reason", whole("rows")),
    "ledger": an_object("what data.overlength kept of the train rows and lost", {
        **{
            name: an_object(name, {
                "in": whole("before"),
                "kept": whole("still there"),
                "out": whole("written; what stands in two windows counts twice"),
                "lost": any_of("by reason", whole("number")),
            }, shape="tally")
            for name in ("rows", "characters", "entities", "relationships")
        },
        "tokens": an_object("tokens of prompts and answers", {"in": whole("before"), "out": whole("written")}),
        "rows_windowed": whole("rows that were cut into windows"),
    }),
    "few_shot": an_object("the examples in the prompt of the few_shot column; that column is missing where none fits", {
        "num_asked": whole("evaluation.few_shot_k"),
        "num_too_long": whole("train rows that were drawn and did not fit in model.max_seq_length"),
        "rows": a_list("the train rows that were shown", text("row id")),
    }),
    "confidence": an_object("the confidence that inference.py and serve.py give; after_constrained is measured by it", {
        "kind": text("calibrated; probability (of the choices, without a curve); stated; agreement (decoding.samples)"),
        "is_measured": Key("truth value", "not where it is stated or agreement, nor on the rows of the curve itself"),
        "num_items": whole("relationships that the curve was fitted to; null without one", null=True),
        "num_documents": whole("validation rows' documents that they are of; null without a curve", null=True),
    }),
    "probes": any_of("the columns before and after, by one forward pass over each gold answer", _PROBE),
    "run": _RUN,
})  # fmt: skip

SCORER = an_object("the file of python -m kgtune.scoring -o", {
    **COMMON,
    "gold": an_object("the gold file", {
        "path": text("its path"),
        "sha256": text("its hash; null for a folder", null=True),
        "formats": any_of("records by format", whole("records")),
        "skipped": any_of("records not measured, by reason", whole("records")),
    }),
    "answers": any_of("the answer files by column", an_object("one file", {
        "path": text("its path"),
        "sha256": text("its hash; null for a folder", null=True),
        "formats": any_of("records by format", whole("records")),
        "paired_by": text("id, text or place"),
        "num_missing": whole("documents without an answer; they count as not answered"),
        "num_left": whole("answers to no gold document; they count for nothing"),
    })),
})  # fmt: skip

"""The configuration tree: every key, its type, its bounds, its default and what it is for.

Knows nothing about files, profiles or command lines (see config). A field's docstring is one line:
unit, effect, advice. config.yaml repeats it as its comment, and a test holds the two equal.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from types import NoneType
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, model_validator

NonEmpty = Annotated[str, Field(min_length=1, pattern=r"\S")]
Ratio = Annotated[float, Field(ge=0.0, le=1.0)]
Seed = Annotated[int, Field(ge=0, le=2**32 - 1)]
Condition = Annotated[str, Field(pattern=r"^\s*(>=|<=|==|>|<)\s*-?\d+(\.\d+)?\s*$")]
Origin = Annotated[str, Field(pattern=r"^https?://[^/*\s]+$")]
Seconds = Annotated[float, Field(gt=0.0, le=86_400.0)]


class Section(BaseModel):
    """What every part of the tree shares: frozen, no unknown key, no silent conversion."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, use_attribute_docstrings=True
    )


class ModelConfig(Section):
    """The base model, and how it is loaded."""

    model_id: NonEmpty = "qwen/Qwen2.5-7B-Instruct"
    """Local folder, Hugging Face id or ModelScope id of the base model."""
    hub: Literal["auto", "huggingface", "modelscope"] = "auto"
    """Where an id is looked up; auto: Hugging Face, then ModelScope."""
    max_seq_length: int = Field(default=2048, ge=64, le=131_072)
    """Tokens of prompt and answer together; by memory: 4096 with 32 GB and more, 1024-1536 with 16 GB."""
    load_in_4bit: bool = True
    """Hold the weights in 4 bits (a third of the memory); off with plenty of memory, for precision."""


class LoraSettings(Section):
    """The trained adapter."""

    lora_r: int = Field(default=4, ge=1, le=256)
    """Rank of the adapter, its capacity; 4-8 on A10, 8-16 with 32 GB, 16-32 beyond, 2-4 with 16 GB."""
    lora_alpha: int = Field(default=4, ge=1, le=1024)
    """Scale of the adapter's effect; 1-2 times lora_r."""
    lora_dropout: float = Field(default=0.1, ge=0.0, lt=1.0)
    """Share of adapter inputs dropped in training; raise when it overfits."""
    target_modules: tuple[NonEmpty, ...] = Field(
        default=("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"), min_length=1
    )
    """Linear layers that get an adapter; keep."""


class TrainingSettings(Section):
    """The optimisation."""

    per_device_train_batch_size: int = Field(default=1, ge=1, le=1024)
    """Rows per step and card, the main use of memory; 2-4 with 32 GB."""
    batching: Literal["auto", "shared", "packed", "padded"] = "auto"
    """How rows fill a pass: behind one copy of what all begin with, end to end, or padded; auto: the fastest."""
    activation_checkpointing: Annotated[int, Field(ge=1, le=1024)] | Literal["auto", "all", "none"] = "auto"
    """Layers computed again to save memory: all, one in N, or none, the fastest; auto: the fewest that fit the card."""
    gradient_accumulation_steps: int = Field(default=32, ge=1, le=4096)
    """Steps summed into one update; inverse to the batch size: 16-8 with 32 GB, 64 and more with 16 GB."""
    max_steps: int = Field(default=100, ge=1, le=1_000_000)
    """Updates; 50-200, by data size and effect."""
    learning_rate: float = Field(default=2.0e-4, gt=0.0, le=0.1)
    """Size of an update at its peak; 1.0e-4 to 5.0e-4."""
    precision: Literal["auto", "bf16", "fp16", "fp32"] = "auto"
    """Number format of the computation; auto: bf16 where the card can, else fp16, fp32 on CPU."""
    warmup_steps: float = Field(default=0.05, ge=0.0, le=100_000.0)
    """Updates until the learning rate peaks; below 1: a share of max_steps."""
    lr_scheduler_type: Literal["cosine", "linear", "constant"] = "cosine"
    """How the learning rate falls after its peak; keep."""
    max_grad_norm: float = Field(default=1.0, gt=0.0, le=1000.0)
    """Longest gradient that is applied unscaled; lower when the loss jumps."""
    save_steps: int = Field(default=50, ge=1, le=1_000_000)
    """Updates between two checkpoints; fewer lose less work when a run stops."""
    save_total_limit: int = Field(default=2, ge=1, le=1000)
    """Checkpoints kept on disk; older ones are deleted."""
    logging_steps: int = Field(default=5, ge=1, le=1_000_000)
    """Updates between two lines of the loss."""
    report_to: tuple[NonEmpty, ...] = ()
    """Trackers that get the loss as it falls, such as tensorboard; each needs its package; none by default."""
    num_processes: Annotated[int, Field(ge=1, le=4096)] | Literal["auto"] = "auto"
    """Processes that must be running, else the run stops; auto: as many as torchrun started."""
    select_steps: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    """Updates between two readings of validation documents; the best is kept; null: none, and the last is kept."""
    select_documents: int = Field(default=32, ge=1, le=10_000)
    """Validation documents of a reading, always the same ones; more tell two readings apart, and take longer."""
    select_max_new_tokens: int = Field(default=512, ge=1, le=131_072)
    """Tokens of an answer at most in a reading; not below the longest answer, or long documents count as failed."""
    select_patience: int = Field(default=3, ge=1, le=1000)
    """Readings without a better one after which training stops."""
    seed: Seed = 42
    """Seed of weights, order and dropout; another one shows how much of a result is luck."""


class ColumnSettings(Section):
    """Which column of a CSV or TSV of triples is what."""

    head: NonEmpty | None = None
    """Name of the source entity; null: head, subject, source, 头实体, 主体 and the like."""
    head_type: NonEmpty | None = None
    """Its label; null: head_type, subject_type, source_label, 头实体类型 and the like."""
    relation: NonEmpty | None = None
    """Relationship type; null: relation, predicate, 关系, 谓语 and the like."""
    tail: NonEmpty | None = None
    """Name of the target entity; null: tail, object, target, 尾实体, 客体 and the like."""
    tail_type: NonEmpty | None = None
    """Its label; null: tail_type, object_type, target_label, 尾实体类型 and the like."""
    text: NonEmpty | None = None
    """Text that the row was read in; null: text, sentence, content, 文本, 原文 and the like, else the evidence."""
    evidence: NonEmpty | None = None
    """Words of the text that say it; null: evidence, quote, 证据 and the like, may be absent."""
    confidence: NonEmpty | None = None
    """Confidence in any spelling; null: confidence, score, 置信度 and the like, may be absent."""
    doc_id: NonEmpty | None = None
    """Document that the text belongs to; null: doc_id, document, report, 文档, 报告 and the like, may be absent."""


class DataSettings(Section):
    """Raw graphs in, training rows out."""

    input: NonEmpty | None = None
    """File or folder of raw graphs; null: fine_tune_input/raw_graph_custom.json, else raw_graph_example.json."""
    training_data: NonEmpty = "fine_tune_input/training_data.json"
    """File that convert_data.py writes and fine_tune.py reads."""
    columns: ColumnSettings = ColumnSettings()
    """Header names of a CSV or TSV of triples, where yours are not the usual ones."""
    overlength: Literal["refuse", "drop", "window"] = "refuse"
    """Row longer than max_seq_length: refuse all, drop it, or window its text; an answer is never cut."""
    on_error: Literal["refuse", "drop"] = "refuse"
    """Faulty raw item, or text for inference.py: refuse (list all, write nothing), or drop and count it."""
    default_confidence: Ratio = 0.9
    """Confidence, 0 to 1, of a relationship that states none."""
    description: Literal["keep", "drop"] = "keep"
    """Train entity descriptions; drop writes empty ones: a text may not support them, and answers get short."""
    validation_ratio: float = Field(default=0.1, ge=0.0, lt=1.0)
    """Share of the documents without a split of their own, whole groups, held out to watch, select and calibrate by."""
    test_ratio: float = Field(default=0.1, ge=0.0, lt=1.0)
    """Share of them held out for the before and after; from 3 groups on, each share above 0 gets one at least."""
    seed: Seed = 42
    """Seed of split and augmentation; same data and seed give the same file, byte for byte."""
    splits_lock: bool = True
    """Keep splits.lock.json beside the training data, so that old documents stay in their split when data is added."""
    workers: Annotated[int, Field(ge=1, le=256)] | Literal["auto"] = "auto"
    """Processes of a conversion; auto: one per core, one alone below 2,000 documents; the rows are the same."""

    @model_validator(mode="after")
    def _train_rows_remain(self) -> DataSettings:
        if self.validation_ratio + self.test_ratio >= 1.0:
            raise ValueError(
                f"validation_ratio {self.validation_ratio} and test_ratio {self.test_ratio} leave no train rows; "
                "their sum must stay below 1"
            )
        return self


class Operation(Section):
    """One augmentation operation: its switch and its share."""

    enabled: bool = True
    """Whether the operation runs."""
    ratio: Ratio
    """Share of the train rows, 0 to 1, for which one variant is drawn."""


class AugmentationSettings(Section):
    """Variants of train rows; validation and test rows are never touched."""

    synonyms: Operation = Operation(ratio=0.3)
    """Words replaced by synonyms, names and evidence never."""
    order: Operation = Operation(ratio=0.15)
    """Sentences in another order."""
    affixes: Operation = Operation(ratio=0.15)
    """A neutral sentence put before or after."""
    empties: Operation = Operation(ratio=0.1)
    """Texts without anything to extract, as a share of the train rows; raise when it invents entities."""
    entities: Operation = Operation(ratio=0.3)
    """Names replaced by others of train rows, alike in the whole document; raise when it recites known names."""
    synonyms_file: NonEmpty | None = None
    """YAML file of your own synonyms, added to the built-in ones or struck off them; null: none."""


class PromptSettings(Section):
    """The one system message."""

    guidelines: Literal["full", "brief"] = "full"
    """full: names, meanings and rules, at most 400 tokens; brief: names only, for small models."""


class OutputSettings(Section):
    """What is left behind."""

    dir: NonEmpty = "fine_tune_output"
    """Folder of checkpoints, final_model and reports."""
    id_style: Literal["slug", "numbered"] = "slug"
    """Entity ids in files and answers; slug: tool--example-tool, numbered: e1."""
    ungrounded: Literal["flag", "drop"] = "flag"
    """Names and evidence that the text does not hold: counted and shown, or dropped and counted."""
    aliases: tuple[NonEmpty, ...] = ("examples",)
    """Tables of names that are one entity, for long texts: examples, YAML files, MISP-galaxy clusters."""


class EvaluationSettings(Section):
    """The before and after."""

    split: Literal["validation", "test"] = "test"
    """Held-out rows that are measured."""
    max_documents: int = Field(default=200, ge=1, le=1_000_000)
    """Held-out rows measured at most, drawn by data.seed; more narrow the confidence intervals and take longer."""
    batch_size: int = Field(default=8, ge=1, le=1024)
    """Texts answered at once; by memory."""
    few_shot_k: int = Field(default=2, ge=0, le=100)
    """Train rows shown to the base model in a column of its own, as many as max_seq_length holds; 0 for no column."""
    probe_steps: int = Field(default=25, ge=0, le=1_000_000)
    """Updates between two looks at gold answers of validation rows while training, seconds each; 0 for none."""
    require: dict[str, Condition] = Field(default_factory=dict)
    """What the tuned model must reach, else exit code 3; for example {f1_gain: ">0", parse_rate: ">=0.98"}."""
    compare_to: NonEmpty | None = None
    """Earlier evaluation_results.json whose answers are scored again beside the new ones; null: none."""


class DecodingSettings(Section):
    """How an answer is generated."""

    constraint: Literal["full", "schema", "none"] = "full"
    """full: contract, names and references are forced; schema: the JSON shape alone; none: free."""
    max_new_tokens: Annotated[int, Field(ge=1, le=131_072)] | Literal["auto"] = "auto"
    """Tokens of an answer at most; auto: from the data's answers; lower for speed, never for correctness."""
    batch_size: int = Field(default=8, ge=1, le=1024)
    """Texts answered at once by inference.py and serve.py; by memory."""
    draft_tokens: int = Field(default=16, ge=0, le=256)
    """Tokens guessed ahead and checked in one pass; they change speed, never an answer; 0 for none."""
    grounded_floor: Ratio = 0.98
    """Share of evidence, or of a label's names, that was verbatim in training; below it full leaves them free."""
    max_name_chars: int = Field(default=200, ge=1, le=10_000)
    """Characters of a name at most; not below the longest one of your data."""
    max_evidence_chars: int = Field(default=1000, ge=0, le=100_000)
    """Characters of an evidence or a description at most; not below the longest one of your data."""
    window_tokens: Annotated[int, Field(ge=16, le=131_072)] | Literal["auto"] = "auto"
    """Tokens of a long text answered at once; auto: as long as texts that were trained on; the answers are merged."""
    overlap_tokens: int = Field(default=64, ge=0, le=8192)
    """Tokens of text that a window shares with the one before, a third of it at most; less is more precise."""
    confidence: Literal["probability", "stated"] = "probability"
    """probability: of the choices made, calibrated by fine-tuning; stated: the model's own word."""
    samples: int = Field(default=0, ge=0, le=64)
    """Answers drawn at random besides; confidence is then the share that agree; each costs an answer."""


class OpenaiSettings(Section):
    """A server that speaks the OpenAI API."""

    base_url: str = Field(default="http://127.0.0.1:8001/v1", pattern=r"^https?://[^/\s]+")
    """Address of the server's API, up to /v1."""
    model: NonEmpty = "kg"
    """Name under which the server lists the fine-tuned model."""
    api_key_env: NonEmpty = "KGTUNE_OPENAI_API_KEY"
    """Environment variable that holds the key to show; unset where the server asks for none."""
    grammar: Literal["auto", "lark", "json_schema"] = "auto"
    """How decoding.constraint is asked for; auto: our grammar (lark) of vLLM, the portable json_schema elsewhere."""
    timeout_s: Seconds = 110.0
    """Seconds a text may take, all tries together; below service.timeout_s."""
    retries: int = Field(default=3, ge=0, le=100)
    """Further tries after a failed one, within timeout_s."""


class ServiceSettings(Section):
    """serve.py."""

    host: NonEmpty = "127.0.0.1"
    """Address that is listened on; 0.0.0.0 opens it to the network: put it behind your own gateway."""
    port: int = Field(default=8000, ge=0, le=65_535)
    """TCP port; 0 takes any free one."""
    timeout_s: Seconds = 120.0
    """Seconds a request may take; by document length and card."""
    max_text_chars: int = Field(default=20_000, ge=1, le=10_000_000)
    """Characters of a text at most; a longer one is refused."""
    max_queued: int = Field(default=32, ge=1, le=100_000)
    """Requests that wait at most; the next one is refused at once."""
    max_queued_tokens: int = Field(default=100_000, ge=1, le=1_000_000_000)
    """Tokens that wait at most, estimated by characters; lower when long texts make others wait."""
    max_batch_texts: int = Field(default=32, ge=1, le=10_000)
    """Texts of one /api/kg-extract/batch at most."""
    max_batch_chars: int = Field(default=200_000, ge=1, le=100_000_000)
    """Characters of the texts of one batch together at most."""
    max_concurrent: int = Field(default=128, ge=1, le=100_000)
    """HTTP requests under way at most, those that wait too; the next one is refused at once."""
    max_header_bytes: int = Field(default=16_384, ge=1024, le=65_536)
    """Bytes of a request's headers, and of its path and query, at most."""
    drain_s: Seconds = 30.0
    """Seconds in which SIGTERM lets texts be finished; below the time after which your supervisor kills."""
    hang_limit_s: Seconds = 60.0
    """Seconds after which an extraction that doesn't stop when cancelled counts as hung; the process then ends."""
    api_keys_file: NonEmpty | None = None
    """File of API keys, one a line, beside those of KGTUNE_API_KEYS; with no key at all everybody may ask."""
    cors_origins: tuple[Origin, ...] = ()
    """Origins, such as https://wiki.example, whose pages may call the API from a browser; none by default."""
    log_format: Literal["text", "json"] = "text"
    """Log lines for people, or JSON for machines; neither ever holds a text."""
    chat_prefix: str = ""
    """Text that your pipeline puts before the document in /v1/chat/completions; it is taken off."""
    chat_suffix: str = ""
    """Text that your pipeline puts after the document; it is taken off."""


class ClientSettings(Section):
    """The typed client."""

    base_url: str = Field(default="http://127.0.0.1:8000", pattern=r"^https?://[^/\s]+")
    """Address of the service."""
    timeout_s: Seconds = 120.0
    """Seconds one try may take; not below service.timeout_s."""
    retries: int = Field(default=3, ge=0, le=100)
    """Further tries after a failed one."""
    api_key_env: NonEmpty = "KGTUNE_API_KEY"
    """Environment variable that holds the key to show; unset where the service asks for none."""


class Config(Section):
    """All of config.yaml but its profiles."""

    model: ModelConfig = ModelConfig()
    """Base model."""
    lora: LoraSettings = LoraSettings()
    """Adapter."""
    training: TrainingSettings = TrainingSettings()
    """Optimisation."""
    data: DataSettings = DataSettings()
    """Raw graphs in, training rows out."""
    augmentation: AugmentationSettings = AugmentationSettings()
    """Variants of train rows; ratio: share of the train rows, 0 to 1, for which one is drawn."""
    ontology: NonEmpty = "auto"
    """auto: the shipped one that covers the data, else one derived from it; or threat_event, stix21, a path."""
    prompt: PromptSettings = PromptSettings()
    """System message."""
    output: OutputSettings = OutputSettings()
    """What is left behind."""
    evaluation: EvaluationSettings = EvaluationSettings()
    """The before and after."""
    decoding: DecodingSettings = DecodingSettings()
    """How an answer is generated."""
    backend: Literal["transformers", "openai"] = "transformers"
    """Where the model runs; transformers: in this process, openai: on a server such as vLLM, see the section openai."""
    openai: OpenaiSettings = OpenaiSettings()
    """A server that speaks the OpenAI API, where backend is openai."""
    service: ServiceSettings = ServiceSettings()
    """serve.py."""
    client: ClientSettings = ClientSettings()
    """The typed client in kgtune/client.py."""


@dataclass(frozen=True, slots=True)
class Key:
    """What is known about one key beside its value."""

    documentation: str
    is_section: bool
    takes_text: bool
    takes_null: bool


def _keys(section: type[BaseModel], prefix: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Key]]:
    for name, field in section.model_fields.items():
        path, annotation = (*prefix, name), field.annotation
        is_section = isinstance(annotation, type) and issubclass(annotation, BaseModel)
        types = _types(annotation)
        yield path, Key(field.description or "", is_section, str in types, NoneType in types)
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            yield from _keys(annotation, path)


def _types(annotation: Any) -> set[Any]:
    """Return the plain types of an annotation or of the members of its union; of a tuple or Literal, none."""
    members = get_args(annotation)
    if not members:
        return {annotation}
    return {member for member in members if isinstance(member, type)} if NoneType in members else set()


KEYS: dict[tuple[str | int, ...], Key] = dict(_keys(Config))
"""Every key path of the tree, sections too, in the order of config.yaml."""

"""Documents, answers and boards that the tests of the scorer share. About invented names."""

from __future__ import annotations

from kgtune import ontology
from kgtune.graph import Entity, Graph, Relationship, dumps
from kgtune.scoring.documents import Document, judge
from kgtune.scoring.sample import Sample
from kgtune.scoring.scoreboard import Scoreboard
from kgtune.scoring.statistics import Bootstrap
from kgtune.scoring.tally import Rules, tally

ONTOLOGY = ontology.load("threat_event")
RULES = Rules(ONTOLOGY)
QUICK = Bootstrap(resamples=1000, seed=3)  # fewer could give no p-value that stands after adjustment

ACTOR = Entity("ThreatOrganization", "e1", "Crimson Otter")
TOOL = Entity("Tool", "e2", "VelkaRAT")
USE = Relationship("USE", "e1", "e2", 0.95, "Crimson Otter loaded VelkaRAT")
GOLD = Graph((ACTOR, TOOL), (USE,))
TEXT = "In March Crimson Otter loaded VelkaRAT again."
RIGHT = dumps(GOLD)
EMPTY = dumps(Graph())
HALF = dumps(Graph((ACTOR,), ()))
NOTHING = "I can't do that."


def document(number=1, gold=GOLD, text=TEXT, **more):
    return Document(f"row-{number}", gold, text, **more)


def row(answer, rules=RULES, doc=None, **how):
    return tally(judge(doc or document(), answer, **how), rules)


def sample(*answers, rules=RULES, docs=None):
    """One row per answer, each of its own document unless documents are given."""
    made = Sample()
    for number, answer in enumerate(answers):
        doc = docs[number] if docs else document(number)
        made.add(doc, tally(judge(doc, answer), rules))
    return made


def board(rows, rules=RULES, bootstrap=QUICK):
    """A board of two systems over (document, before, after)."""
    made = Scoreboard(["before", "after"], rules, bootstrap)
    for doc, before, after in rows:
        made.add(doc, {"before": judge(doc, before), "after": judge(doc, after)})
    return made


def compared(rows, **more):
    return board(rows, **more).results([("before", "after")])


def alternating(number, good, bad=NOTHING, *, every=2):
    """Answers of which every n-th is bad."""
    return [bad if place % every == 0 else good for place in range(number)]

"""Scores of predicted graphs against gold ones: by name, never by id. `python -m kgtune.scoring` is the tool.

Knows nothing about models, prompts or torch. Rates are in [0, 1]; a rate over nothing is None. Start at scoreboard;
nothing is imported here, so that `--help` need not wait for numpy.

    documents, negatives    what is scored            likeness, assignment, matching   which items are hits
    taxonomy                why an answer failed      grounded                         what stands in the text
    tally                   one answer -> its counts  metrics                          sums of counts -> numbers
    sample, statistics      many answers, intervals   column, comparison, consistency  what the results say
    scoreboard              several systems at once   schema, description              every key of the results
    records, foreign, files other systems' formats    leakage, gate, earlier           what is refused, what must hold
    session, tables         one run of the tool, and how a person reads it
"""

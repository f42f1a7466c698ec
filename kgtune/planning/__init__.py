"""Will it fit? Memory by term, from a model's published shape alone: no weights, no hub, no card.

shapes.py knows the models, memory.py the arithmetic, advice.py what to change, preflight.py the page a person reads.
"""

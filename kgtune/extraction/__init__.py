"""From a text to its graph: the seam that callers see, the extractors behind it, and what is made of their answers.

extractor.py is the seam; generation.py fills it with a transformers model.
"""

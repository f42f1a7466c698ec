"""An answer as it is written: the grammar that it is held to, what is forced, and what is guessed.

grammar.py and outline.py know the language of answers; decoding.py alone touches the model.
"""

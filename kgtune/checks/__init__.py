"""The checks of a fine-tuning run, by code: what each says, why it matters, what to do. CODES.md lists them.

catalogue.py knows the words (messages.toml); the checks themselves stand where what they look at is at hand.
"""

"""Which split each document goes to: grouped, stratified, locked, and held against leaks.

Knows groups and their labels, and nothing about training.
"""

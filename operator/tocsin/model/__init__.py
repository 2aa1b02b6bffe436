"""Frozen nouns of the domain: pure data and what can be told from it alone, without I/O."""

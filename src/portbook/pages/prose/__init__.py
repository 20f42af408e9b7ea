"""Sentences made from facts, in one language. Pure: the same facts give the same words."""

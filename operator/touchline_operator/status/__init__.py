"""What an object's status should say: conditions for people and tools, and the figures of its kind.

Pure functions of what was observed, judged and done; each condition moves its transition time only when it flips. Reasons are a closed
vocabulary: one word for one cause.
"""

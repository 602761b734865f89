"""What the operator knows: keys, every object that was seen, and what one reconciliation looks at.

Plain values and the index over them, without clock or I/O; who feeds the index and who judges what is in it live elsewhere.
Only what describes objects and finds them may enter.
"""

"""The small programs in the pods of managed servers: what makes a broker read its configuration again, and what starts the cache.

They know files, process ids and signals. Nothing of the operator belongs here.
"""

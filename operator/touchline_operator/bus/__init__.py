"""One broker connection for each engine: what its streams must be, specs on their way in, health on its way out.

Only the shell of it: what a document says is decided in `plan`, what health means in `status`.
"""

"""The audit log: every price and every decision of an engine, copied from the broker's short-lived and long-lived streams into one stream
of chained segments that is kept as long as declared.

`segments` is the format, `track` follows one source, `draft` collects: pure. `audit_log` and `recorder` do the work on the broker.
"""

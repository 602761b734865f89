"""The operator as a process: kopf's watches, the queue, the Lease, the reconciler that ties observe, plan, apply and status together.

Shell only: the queue and the Lease are machines without clock, the reconciler's every decision is a call into a pure room.
What a test wants to check without a server belongs elsewhere.
"""

"""What can go wrong between the operator and what it talks to.

OperatorError
├── Transient          tried again with back-off
│   ├── NotAuthorised  this process may not write any more: the Lease is not ours
│   ├── Gone           the API server knows no such object, kind or namespace
│   └── Leaving        the namespace is being deleted, and everything in it
└── Permanent          a person must change something: it becomes a condition
    ├── Rejected       the API server refuses an object as it is
    └── Forbidden      the API server refuses us: a permission is missing
"""


class OperatorError(Exception):
    """Base of the operator's own errors."""


class Transient(OperatorError):
    """It may work in a moment: an API server or broker that is away, a conflict, a time-out."""


class NotAuthorised(Transient):
    """This process is not, or no longer surely, the one that writes."""


class Gone(Transient):
    """The API server knows no such object, kind or namespace: our picture of it may be old."""


class Leaving(Transient):
    """The namespace is being deleted: nothing new is taken there, and what is there goes in no order."""


class Permanent(OperatorError):
    """It will not work until somebody changes something; the message says what."""


class Rejected(Permanent):
    """The API server refuses the object: `message` is its own explanation."""


class Forbidden(Permanent):
    """The operator's role lacks a permission: `message` names verb and resource."""

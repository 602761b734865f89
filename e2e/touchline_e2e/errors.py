"""What can go wrong with a test cluster.

HarnessError
+-- ToolsMissing     a program that `make e2e-tools` builds, or that a Debian package brings, is not there
+-- BuildFailed      Go could not build a program
+-- StartFailed      a program did not come up; the message ends with its own last words
+-- Unsupported      this machine or user cannot hold what was asked for (the message says what is missing)
+-- CommandFailed    a command in or against the cluster ended with an error
"""


class HarnessError(Exception):
    """The root: everything that the harness raises of itself."""


class ToolsMissing(HarnessError):
    """A program is not there; the message says which command brings it."""


class BuildFailed(HarnessError):
    """Go could not build a program; the message ends with the compiler's last words."""


class StartFailed(HarnessError):
    """A program ended or did not answer in time while it was starting."""


class Unsupported(HarnessError):
    """This machine or user cannot hold what was asked for."""


class CommandFailed(HarnessError):
    """A command ended with an error; the message holds its exit code and its last words."""

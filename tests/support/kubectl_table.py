"""What `kubectl get` prints for people, as a test reads it."""


def table(printed: str) -> list[dict[str, str]]:
    """The rows, by column. A cell may be empty or have spaces, so cells are found by their place."""
    head, *lines = printed.splitlines()
    starts = [index for index, sign in enumerate(head) if sign != " " and (index == 0 or head[index - 1] == " ")]
    ends = [*starts[1:], None]
    return [{head[a:b].strip(): line[a:b].strip() for a, b in zip(starts, ends, strict=True)} for line in lines]

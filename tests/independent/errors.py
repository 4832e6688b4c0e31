"""What is raised when something does not hold."""


class Refused(Exception):
    """Something does not hold; the text says what, `code` is a name of [12]."""

    def __init__(self, what, code="MALFORMED"):
        super().__init__(what)
        self.code = code


def require(condition, what, code="MALFORMED"):
    """Raises `Refused` unless the condition holds."""
    if not condition:
        raise Refused(what, code)

"""What goes wrong with ratings, in sentences that can be shown as they are."""


class RatingsError(ValueError):
    """Something that cannot be done. Its text is a sentence or two for whoever asked.

    Attributes:
        code: ``link``, ``expired``, ``revoked``, ``used_up``, ``not_open``, ``paused``, ``closed``, ``full``,
            ``consent``, ``pseudonym``, ``session``, ``task``, ``field``, ``score``, ``text``, ``key``, ``study``,
            ``answer``, ``status``, ``nothing`` or ``scope``.
    """

    def __init__(self, code: str, message: str):
        super().__init__(message)
        self.code = code


class StorageError(RuntimeError):
    """The database did not take or give something. Nothing was half saved; the text says what to do.

    Attributes:
        code: ``locked``, ``full``, ``disk``, ``read_only``, ``connection``, ``damaged``, ``newer`` or ``other``.
    """

    def __init__(self, code: str, message: str):
        super().__init__(message)
        self.code = code

"""What route planning raises. Outcomes a shopper can cause are values (`route.NoRoute`), not exceptions."""


class NavigationError(Exception):
    """Root of everything `shared.navigation` raises; `code` is stable and safe to show."""

    code: str

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code

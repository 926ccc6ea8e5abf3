"""What a scanner sends, read as the standards say: `read_code` makes one `Reading` of any text, and raises nothing."""

from shared.domain.reading.code import MAX_CODE_LENGTH, ReadError, Reading, read_code

__all__ = ["MAX_CODE_LENGTH", "ReadError", "Reading", "read_code"]

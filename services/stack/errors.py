"""What can go wrong with a stack as a whole; each message is one line for the person at the terminal."""


class StackError(Exception):
    """Root of this package's errors; `code` is stable and for programs."""

    code = "stack"


class StackFailed(StackError):
    """A part could not be started, or ended again and again before it answered."""

    code = "stack_failed"


class StackRunning(StackError):
    """Another supervisor holds this folder."""

    code = "stack_running"


class StackNotFound(StackError):
    """No stack runs on this folder, and the environment names none."""

    code = "stack_not_found"


class PortTaken(StackError):
    """A port that was asked for by number is in use."""

    code = "port_taken"


class PostgresFailed(StackError):
    """PostgreSQL could not be prepared or did not answer."""

    code = "postgres_failed"


class BackupRefused(StackError):
    """A backup that is missing, damaged, half, or of another program; or a place that is not empty."""

    code = "backup_refused"


class BadEnvFile(StackError):
    """The file of settings beside which a command was started cannot be read."""

    code = "bad_env_file"

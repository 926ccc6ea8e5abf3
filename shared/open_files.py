"""How many files and connections this process may have open."""

import resource

WANTED = 65_536


def allow_open_files(wanted: int = WANTED) -> int:
    """Raise the soft limit towards `wanted`, as far as the hard one lets us; gives the limit in force.

    Shells start programs with 1,024, which a thousand silent connections use up.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    reachable = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < reachable:
        resource.setrlimit(resource.RLIMIT_NOFILE, (reachable, hard))
        return reachable
    return reachable if soft == resource.RLIM_INFINITY else soft

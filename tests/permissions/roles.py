"""Who comes: people and API keys, by what they are to the project Beta; and what each may know."""

from __future__ import annotations

COMMUNITY = frozenset({"community"})
MANAGERS = COMMUNITY | {"manager"}
OTHER_MANAGER = frozenset({"other_manager"})  # of the project Zebra alone
ANY_MANAGER = MANAGERS | OTHER_MANAGER
EDITORS = MANAGERS | {"support"}  # the ticket is for that person's own team
INSIDERS = EDITORS | {"other_support", "observer"}
IN_BETA = INSIDERS | {"participant"}
CONTRIBUTORS = IN_BETA - {"observer"}
PEOPLE = IN_BETA | OTHER_MANAGER | {"teamless"}

BOTH = "both"  # manages Zebra and takes part in Beta

# Keys are for every project, for Beta alone or for Zebra alone.
FREE_READ = frozenset({"key_read", "key_write"})
READ = FREE_READ | {"key_read_beta", "key_write_beta"}
ANY_READ = READ | {"key_read_zebra", "key_write_zebra"}
FREE_WRITE = frozenset({"key_write"})
WRITE = FREE_WRITE | {"key_write_beta"}
LISTEN = frozenset({"key_listen", "key_listen_beta"})
KEYS = ANY_READ | LISTEN | {"key_listen_zebra"}

SIGNED_OUT = frozenset({"signed_out"})
EVERYONE = PEOPLE | KEYS | SIGNED_OUT

# At a page a key is nobody; two of them are enough to show it.
AT_PAGES = PEOPLE | SIGNED_OUT | {"key_write", "key_write_beta"}

# A word that names things, and all those who may ever read it.
FREE_KEYS = FREE_READ | {"key_listen"}
BETAS_KEYS = frozenset({"key_read_beta", "key_write_beta", "key_listen_beta"})
ZEBRAS_KEYS = frozenset({"key_read_zebra", "key_write_zebra", "key_listen_zebra"})
KNOWN_TO = {
    "zebrawood": COMMUNITY | OTHER_MANAGER | FREE_KEYS | ZEBRAS_KEYS,  # all of that project
    "betawood": IN_BETA | FREE_KEYS | BETAS_KEYS,  # all of this one
    "innerwood": INSIDERS | FREE_KEYS | BETAS_KEYS,  # what participants are not told
    "ironwood": MANAGERS | FREE_KEYS | BETAS_KEYS,  # listeners and what they did
    "oakwood": EDITORS | FREE_KEYS | BETAS_KEYS,  # macros, which support runs by hand
    "keywood": COMMUNITY | FREE_KEYS,  # people of no project, and keys that are bound to none
}


def secret_words(role: str) -> list[str]:
    return [word for word, knowing in KNOWN_TO.items() if role not in knowing]

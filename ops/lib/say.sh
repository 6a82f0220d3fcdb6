# shellcheck shell=bash
# What ops/run, ops/setup and ops/demo say, and how they fail. Sourced, never run.

# One line to the person at the terminal. A terminal that is gone is no reason to stop.
say() {
	printf 'parley: %s\n' "$*" || true
}

# One line on what is wrong and what helps, then the end.
die() {
	printf 'parley: error: %s\n' "$*" >&2 || true
	exit 1
}

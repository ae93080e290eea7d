#!/usr/bin/env bash
# A Python with the readers of other projects (pyarrow, duckdb, pandas, pymilvus, astropy, fastavro,
# confluent-kafka), each pinned in requirements.txt. Prints the path of the interpreter.
#
#   "$(deploy/local/python.sh)" -c 'import pyarrow'
#
# Made once below ~/.cache/galaxalign, anew when requirements.txt changes. Needs Python 3.11 or newer with
# venv, or the interpreter that GALAXALIGN_PYTHON names.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=common.sh
. "$here/common.sh"

python=${GALAXALIGN_PYTHON:-python3}
need "$python" flock sha256sum
key=$({ "$python" -VV && cat "$here/requirements.txt"; } | sha256sum | cut -c1-16)
venv=$(cache_dir "python-$key")

# A virtual environment knows its own path, so it is made in place; ok marks it complete.
(
	mkdir -p "$(dirname "$venv")"
	flock 9
	[ -e "$venv/ok" ] && exit 0
	rm -rf "$venv"
	"$python" -m venv "$venv"
	"$venv/bin/python" -m pip install -q --disable-pip-version-check --no-input -r "$here/requirements.txt" >&2
	touch "$venv/ok"
) 9>"$venv.lock" || fail "could not make the environment $venv"
printf '%s\n' "$venv/bin/python"

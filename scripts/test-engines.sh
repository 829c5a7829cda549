#!/usr/bin/env bash
# Runs the conformance suite against the real agent programs, each at the version that tests/engines pins, on the
# loopback provider, and writes what holds into docs/engines.md. Usage: scripts/test-engines.sh [ARGS OF THE SUITE]
# The programs are installed into target/engines (AICIB_ENGINES names another folder). Only that uses the network: the
# suite runs where there is none but loopback, if the system lets it.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '%s\n' "$*" >&2; }

folder=$(realpath -m "${AICIB_ENGINES:-target/engines}")
table=$folder/table.md

install_programs() {
    local lock=tests/engines/package-lock.json
    cmp -s "$lock" "$folder/.installed-lock.json" && return 0
    say "Installing the agent programs into $folder (npm ci)"
    mkdir -p "$folder"
    cp tests/engines/package.json "$lock" "$folder"
    # Their own programs come in packages for each system; scripts of packages are not needed, and not run.
    npm ci --prefix "$folder" --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null
    cp "$lock" "$folder/.installed-lock.json"
}

suite() {
    cargo test -p engine --test conformance --no-run --message-format=json |
        sed -n 's/.*"executable":"\([^"]*conformance-[^"]*\)".*/\1/p' | tail -n 1
}

# A private network with nothing but loopback, and a /tmp of its own, so that whatever is left there is seen.
apart=(unshare --map-root-user --net --mount)
inside='ip link set lo up && mount -t tmpfs -o mode=1777 tmpfs /tmp && exec "$@"'

install_programs
cargo build --quiet -p engine --test conformance
binary=$(suite)
[ -x "$binary" ] || { say "The suite was not built."; exit 1; }
# What lies below /tmp would be hidden by the new one.
case "$binary:$folder" in /tmp/* | *:/tmp/*) inside='ip link set lo up && exec "$@"' ;; esac

run=("$binary" --test-threads=1 "$@")
export AICIB_ENGINES=$folder AICIB_ENGINES_TABLE=$table
rm -f "$table"
if "${apart[@]}" sh -c "$inside" sh true 2>/dev/null; then
    say "The programs have no network but loopback."
    "${apart[@]}" sh -c "$inside" sh "${run[@]}" && went=0 || went=$?
else
    say "This system lets nobody make a network of their own (unshare): the programs have this machine's network."
    "${run[@]}" && went=0 || went=$?
fi

if [ $# -eq 0 ] && [ -s "$table" ]; then
    awk -v table="$table" '
        /<!-- engines: end -->/ { inside = 0 }
        !inside { print }
        /<!-- engines: table -->/ { inside = 1; while ((getline line < table) > 0) print line }
    ' docs/engines.md >"$folder/engines.md"
    cat "$folder/engines.md" >docs/engines.md
    say "docs/engines.md has the table."
fi
exit "$went"

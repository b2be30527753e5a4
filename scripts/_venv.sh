# What the scripts share: makes .venv from a pinned, hashed lock, when needed. To be sourced; bash 3.2 is enough.
# shellcheck shell=bash

set -euo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
venv=$top/.venv
# The scripts run tools as "$python" -m …, for the programs in .venv/bin name the folder they were installed in.
python=$venv/bin/python
tools=$venv/tools/bin/python  # of what makes and audits the locks, apart from what it looks at

say() { echo "${0##*/}: $*" >&2; }
die() { say "$@"; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }

# find_python MODULE: prints the newest Python of 3.11 or newer on the PATH that has MODULE. It prints the file behind links and
# shims: a .venv made from it dangles when that file goes, and is then made anew, instead of changing its version.
find_python() {
    local name
    for name in python3.14 python3.13 python3.12 python3.11 python3 python; do
        "$name" -c "
import os, sys
if sys.version_info < (3, 11): sys.exit(1)
import $1
print(os.path.realpath(sys.executable))" 2>/dev/null && return
    done
    return 1
}

# A lock's stamp is a copy of it in .venv, one for each lock; .venv/unfinished is there from before the first change to after the last.
is_installed() { [ -x "$python" ] && [ ! -e "$venv/unfinished" ] && cmp -s "$1" "$venv/${1##*/}"; }

make_venv() {
    local base
    base=$(find_python ensurepip) || {
        base=$(find_python sys) || die "needs Python 3.11 or newer, and finds none on the PATH"
        die "$base comes without venv: on Debian and Ubuntu, apt-get install python3-venv"
    }
    say "making .venv with $base (once; about a minute)"
    rm -rf "$venv"
    mkdir "$venv"
    touch "$venv/unfinished"
    "$base" -m venv "$venv" || die "could not make $venv: the message is above"
}

# No package is built here: what builds it would come without a hash.
install_with() {  # PYTHON LOCK
    "$1" -m pip install --quiet --no-input --disable-pip-version-check --require-hashes --only-binary :all: -r "$2"
}

install_lock() {
    if [ -e "$venv/unfinished" ] || ! "$python" -c 'import pip, sys; assert sys.version_info >= (3, 11)' 2>/dev/null; then
        make_venv
    fi
    touch "$venv/unfinished"
    install_with "$python" "$1" ||
        die "could not install ${1#"$top/"} into .venv: pip's message is above; start again to try again"
    cp "$1" "$venv/${1##*/}"
    rm "$venv/unfinished"
}

# ensure_venv LOCK: makes .venv hold what scripts/LOCK pins. Of two starts at once, one installs and the other waits; the lock is held
# by pip too, so that a new start waits for a pip whose script was killed.
ensure_venv() {
    local lock=$top/scripts/$1
    is_installed "$lock" && return
    (
        if have flock && ! flock -n 9; then
            say "waiting for another start, which is making .venv"
            flock 9
        fi
        is_installed "$lock" || install_lock "$lock"
    ) 9<"$top/scripts/_venv.sh"
}

# ensure_tools: makes $tools have what scripts/requirements-tools.lock pins.
ensure_tools() {
    local lock=$top/scripts/requirements-tools.lock
    ensure_venv requirements-dev.lock
    cmp -s "$lock" "$venv/tools/${lock##*/}" && return
    "$python" -m venv --clear "$venv/tools" && install_with "$tools" "$lock" && cp "$lock" "$venv/tools" ||
        die "could not install ${lock#"$top/"} into .venv/tools: the message is above"
}

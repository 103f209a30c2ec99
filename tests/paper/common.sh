# What the tests of the paper share: a project of its own with a cache of its own, in which
# the profile smoke runs. Use: . common.sh BUILD SOURCE
set -eu
build=$(cd "$1" && pwd)
source=$(cd "$2" && pwd)
dir=$(mktemp -d)
trap 'pkill -9 -f "$dir/cache" 2> /dev/null || true; chmod -R u+w "$dir"; rm -rf "$dir"' EXIT
export HOME="$dir/home" LARDER_CACHE="$dir/cache"
unset LARDER_FS_FAULT XDG_CACHE_HOME LARDER_PROGRAMS
mkdir -p "$dir/project" "$HOME"
cp -r "$source/recipes" "$dir/project/"
cd "$dir/project"

[ -f /usr/share/datasets/fashion-mnist/train-images-idx3-ubyte.gz ] && [ -d /usr/share/gimp ] || {
    echo "skipped: dataset-fashion-mnist or gimp-data is not installed"
    exit 77
}

larder() { "$build/larder" -f recipes/paper.yaml -P smoke "$@"; }

# run LOG [OPTION...]: the smoke paper, its JSON in LOG.json and its messages in LOG.err.
run() {
    log=$1
    shift
    if ! larder --json "$@" run smoke > "$dir/$log.json" 2> "$dir/$log.err"; then
        cat "$dir/$log.err"
        fail "the run '$log' failed"
    fi
}
field() { # LOG NAME: a number of the summary
    sed -n "s/.*\"$2\": *\([0-9.]*\).*/\1/p" "$dir/$1.json"
}
fail() {
    echo "FAILED: $1"
    exit 1
}
is() { # WHAT WANTED GOT
    [ "$2" = "$3" ] || fail "$1: wanted '$2', got '$3'"
}
# The steps that a run started, sorted, a line each.
ran() {
    sed -n 's/^\[ *[0-9]*\/[0-9]*\] \([^ ]*\) ran .*/\1/p' "$dir/$1.err" | sort
}
page() { sha256sum < out/smoke/index.html; }

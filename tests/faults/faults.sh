# faults.sh LARDER - sourced by the tests here: a project in a fresh folder, with its own
# cache, and ways to disturb a run of it.
larder=$(realpath "$1")
dir=$(mktemp -d)
trap 'chmod -R u+w "$dir"; rm -rf "$dir"' EXIT
unset MAKEFLAGS MFLAGS MAKELEVEL
export LARDER_CACHE="$dir/cache" HOME="$dir/home" LANG=C.UTF-8
mkdir "$HOME" "$dir/project"
cd "$dir/project"

fail() {
    echo "$*"
    exit 1
}

# chain N SECONDS: a recipe of N steps, each of which closes the descriptors that scripts use,
# starts a grandchild, waits, and adds a line to what the one before it made. What they make is placed at out/last.txt.
chain() {
    {
        echo 'larder: 1'
        echo 'name: chain'
        echo 'stages:'
        echo 'a0' > a.txt
        from=./a.txt
        for i in $(seq "$1"); do
            cat <<END
  s$i:
    run: [/bin/sh, -c, 'exec 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-; sleep $2 & sleep $2; wait; cp "\$0" "\$1"; echo line $i >> "\$1"', "\${in.a}", "\${out.b}"]
    in: {a: $from}
    out: {b: b.txt}
END
            from=s$i.b
        done
        echo "targets: {all: {get: {s$1.b: out/last.txt}}}"
        echo 'default: {target: all}'
    } > larder.yaml
}

# forget: as if nothing had ever run.
forget() {
    chmod -R u+w "$LARDER_CACHE" 2> /dev/null || :
    rm -rf "$LARDER_CACHE" .larder out
}

# Processes that run in a scratch folder of the cache; a step that is being killed may need
# a moment to be gone.
orphans() {
    for try in 1 2 3 4 5 6 7 8 9 10; do
        found=
        for p in /proc/[0-9]*; do
            case $(readlink "$p/cwd" 2> /dev/null) in
            "$LARDER_CACHE"/*) found="$found ${p#/proc/}" ;;
            esac
        done
        [ -n "$found" ] || return 0
        sleep 0.1
    done
    echo "$found"
}

# A pause between 0 and 1 s that depends on i alone.
pause() {
    sleep "$(printf 0.%03d $(( ($1 * 379 + 113) % 1000 )))"
}

# faults.sh OUT COUNTS... - when a counter did not work.
out=$1
shift
for counts; do grep ',fault$' "$counts" | cut -d , -f 1; done | sort > "$out"

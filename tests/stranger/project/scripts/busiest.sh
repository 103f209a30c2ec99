# busiest.sh OUT WEEKS... - the three busiest weeks of all.
out=$1
shift
cat "$@" | awk '{ sum[$1] += $2 } END { for (w in sum) print sum[w], w }' |
    sort -k 1,1nr -k 2 | head -n 3 > "$out"

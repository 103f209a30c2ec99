# weather.sh RAW OUT - ISO days, points instead of commas.
grep -v '^#' "$1" | tail -n +2 | tr ',' '.' |
    awk -F ';' '{ split($1, d, "."); print d[3] "-" d[2] "-" d[1] "\t" $2 "\t" $3 }' > "$2"

. lib/tail.sh
cat "$1" > "$2"
tail_of >> "$2"

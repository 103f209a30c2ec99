# numbers.sh LINES TOGETHER WET FAULTS OUT - what the text quotes.
{
    echo "counters: $(($(wc -l < "$1") - 1))"
    echo "steepest: $(tail -n +2 "$1" | sort -k 3,3gr | head -n 1 | cut -f 1)"
    echo "wet days: $(wc -l < "$3")"
    echo "faults: $(wc -l < "$4")"
    head -n 2 "$2" | tail -n 1
} > "$5"

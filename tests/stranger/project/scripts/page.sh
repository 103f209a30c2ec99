# page.sh NUMBERS BUSIEST FIGURE RUSH OUT BINS... - the page. RUSH is a manifest.
numbers=$1 busiest=$2 figure=$3 rush=$4 out=$5
shift 5
{
    echo "<!doctype html><title>Bicycles</title><pre>"
    cat "$numbers"
    echo "busiest weeks:"
    cat "$busiest"
    tail -n +2 "$rush" | while read -r counter hours; do
        echo "$counter: $(cut -f 2 "$hours" | tr '\n' ' ')"
    done
    for bins; do cut -f 2 "$bins" | tr '\n' ' '; echo; done
    echo "</pre>"
    cat "$figure"
} > "$out"

# split.sh WORDS SET N - one file a word, into a folder by the first digits of a hash of the word
i=0
while [ $i -lt "$3" ]; do mkdir -p "$2/$(printf %02d $i)"; i=$((i + 1)); done
while read -r word; do
    hash=$(printf %s "$word" | cksum)
    echo "$word" > "$2/$(printf %02d $((${hash%% *} % $3)))/$word"
done < "$1"

# Rows that a working counter wrote, without counts that cannot be.
BEGIN { FS = "," }
NR > 1 && $3 == "ok" && $2 <= limit { print substr($1, 1, 10) "," substr($1, 12, 2) "," $2 > out }

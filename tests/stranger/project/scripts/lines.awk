# A table of all lines, from a manifest: counter, path.
BEGIN { OFS = "\t"; print "counter", "at 0 degrees", "a degree" > out }
FNR > 1 { getline fit < $2; print $1, fit > out }

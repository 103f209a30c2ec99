# The mean height in each light on one day: heights.tsv in, a table out.
BEGIN { out = ARGV[2]; ARGV[2] = "" }
$3 == day { sum[$2] += $4; n[$2]++ }
END { for (light in sum) printf "%s\t%.1f\n", light, sum[light] / n[light] | "sort > " out }

# The share of each part of the day.
{ sum[$2] += $3; all += $3 }
END { for (h = 0; h < 24; h += 6) printf "%02d\t%.3f\n", h, sum[sprintf("%02d", h)] / all > out }

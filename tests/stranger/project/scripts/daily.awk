# The sum of each day.
!($1 in sum) { day[++n] = $1 }
{ sum[$1] += $3 }
END { for (i = 1; i <= n; i++) print day[i] "\t" sum[day[i]] > out }

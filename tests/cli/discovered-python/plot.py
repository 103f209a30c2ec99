import pkg.part, sys
open(sys.argv[1], "w").write(pkg.part.value)

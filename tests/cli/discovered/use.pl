use Mod;
open my $f, '>', $ARGV[0];
print $f Mod::value(), "\n";

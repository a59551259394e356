# SPDX-License-Identifier: MIT
#
# A line break is a blank, and no blank belongs beside the punctuation of Chinese:
# what begins with it goes to the end of the macro's line, outside of brackets, and
# a macro after it to its line.  Then roff is told where it may break Chinese, which
# has no blanks, and not to hyphenate the terms in it.
# perl -CSD -p0 join.pl <PAGE
use utf8;
BEGIN {
	$mark = qr/[（），。；：、！？”]/;
	$inline = qr/(?:Ar|Cm|Em|Ev|Fl|Ic|Li|Nm|Pa|Sx|Va|Xr)\b/;
	$cjk = qr/[\x{4e00}-\x{9fff}]/;
}
1 while s/^\.([BPDS])q (.*)\n($mark\S*)\s/.$1o $2 $1c Ns $3\n/m
	or s/^(\..*)\n($mark\S*)\s/$1 Ns $2\n/m;
1 while s/^(\..*$mark)\n\.($inline)/$1 Ns $2/m
	or s/^((?!\.).* |)([^\s.]\S*$mark)\n\.($inline)/$1\n.No $2 Ns $3/m;
s/^ *\n//mg;
sub breaks { $_[0] =~ s/(?<=$cjk|$mark)(?<!（)(?=$cjk|[（“])/\\:/gr }
s/^(?![.\n])(.*)/breaks($1) =~ s{(?<![\\\w(.\/-])(?=[A-Za-z]{4})}{\\%}gr/gem;
s{(?:^\.No| N[os]) \K\S+}{breaks($&)}gem;

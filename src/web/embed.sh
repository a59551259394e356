#!/bin/sh
# SPDX-License-Identifier: MIT
#
# embed.sh FILE...: print a C file with the files of the page as they are and
# packed, without what a browser does not need (page.sed).  Equal files give an
# equal C file.
set -eu
export LC_ALL=C
script=${0%/*}/page.sed

served() {
	sed -f "$script" "$1"
}

bytes() {
	od -An -v -tu1 | sed 's/[0-9][0-9]*/&,/g'
}

printf '#include "web/files.h"\n'
n=0
for file; do
	printf 'static const unsigned char plain%d[] = {\n' $n
	served "$file" | bytes
	printf '};\nstatic const unsigned char packed%d[] = {\n' $n
	served "$file" | gzip -9n | bytes
	printf '};\n'
	n=$((n + 1))
done
printf 'const struct asset assets[] = {\n'
n=0
for file; do
	tag=$(served "$file" | sha256sum | cut -c1-16)
	printf '\t{ "%s", "%s", plain%d, packed%d,\n' "${file##*/}" "$tag" $n $n
	printf '\t    sizeof(plain%d), sizeof(packed%d) },\n' $n $n
	n=$((n + 1))
done
printf '};\nconst size_t assets_count = sizeof(assets) / sizeof(*assets);\n'

# Remove what a browser does not need: indentation, empty lines, comments, types,
# blanks around operators (no text of the page has any).
s/^[[:blank:]]*//
/^$/d
/^\/\//d
/^\/\*[^*].*\*\/$/d
s/\/\*\* @type {[^}]*} \*\/ //
s/\([;,]\)[[:blank:]]*\/\/ .*$/\1/
s/ \([=?:+&]\{1,3\}\) /\1/g

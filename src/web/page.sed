# Remove what a browser does not need: indentation, empty lines, comments, types.
s/^[[:blank:]]*//
/^$/d
/^\/\//d
/^\/\*[^*].*\*\/$/d
s/\/\*\* @type {[^}]*} \*\/ //
s/\([;,]\)[[:blank:]]*\/\/ .*$/\1/

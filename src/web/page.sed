# Of the page's files, what a browser does not need: indentation, empty lines, and
# comments on lines of their own.
s/^[[:blank:]]*//
/^$/d
/^\/\//d
/^\/\*.*\*\/$/d

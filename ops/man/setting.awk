# parley-rest --settings -> the list of settings in mdoc, for ops/man/make.

function text(line) {
	gsub(/\\/, "\\e", line)
	if (line ~ /^[.']/)
		line = "\\&" line
	return line
}

BEGIN { print ".Bl -tag -width Ds" }
/^# Settings of Parley/ { next }
/^# / {
	lines[++n] = substr($0, 3)
	next
}
/^#[a-z]/ {
	key = substr($1, 2)
	value = $0
	sub(/^#[a-z_]+ = /, "", value)
	print ".It Ic " key
	print toupper(substr(lines[1], 1, 1)) text(substr(lines[1], 2)) "."
	print text(toupper(substr(lines[2], 1, 1)) substr(lines[2], 2)) ";"
	if (value == "\"\"")
		print "empty by default."
	else
		print "by default\n.Li " text(value) " ."
	n = 0
}
END { print ".El" }

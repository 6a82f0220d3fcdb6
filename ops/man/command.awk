# The help of one command of `parley` -> mdoc, for ops/man/make. usage: parley COMMAND --help | awk -v command=COMMAND -f command.awk

function text(line) {
	gsub(/\\/, "\\e", line)
	gsub(/[.] /, ".\n", line)
	if (line ~ /^[.']/)
		line = "\\&" line
	return line
}

function listed_end() {
	if (listed)
		print ".El"
	listed = 0
}

function literal_end() {
	if (literal)
		print ".Ed"
	literal = 0
}

# "--name VALUE [--email ADDRESS]" as macros of the line .Cm
function synopsis(words,   n, i, word, out, parts, optional) {
	n = split(words, parts, " ")
	for (i = 1; i <= n; i++) {
		word = parts[i]
		if (word ~ /^\[/) {
			out = out " Oo"
			optional = 1
			sub(/^\[/, "", word)
		}
		ends = word ~ /\]$/
		sub(/\]$/, "", word)
		sub(/^--/, "Fl -", word)
		if (word !~ /^Fl /)
			word = "Ar " word
		out = out " " word
		if (ends && optional) {
			out = out " Oc"
			optional = 0
		}
	}
	return out
}

/^usage: parley / {
	words = $0
	sub("^usage: parley " command " ?", "", words)
	print ".It Cm " command synopsis(words)
	next
}
/^With every command:/ { exit }
/^  --/ {
	if (!listed)
		print ".Bl -tag -width Ds -compact"
	listed = 1
	name = substr($1, 3)
	help = $0
	sub(/^  --[^ ]+( [A-Z|]+)?  +/, "", help)
	print ".It Fl -" name ($2 ~ /^[A-Z][A-Z|]*$/ ? " Ar " $2 : "")
	print text(help)
	next
}
/^  / {
	listed_end()
	if (!literal)
		print ".Bd -literal -offset indent -compact"
	literal = 1
	gsub(/\\/, "\\e")
	print substr($0, 3)
	next
}
/^$/ {
	blank = 1
	next
}
{
	listed_end()
	literal_end()
	if (blank && said)
		print ".Pp"
	blank = 0
	said = 1
	print text($0)
}
END {
	listed_end()
	literal_end()
}

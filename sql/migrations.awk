# sha256sum of sql/migrate/*.sql -> build/migrations.h: the migrations of this version, as schema_migrations has them.
# usage: sha256sum sql/migrate/[0-9]*.sql | awk -f sql/migrations.awk

BEGIN {
	print "/* Made by sql/migrations.awk. */"
	print "static const struct migration {\n\tint version;\n\tconst char *name;\n\tconst char *sha256;\n} migrations[] = {"
}
{
	name = $2
	sub(/^.*\//, "", name)
	sub(/\.sql$/, "", name)
	printf "\t{ %d, \"%s\", \"%s\" },\n", substr(name, 1, index(name, "_") - 1), name, $1
}
END {
	print "};\n\nenum {\n\tNMIGRATIONS = sizeof(migrations) / sizeof(migrations[0])\n};"
}

/*
 * check-sql CONNINFO: prepares every statement of sql/query against a migrated database and
 * describes it. Fails, naming each, when one does not parse, names what is not there, or has
 * another number of parameters than the table says. Columns are checked by name when a store reads
 * them.
 */
#include <libpq-fe.h>
#include <stdio.h>
#include <string.h>

#include "query.h"

static int check(PGconn *conn, const struct query_text *query)
{
	PGresult *prepared = PQprepare(conn, query->name, query->sql, 0, NULL);
	PGresult *described = NULL;
	int failed = 1;

	if (PQresultStatus(prepared) != PGRES_COMMAND_OK) {
		fprintf(stderr, "%s: %s", query->name, PQresultErrorMessage(prepared));
		goto out;
	}
	described = PQdescribePrepared(conn, query->name);
	if (PQnparams(described) != query->nparams)
		fprintf(stderr, "%s: %d parameters, the table says %d\n", query->name,
			PQnparams(described), query->nparams);
	else if ((query->rows == ROWS_NONE) != (PQnfields(described) == 0))
		fprintf(stderr, "%s: %d columns do not fit its rows\n", query->name,
			PQnfields(described));
	else
		failed = 0;
out:
	PQclear(prepared);
	PQclear(described);
	return failed;
}

int main(int argc, char **argv)
{
	PGconn *conn;
	int failed = 0;

	if (argc != 2) {
		fprintf(stderr, "usage: check-sql CONNINFO\n");
		return 2;
	}
	conn = PQconnectdb(argv[1]);
	if (PQstatus(conn) != CONNECTION_OK) {
		fprintf(stderr, "check-sql: %s", PQerrorMessage(conn));
		PQfinish(conn);
		return 1;
	}
	for (int i = 0; i < Q__MAX; i++)
		failed += check(conn, &queries[i]);
	PQfinish(conn);
	printf("%d statements, %d failed\n", (int)Q__MAX, failed);
	return failed > 0;
}

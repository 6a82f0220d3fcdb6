/*
 * One connection to PostgreSQL for one caller who waits: connects when first needed, prepares each statement on first use,
 * notices a lost connection and makes a new one. With row.h the only door to libpq for the stores;
 * nothing else calls it.
 *
 * Statements are those of sql/query (enum query); parameters travel in binary and are never part of
 * the SQL.
 */
#ifndef SQL_DB_H
#define SQL_DB_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/arena.h"
#include "lib/err.h"
#include "lib/id.h"
#include "query.h"
#include "sql/call.h"
#include "sql/param.h"

struct db;
struct rows;

/* What is told of connects and faults, so that sql/ need not know who counts them; may be NULL. */
typedef void (*db_event_fn)(void *context, bool connected);

/* conninfo: of libpq, borrowed for ever, as is application. Connects to nothing yet. Pairs with
 * db_free. */
struct db *db_new(const char *conninfo, const char *application, int statement_timeout_ms);
void db_free(struct db *db);

/* Calls fn(context, true) after each connect and (context, false) for each connection lost or
 * refused. */
void db_watch(struct db *db, db_event_fn fn, void *context);

/*
 * For whom the statements from here on are run; NULL and NULL: nobody in particular. A token says who its
 * bearer was when it was made: whether the session is still alive is looked at together with the first
 * statement, in one round trip and one transaction, so that one which has ended does nothing.
 * db_caller_check looks where no statement has done so, and costs nothing where one has.
 * ERR_UNAUTHORIZED: it has ended, or is another user's.
 */
void db_caller(struct db *db, const struct uuid *session, const struct uuid *user);
must_check enum err db_caller_check(struct db *db, struct arena *arena);

/*
 * Runs one statement. *rows is valid until the arena is reset. ERR_UNAVAILABLE: the database is
 * away, busy or full, and the statement did nothing or may be run again; ERR_CONFLICT: a unique key
 * is taken (db_constraint says which); ERR_INVALID_INPUT: a value that PostgreSQL refuses;
 * ERR_NOT_FOUND: raised by a function of ours, or no row where the statement's "one" demands one;
 * ERR_UNAUTHORIZED: the caller's session has ended;
 * ERR_INTERNAL: anything else, logged.
 */
must_check enum err db_run_params(struct db *db, struct arena *arena, enum query query,
	struct rows **rows, int nparams, const struct param *params);
#define db_run(db, arena, query, rows, ...)                                                        \
	db_run_params((db), (arena), (query), (rows),                                              \
		(int)(sizeof((struct param[]){ __VA_ARGS__ }) / sizeof(struct param)),             \
		(struct param[]){ __VA_ARGS__ })

/* The same for a call that a store has made. */
must_check enum err db_call(
	struct db *db, struct arena *arena, const struct call *call, struct rows **rows);

/*
 * Being woken: this and every later connection listens on channel, a plain lower-case name of the program's own, borrowed for
 * ever. db_socket is what to poll for reading meanwhile, -1 while there is no connection. db_woken says whether there is
 * something to look for: a notification has come, the connection has been lost or there is none, so that nobody would be told. It
 * costs little, and is to be asked before each poll: what came beside a statement's answer is no longer in the socket.
 */
void db_listen(struct db *db, const char *channel);
int db_socket(const struct db *db);
bool db_woken(struct db *db);

/* Name of the constraint behind the last ERR_CONFLICT; "" when it has none. */
const char *db_constraint(const struct db *db);

/* Transactions: TX_READ sees one snapshot and can write nothing. db_rollback cannot fail: what
 * cannot be rolled back is disconnected. */
enum tx {
	TX_NONE,
	TX_READ,
	TX_WRITE
};
must_check enum err db_begin(struct db *db, enum tx tx);
must_check enum err db_commit(struct db *db);
void db_rollback(struct db *db);

#endif

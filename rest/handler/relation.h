/*
 * Relations of the caller to other people, of which a list is kept: its address book, whom it has blocked. What is the same
 * for each, given what its store does. Called by contact.c and block.c.
 */
#ifndef REST_HANDLER_RELATION_H
#define REST_HANDLER_RELATION_H

#include "lib/model/user.h"
#include "rest/request.h"
#include "sql/cursor.h"

typedef enum err (*relation_list_fn)(struct db *db, struct arena *arena, const struct uuid *user,
	const struct cursor *cursor, size_t limit, struct relation **out, size_t *count);
typedef enum err (*relation_put_fn)(struct db *db, struct arena *arena, const struct uuid *user,
	const struct uuid *other, int64_t max, const char **why);
typedef enum err (*relation_remove_fn)(
	struct db *db, struct arena *arena, const struct uuid *user, const struct uuid *other);

/* 200 with a page, latest first; since: the name of when each began. */
must_check enum err relation_list(struct request *req, relation_list_fn list, const char *since);

/* 204 for somebody else, of the path; ERR_INVALID_INPUT for the caller itself, and what the store gives. */
must_check enum err relation_put(struct request *req, relation_put_fn put, int64_t max);

/* 204. */
must_check enum err relation_delete(struct request *req, relation_remove_fn remove_relation);

#endif

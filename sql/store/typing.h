/* Who is told that somebody types. Typing itself is never in the database. */
#ifndef SQL_STORE_TYPING_H
#define SQL_STORE_TYPING_H

#include "lib/arena.h"
#include "sql/call.h"
#include "sql/row.h"

/* The other members of a conversation, for one who is in it. */
struct call typing_recipients_call(const struct uuid *conversation, const struct uuid *user);

/* Them, on the arena. ERR_NOT_FOUND: no such conversation for the user. */
must_check enum err typing_recipients_answer(
	struct arena *arena, const struct rows *rows, struct uuid **out, size_t *count);

#endif

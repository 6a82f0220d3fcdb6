/*
 * Mails for forgotten passwords: takes requests from the database, makes the token, sends it, and says what came of it. The token is
 * in the mail and in this process's memory until it is handed over, and nowhere else.
 */
#ifndef PUSH_NOTIFY_RESET_H
#define PUSH_NOTIFY_RESET_H

#include "lib/conf.h"
#include "push/notify/transfer.h"
#include "sql/db.h"

struct resets;

/* All are borrowed. Settings that are no good end the process. Pairs with resets_free. */
struct resets *resets_new(const struct conf *conf, struct db *db, struct transfers *transfers);

/* What is under way is broken off, and is for whoever looks next. NULL is legal. */
void resets_free(struct resets *resets);

/* Looks what there is to do and begins it; lowers *look_at_us to when the next is due. To be called when somebody is told to look, at
 * *look_at_us, and when a transfer has ended. ERR_UNAVAILABLE: the database is away. */
must_check enum err resets_look(struct resets *resets, int64_t now_us, int64_t *look_at_us);

#endif

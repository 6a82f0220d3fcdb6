/* People of identity providers in the database, the providers' keys, and webhooks that came. */
#ifndef SQL_STORE_IDENTITY_H
#define SQL_STORE_IDENTITY_H

#include "lib/jwk.h"
#include "lib/model/identity.h"
#include "sql/db.h"
#include "sql/row.h"

/* For a pipeline: a token that nobody has seen before. Makes its user and session where they are not there;
 * ERR_UNAUTHORIZED: the account is erased or shut, or the session was ended. There is nothing to answer. */
struct call identity_seen_call(const struct identity *identity);

/* The same for who waits. */
must_check enum err db_identity_seen(
	struct db *db, struct arena *arena, const struct identity *identity);

/* A webhook of this id tells of a person as of a time. *outcome: "created", "updated", "repeated" (the webhook came
 * before), "stale" (something newer was told), "erased" (and stays so). */
must_check enum err db_identity_told(struct db *db, struct arena *arena, struct str webhook_id,
	const struct identity *identity, int64_t told_at_us, struct str *outcome);

/* A person of whom nothing is known is gone: its tokens make nobody from now on. Of one that is known: nothing. */
must_check enum err db_identity_bury(
	struct db *db, struct arena *arena, const struct identity *identity);

/* Has a webhook of this id come before? And notes that it has; *is_new: for the first time. */
must_check enum err db_webhook_seen(
	struct db *db, struct arena *arena, struct str webhook_id, bool *seen);
must_check enum err db_webhook_receive(
	struct db *db, struct arena *arena, struct str webhook_id, bool *is_new);

/* For a pipeline: every key that is kept, in order of issuers. The answer is on the arena and borrows from rows. */
struct call identity_keys_call(void);
void identity_keys_answer(
	const struct rows *rows, struct arena *arena, struct identity_key **out, size_t *count);

/* The same for who waits. */
must_check enum err db_identity_keys(
	struct db *db, struct arena *arena, struct identity_key **out, size_t *count);

/* Puts keys in the place of those that the issuer had. *changed: they are others, and whoever keeps them is told. */
must_check enum err db_identity_keys_put(struct db *db, struct arena *arena, struct str issuer,
	const struct jwk_entry *keys, size_t count, bool *changed);

/* Asks for an issuer's keys to be fetched; more often than once a minute it does nothing. For a pipeline, too: issuer is borrowed
 * until the answer. */
struct call identity_want_call(struct str issuer);
must_check enum err db_identity_want(struct db *db, struct arena *arena, struct str issuer);

/* Whose keys were asked for and not begun to be fetched since; and: they are, from now on. */
must_check enum err db_identity_wanted(
	struct db *db, struct arena *arena, struct str **issuers, size_t *count);
must_check enum err db_identity_take(struct db *db, struct arena *arena, struct str issuer);

#endif

/*
 * Turns at hashing passwords. A hash takes 19 MiB and tens of milliseconds, so that sixty people who log in at once would take the memory
 * and the workers of the whole host: at most password_concurrency are made at once, and at most half of the workers make or wait
 * for one, so that the others always serve what is quick. Places are locks on bytes of the file of shared counters, of which
 * the kernel frees those of a process that dies.
 */
#ifndef REST_TURN_H
#define REST_TURN_H

#include <sodium.h>
#include <stdbool.h>

#include "lib/conf.h"
#include "lib/err.h"
#include "lib/shm.h"
#include "lib/text.h"

/* A process's own; to be made after the fork. conf and shm are borrowed. Pairs with turns_free. */
struct turns *turns_new(const struct conf *conf, struct shm *shm);
void turns_free(struct turns *turns);

/* As password_hash and password_fits, in a turn. ERR_UNAVAILABLE also when half of the workers are at it already, or the turn does not
 * come in time. */
must_check enum err turn_hash(
	struct turns *turns, struct str password, char out[crypto_pwhash_STRBYTES]);
must_check enum err turn_fits(
	struct turns *turns, struct str password, struct str hash, bool *fits);

#endif

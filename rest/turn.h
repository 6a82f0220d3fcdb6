/*
 * Turns at hashing passwords. A hash takes 19 MiB and tens of milliseconds, so that sixty people who log in at once would take the
 * memory and the workers of the whole host: at most password_concurrency are made at once. The web server sends what needs one to
 * workers of its own (parent.h), where it waits in their queue. For a server that does not, at most half of the other workers
 * make or wait for one, so that the rest always serve what is quick. Places are locks on bytes of the file of shared counters, of
 * which the kernel frees those of a process that dies.
 */
#ifndef REST_TURN_H
#define REST_TURN_H

#include <sodium.h>
#include <stdbool.h>

#include "lib/conf.h"
#include "lib/err.h"
#include "lib/shm.h"
#include "lib/text.h"

/* A process's own; to be made after the fork. patient: of a worker that is there for passwords, and does not count
 * among those who wait. conf and shm are borrowed. Pairs with turns_free. */
struct turns *turns_new(const struct conf *conf, struct shm *shm, bool patient);
void turns_free(struct turns *turns);

/* As password_hash and password_fits, in a turn. ERR_UNAVAILABLE also when half of the workers are at it already, or the turn does not
 * come in time. */
must_check enum err turn_hash(
	struct turns *turns, struct str password, char out[crypto_pwhash_STRBYTES]);
must_check enum err turn_fits(
	struct turns *turns, struct str password, struct str hash, bool *fits);

#endif

/*
 * The key files of an instance, as a rotation works on them: the key that signs (token_private_key), the one that is to
 * follow it, beside it as <file>.next, and the public halves in the first file of token_public_keys, where a line of text
 * above a key says what it is. For keys.c and doctor.c.
 *
 * Every file is written whole beside its place and renamed into it, so that whoever reads finds the old or the new one.
 * What is written keeps the owner and the mode of what was there.
 */
#ifndef OPS_PARLEY_KEYRING_H
#define OPS_PARLEY_KEYRING_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/jose.h"
#include "ops/parley/operator.h"

enum {
	KEYRING_SKEW_S = 60, /* by which the clocks of two hosts may differ */
};

/* One public key of the file. */
struct ring_key {
	char kid[JOSE_KID_LEN + 1];
	struct str pem;	 /* its block */
	struct str text; /* what else stands above it; kept as it is */
	bool ours;	 /* made or signed with here: rotations may drop it; others stay for ever */
	int64_t since_us; /* when it was published; TIME_NONE: not known */
	int64_t until_us; /* retired: when its last token has ended; TIME_NONE: not retired */
};

struct keyring {
	struct operation *op;
	const char *private_path, *next_path, *public_path; /* links followed */
	const char *others;	  /* further files of token_public_keys, or "" */
	struct jose_keys *signer; /* NULL: no key signs */
	struct jose_keys *next;	  /* NULL: none waits */
	size_t count;
	struct ring_key keys[JOSE_KEYS_MAX];
	struct str rest; /* behind the last key */
	bool is_written; /* there is a file of public keys */
	int lock_fd;
};

/* Takes the lock of the keys, then reads the files. EXIT_FAILED, said, when somebody else has it, or a file that is there
 * cannot be used. Pairs with keyring_close, whatever comes back. lock false: for whoever only looks. */
must_check int keyring_open(struct operation *op, bool lock, struct keyring *ring);
void keyring_close(struct keyring *ring);

/* The kid of the key that signs, of the one that waits; NULL: none. */
const char *keyring_signer(const struct keyring *ring);
const char *keyring_next(const struct keyring *ring);

struct ring_key *keyring_find(struct keyring *ring, const char *kid);

/* Makes a key and puts it in place: the waiting one, or the first that signs. EXIT_FAILED, said. */
must_check int keyring_make_next(struct keyring *ring);
must_check int keyring_make_first(struct keyring *ring);

/* Adds the public halves of the key that signs and of the waiting one, where they are missing, and marks both as ours. */
must_check int keyring_publish(struct keyring *ring, int64_t now_us);

/* Retires whatever is ours and neither signs nor waits, as of now, and drops what has been for long enough. How many went. */
size_t keyring_tidy(struct keyring *ring, int64_t now_us);

void keyring_drop(struct keyring *ring, struct ring_key *key);

/* Writes the file of public keys. Nothing is written when it would say the same. */
must_check int keyring_write(struct keyring *ring);

/* The waiting key becomes the one that signs. */
must_check int keyring_promote(struct keyring *ring);

#endif

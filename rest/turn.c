/* Turns at hashing passwords (turn.h). Called by rest/handler/{auth,reset}.c. */
#include "rest/turn.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "lib/log.h"
#include "lib/time.h"
#include "rest/password.h"

enum {
	/* bytes of the file that are locked: who makes a hash, and who makes one or waits */
	PLACES_AT = 0,
	WAITERS_AT = 64,
	WAIT_US = 3000000,
	/* one that has died wakes nobody */
	LOOK_US = 50000,
	NO_PLACE = -1,
	ANY_PLACE =
		-2 /* none is needed, or the system does not lock: better without a bound than without a login */
};

struct turns {
	struct shm *shm;
	int fd; /* -1: there is no bound, or nobody to share it with */
	int nplaces, nwaiters;
	bool patient;
};

/* A turn that has come. */
struct turn {
	int place, waiter;
};

struct turns *turns_new(const struct conf *conf, struct shm *shm, bool patient)
{
	struct turns *turns = calloc(1, sizeof(*turns));

	if (!turns)
		fatal("out of memory");
	turns->shm = shm;
	turns->nplaces = conf->password_concurrency;
	turns->patient = patient;
	turns->nwaiters = conf->rest_workers > 1 ? conf->rest_workers / 2 : 1;
	/* locks are of an open file: a descriptor that others have inherited, too, would let all in */
	turns->fd = turns->nplaces == 0 ? -1 : open(conf->shm, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (turns->nplaces > 0 && turns->fd < 0)
		log_error_errno("passwords are hashed without a bound", LOG_STR("shm", conf->shm));
	return turns;
}

void turns_free(struct turns *turns)
{
	if (!turns)
		return;
	if (turns->fd >= 0)
		close(turns->fd);
	free(turns);
}

static int lock_byte(int fd, short type, int at)
{
	struct flock lock = { .l_type = type, .l_whence = SEEK_SET, .l_start = at, .l_len = 1 };

	return fcntl(fd, F_OFD_SETLK, &lock);
}

/* The first free byte of count from at on. */
static int lock_any(int fd, int at, int count)
{
	for (int i = at; i < at + count; i++) {
		if (lock_byte(fd, F_WRLCK, i) == 0)
			return i;
		if (errno != EAGAIN && errno != EACCES) {
			log_error_errno("the file of shared counters cannot be locked");
			return ANY_PLACE;
		}
	}
	return NO_PLACE;
}

static void unlock(int fd, int at)
{
	if (at >= 0 && lock_byte(fd, F_UNLCK, at) != 0)
		log_error_errno("the file of shared counters cannot be unlocked");
}

/* Until a turn has ended since seen was read, or for_us. */
static void wait_for_end(struct shm *shm, uint32_t seen, int64_t for_us)
{
	struct timespec timeout = { for_us / 1000000, (for_us % 1000000) * 1000 };

	syscall(SYS_futex, &shm->turns_ended, FUTEX_WAIT, seen, &timeout, NULL, 0);
}

static void turn_end(struct turns *turns, const struct turn *turn)
{
	if (turns->fd < 0)
		return;
	unlock(turns->fd, turn->place);
	unlock(turns->fd, turn->waiter);
	atomic_fetch_add(&turns->shm->turns_ended, 1);
	syscall(SYS_futex, &turns->shm->turns_ended, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static enum err turn_begin(struct turns *turns, struct turn *out)
{
	int64_t end_us = time_mono_us() + WAIT_US, left_us;

	if (turns->fd < 0)
		return OK;
	*out = (struct turn){ NO_PLACE,
		turns->patient ? ANY_PLACE : lock_any(turns->fd, WAITERS_AT, turns->nwaiters) };
	while (out->waiter != NO_PLACE) {
		uint32_t seen = atomic_load(&turns->shm->turns_ended);

		out->place = lock_any(turns->fd, PLACES_AT, turns->nplaces);
		if (out->place != NO_PLACE)
			return OK;
		left_us = end_us - time_mono_us();
		if (left_us <= 0)
			break;
		wait_for_end(turns->shm, seen, left_us < LOOK_US ? left_us : LOOK_US);
	}
	unlock(turns->fd, out->waiter);
	shm_count(turns->shm, SHM_TURNS_REFUSED);
	return ERR_UNAVAILABLE;
}

enum err turn_hash(struct turns *turns, struct str password, char out[crypto_pwhash_STRBYTES])
{
	struct turn turn;
	enum err err = turn_begin(turns, &turn);

	if (err != OK)
		return err;
	err = password_hash(password, out);
	turn_end(turns, &turn);
	return err;
}

enum err turn_fits(struct turns *turns, struct str password, struct str hash, bool *fits)
{
	struct turn turn;
	enum err err = turn_begin(turns, &turn);

	if (err != OK)
		return err;
	*fits = password_fits(password, hash);
	turn_end(turns, &turn);
	return OK;
}

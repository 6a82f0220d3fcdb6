/*
 * What the processes of parley-rest share: counters, one row of figures a route, and rate-limit
 * buckets, in one mapped file. Workers write it; parley-push reads it for /metrics.
 * Everything is a lock-free atomic: a process may die at any instant and harm nobody.
 */
#ifndef LIB_SHM_H
#define LIB_SHM_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/err.h"
#include "lib/text.h"

/* Counters of parley-rest; shm_counters[] has a name and a help text for each. */
enum shm_counter {
	SHM_WORKERS_STARTED,
	SHM_WORKERS_DIED, /* ended without being told to */
	SHM_RELOADS,
	SHM_DATABASE_CONNECTS,
	SHM_DATABASE_ERRORS, /* connection lost or not to be had */
	SHM_TOKENS_VERIFIED, /* signatures checked, that is: not found in the cache */
	SHM_RATE_LIMITED,
	SHM_RATE_TABLE_FULL, /* a request was let through for want of a bucket */
	SHM_TURNS_REFUSED,   /* 503 because too many passwords were hashed at once */
	SHM_UPLOADS,	     /* files that were taken */
	SHM_UPLOAD_BYTES,    /* of them */
	SHM_UPLOADS_TOO_LARGE,
	SHM_UPLOADS_QUOTA,
	SHM_UPLOADS_TYPE,
	SHM_UPLOADS_INVALID,	 /* empty, without a name, a picture that is broken or a bomb */
	SHM_UPLOADS_BROKEN,	 /* the body was not well-formed, or ended early */
	SHM_UPLOADS_UNAVAILABLE, /* disk, database or parley-media */
	SHM_MEDIA_STARTED,	 /* processes that look at a file */
	SHM_MEDIA_KILLED,	 /* that ended without an answer */
	SHM_MEDIA_MS,		 /* how long all of them took */
	SHM_COUNTER__MAX
};

struct shm_counter_info {
	const char *name; /* parley_rest_…_total */
	const char *help;
};
extern const struct shm_counter_info shm_counters[SHM_COUNTER__MAX];

enum {
	SHM_ROUTES_MAX = 128,
	SHM_LABEL_BYTES = 96,
	SHM_BUCKETS = 11, /* of the duration histogram; the last is +Inf */
	SHM_RATE_SLOTS = 16384,
};

/* Upper bounds in microseconds of all buckets but the last. */
extern const int64_t shm_bucket_us[SHM_BUCKETS - 1];

struct shm_route {
	_Atomic uint64_t key; /* hash of the labels; 0: free */
	char method[8];	      /* "" for an instant while the row is being made: skip it */
	char pattern[SHM_LABEL_BYTES];
	_Atomic uint64_t answers[6];	       /* by the hundred of the status: [2] is 2xx */
	_Atomic uint64_t duration_us;	       /* sum */
	_Atomic uint64_t buckets[SHM_BUCKETS]; /* not cumulative */
};

struct shm_rate_slot {
	_Atomic uint64_t key;	    /* 0: free */
	_Atomic int64_t full_at_us; /* when the bucket is full again, by time_mono_us */
};

struct shm {
	uint64_t magic;	       /* of this very layout */
	uint8_t hash_key[16];  /* of rate and route keys, random */
	_Atomic uint64_t boot; /* of the machine: time_mono_us, in rate, begins anew with each */
	_Atomic uint64_t counters[SHM_COUNTER__MAX];
	_Atomic uint32_t nroutes;
	_Atomic uint32_t
		turns_ended; /* at hashing passwords (rest/turn.h): who waits for one sleeps on it */
	struct shm_route routes[SHM_ROUTES_MAX];
	struct shm_rate_slot rate[SHM_RATE_SLOTS];
};

/*
 * Maps the file at path, 0600. With create it is made, or made anew when it is of another layout;
 * without, it must be there and of this layout (ERR_NOT_FOUND), and is mapped for reading only.
 * ERR_INTERNAL, logged, when the system refuses. The mapping lives as long as the process.
 */
must_check enum err shm_map(const char *path, bool create, struct shm **out);

/* A mapping of its own without a file, for a process that shares with nobody (plain CGI without a
 * parent). */
must_check enum err shm_private(struct shm **out);

static inline void shm_add(struct shm *shm, enum shm_counter counter, uint64_t number)
{
	atomic_fetch_add_explicit(&shm->counters[counter], number, memory_order_relaxed);
}

static inline void shm_count(struct shm *shm, enum shm_counter counter)
{
	shm_add(shm, counter, 1);
}

/* The row of a route, made on first use; NULL when the table is full. */
struct shm_route *shm_route_of(struct shm *shm, const char *method, const char *pattern);

/* Counts one answer. */
void shm_route_count(struct shm_route *route, int status, int64_t duration_us);

/* A limit: quota requests at once, refilled evenly over window_s (GCRA). */
struct rate_limit {
	const char *name; /* of RateLimit-Policy */
	uint32_t quota;
	uint32_t window_s;
};

struct rate_answer {
	bool allowed;
	uint32_t remaining;	/* requests that would be let through right now */
	uint32_t reset_s;	/* until the bucket is full again, rounded up */
	uint32_t retry_after_s; /* until one request fits, at least 1; 0 when allowed */
};

/* Takes one from the bucket of (limit, key) at now_us (time_mono_us). A quota of 0 is no limit; a
 * full table lets through and counts SHM_RATE_TABLE_FULL. What a refusal means is the caller's to count. */
struct rate_answer rate_take(
	struct shm *shm, const struct rate_limit *limit, struct str key, int64_t now_us);

#endif

/*
 * One request on its way through: what came in, who asks, what goes out. Filled step by step:
 * request_open (head), route, guard (caller, body), handler (reply).
 */
#ifndef REST_REQUEST_H
#define REST_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/address.h"
#include "lib/arena.h"
#include "lib/buf.h"
#include "lib/conf.h"
#include "lib/err.h"
#include "lib/fault.h"
#include "lib/jose.h"
#include "lib/json_read.h"
#include "lib/range.h"
#include "lib/shm.h"
#include "lib/text.h"
#include "sql/db.h"

enum {
	REQUEST_ID_MAX = 64,
	REQUEST_PATH_MAX = 1024,
	REQUEST_QUERY_MAX = 2048,
	REQUEST_HEADERS_MAX = 32768, /* all parameters of the gateway together */
	REQUEST_IDS_MAX = 2,	     /* ids in a path */
	REQUEST_HEADS_MAX = 16,
};

/* Where a request comes from and its answer goes: FastCGI or plain CGI. */
struct gateway {
	void *context;
	/* A CGI variable, or NULL. Borrowed for the request. */
	const char *(*param)(void *context, const char *name);
	/* All variables together, in bytes. */
	size_t (*params_bytes)(void *context);
	/* Up to size bytes of the body; 0 at its end. */
	size_t (*read)(void *context, char *bytes, size_t size);
	/* Head with its empty line, and body; or no head, and more of the body. False when nobody is there any more, or takes it. */
	bool (*write)(void *context, struct str head, struct str body);
	/* How often a CGI variable was sent: more than once where two headers become one name. */
	size_t (*param_count)(void *context, const char *name);
	/* What was written is not all of it, and never will be: nobody shall take it for whole. */
	void (*cut)(void *context);
};

/* What a worker keeps from one request to the next. */
struct worker {
	const struct conf *conf;
	struct jose_keys *keys;
	struct networks proxies; /* that are trusted */
	struct shm *shm;
	struct db *db;
	struct arena *arena;
	struct token_cache *tokens;
	struct turns *turns;
	struct identity_keys *identity_keys; /* NULL: no identity provider is configured */
	struct service_cache *services;
	int64_t audit_id; /* row of the request in hand in the audit log; 0: it has none */
	int audit_status; /* what that was answered */
	struct buf body;  /* of the answer */
	struct buf head;
};

/* Who asks. */
enum caller_kind {
	CALLER_NOBODY,
	CALLER_USER,   /* a person, with a session */
	CALLER_SERVICE /* the host product's backend: for itself, or for the user of user_id */
};

struct caller {
	enum caller_kind kind;
	struct uuid user_id;	/* nil: nobody, or a service for itself */
	struct uuid session_id; /* of a person */
	char device_id[JOSE_DEVICE_MAX + 1];
	struct uuid service_id; /* of a service */
	bool acts;		/* a service that may act for people */
};

struct route;

/* A body that is bytes of a file, and too large to be buffered. */
struct reply_file {
	int fd;
	struct range range;
	/* A header that has the web server send them in our place; name NULL: we do. */
	const char *name;
	const char *value;
};

/* The answer, buffered until nothing can fail any more. */
struct reply {
	int status;
	const char *content_type;      /* NULL: the body is empty, and of none */
	const char *cache_control;     /* NULL: no-store */
	const struct reply_file *file; /* NULL: the body is in out */
	struct {
		const char *name;
		const char *value;
	} heads[REQUEST_HEADS_MAX];
	size_t nheads;
};

struct request {
	struct worker *worker;
	const struct gateway *gateway;
	struct arena *arena; /* ends with the request */
	struct db *db;
	const struct conf *conf;

	char id[REQUEST_ID_MAX + 1];
	struct str method;
	bool is_head;		   /* GET without the body of the answer */
	struct str path;	   /* decoded, from /api/v1, /health or /messages on */
	struct str query;	   /* raw */
	struct str remote_address; /* of the client, also behind trusted proxies */
	bool by_proxy;		   /* a trusted one: what X-Forwarded-… says is believed */
	const struct route *route;
	struct uuid ids[REQUEST_IDS_MAX]; /* of the path, in its order */
	struct str text; /* the segment of the path that is no id, where the route has one; UTF-8 */

	struct caller caller;	 /* where the route demands one */
	const char *refused;	 /* what is wrong with a provider's token, for the log; else NULL */
	struct str document;	 /* the body */
	const struct json *json; /* its top-level object; none: NULL */
	struct faults faults;
	const char *detail; /* of a refusal, instead of the usual one; NULL: that */

	struct reply reply;
	struct buf *out; /* body of the answer: handlers write JSON here */
};

/* Reads the head: method, path, query, request id; checks the limits. The body is read by
 * request_read_body. */
must_check enum err request_open(
	struct request *req, struct worker *worker, const struct gateway *gateway);

/* A request header by its CGI name ("HTTP_ACCEPT"); ptr NULL when absent. */
struct str request_header(const struct request *req, const char *name);

/* Reads the body of at most max bytes and parses it as a JSON object. needed: an absent one is
 * ERR_MALFORMED, else json stays NULL. ERR_TOO_LARGE, ERR_UNSUPPORTED_MEDIA_TYPE, ERR_MALFORMED
 * (*why says what is wrong, or is NULL). */
must_check enum err request_read_body(
	struct request *req, size_t max, bool needed, const char **why);

/* Reads the body of at most max bytes to document as it is, whatever its type; none is an empty one. ERR_TOO_LARGE,
 * ERR_MALFORMED. And parses it as a JSON object of at most max_depth levels: ERR_MALFORMED. */
must_check enum err request_read_raw(struct request *req, size_t max, const char **why);
must_check enum err request_parse(struct request *req, unsigned max_depth, const char **why);

/*
 * A query parameter, decoded. ERR_NOT_FOUND when absent; a repeated or badly encoded one is noted
 * in faults and counts as ERR_INVALID_INPUT.
 */
must_check enum err request_query(struct request *req, const char *name, struct str *out);

/* The parameter "limit": 1 to PAGE_MAX, PAGE_DEFAULT when absent; a fault otherwise. */
enum {
	PAGE_DEFAULT = 50,
	PAGE_MAX = 200
};
size_t request_limit(struct request *req);

/* ERR_INVALID_INPUT when anything is noted in faults: what a handler says after reading its input.
 */
must_check enum err request_check(const struct request *req);

#endif

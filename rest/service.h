/*
 * Requests of services: the token, the user it acts for, the audit log. Whatever it does is looked up at each request, in one
 * statement, so that a revoked token is refused from then on in every worker.
 */
#ifndef REST_SERVICE_H
#define REST_SERVICE_H

#include "rest/guard.h"
#include "rest/request.h"

/*
 * Lets the service of this token in, for the route of req, and sets req->caller. ERR_UNAUTHORIZED: no such token, or no longer;
 * ERR_FORBIDDEN: it may not do this, or not for whom it wants to; ERR_MALFORMED: Parley-Act-As is not one id; ERR_RATE_LIMITED, with
 * the headers of the limit. req->detail says what is wrong.
 */
must_check enum err service_enter(struct request *req, struct str token, enum guard guard);

/* Does somebody want to act for somebody? It takes a service: ERR_FORBIDDEN, with req->detail. */
must_check enum err service_refuse_acting(struct request *req);

/* What a worker does when the answer has left: notes in the audit log what it was. */
void service_answered(struct worker *worker);

/* Which tokens a worker has let in lately; bounded, lives as long as the worker. */
struct service_cache *service_cache_new(void);

#endif

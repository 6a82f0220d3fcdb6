/* What tells a browser that a page of another origin may call (setting cors_origins). */
#ifndef REST_CORS_H
#define REST_CORS_H

#include "rest/request.h"

/* Adds to whatever will be answered, a refusal too, that a page of a listed origin may read it. Nothing for any other origin. */
void cors_answer(struct request *req);

/* Adds what a listed origin's page may send to an address that takes the methods of allow; nothing where it was not asked. */
void cors_preflight(struct request *req, const char *allow);

#endif

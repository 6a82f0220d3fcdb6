/* What went wrong, as an answer. */
#ifndef REST_ERROR_H
#define REST_ERROR_H

#include "rest/request.h"

/* Replaces whatever was written by the problem document of err, with the headers that belong to its
 * status and req->detail where there is one. */
void error_reply(struct request *req, enum err err);

#endif

/*
 * What a client is told when something cannot be done: an RFC 9457 problem document (contract
 * section 1). The table stands here and not in rest/, so that REST and the commands over MQTT
 * answer alike.
 */
#ifndef LIB_MODEL_PROBLEM_H
#define LIB_MODEL_PROBLEM_H

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/fault.h"
#include "lib/language.h"

struct problem_info {
	int status;	   /* of HTTP */
	const char *code;  /* for programs; never changes */
	const char *title; /* for people, as is detail */
	const char *detail;
};

/* By enum err; the row of OK is empty. */
extern const struct problem_info problem_infos[ERR__MAX];

/*
 * Writes {"type","title","status","code","detail","request_id","errors"}. err: any but OK. language: of title and details, as
 * far as translation.h has them. detail NULL: the table's; request_id NULL: left out; faults NULL or empty: no "errors".
 */
void problem_write(struct buf *buf, enum err err, enum language language, const char *detail,
	const char *request_id, const struct faults *faults);

/* The same without the braces, for a document that says more. */
void problem_write_members(struct buf *buf, enum err err, enum language language,
	const char *detail, const char *request_id, const struct faults *faults);

#endif

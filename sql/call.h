/*
 * One statement with its parameters, made by a store: to be run by db_call, or handed to a pipeline.
 * A store has a pair of functions for it, <noun>_<verb>_call and <noun>_<verb>_answer, so that REST, which
 * waits, and commands over MQTT, which may not, say and understand the same.
 */
#ifndef SQL_CALL_H
#define SQL_CALL_H

#include "sql/param.h"

struct call {
	enum query query;
	int nparams;
	struct param params[PARAMS_MAX]; /* what they borrow must live until the answer */
};

/* CALL(Q_…, P_…(…), P_…(…)) */
#define CALL(name, ...)                                                                            \
	((struct call){ .query = (name),                                                           \
		.nparams = (int)(sizeof((struct param[]){ __VA_ARGS__ }) / sizeof(struct param)),  \
		.params = { __VA_ARGS__ } })

#endif

#ifndef SQL_STORE_HEALTH_H
#define SQL_STORE_HEALTH_H

#include "sql/db.h"

/* OK when the database answers and takes writes; ERR_UNAVAILABLE when it does not. */
must_check enum err db_health_check(struct db *db, struct arena *arena);

#endif

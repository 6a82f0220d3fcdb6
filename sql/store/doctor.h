/* What `parley doctor` asks of a database. Texts are borrowed until the arena is reset. */
#ifndef SQL_STORE_DOCTOR_H
#define SQL_STORE_DOCTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/arena.h"
#include "lib/err.h"
#include "lib/text.h"
#include "sql/db.h"

struct doctor_server {
	int64_t version; /* 150014 */
	struct str version_text;
	struct str wal_level;
	bool keeps_all_wal; /* max_slot_wal_keep_size has no bound */
	bool in_recovery;
	int64_t now_us;
	bool is_migrated; /* at all */
	bool publication;
};

struct doctor_role {
	struct str name;
	bool is_superuser;
	bool replicates;
	bool writes;  /* may do what requests need */
	bool deletes; /* and what none needs */
};

struct doctor_migration {
	int64_t version;
	struct str name;
	struct str sha256;
};

struct doctor_slot {
	bool usable; /* of this database and with the right plugin */
	bool active;
	struct str wal_status;
	int64_t safe_wal_bytes; /* -1: no bound */
	int64_t behind_bytes;
};

struct doctor_program {
	struct str name;
	int64_t connections;
};

struct doctor_identity {
	struct str issuer;
	int64_t keys;
	int64_t fetched_at_us; /* TIME_NONE: never */
	int64_t wanted_at_us;  /* TIME_NONE: nobody waits */
};

must_check enum err db_doctor_server(struct db *db, struct arena *arena, struct doctor_server *out);
must_check enum err db_doctor_role(struct db *db, struct arena *arena, struct doctor_role *out);

/* ERR_NOT_FOUND: there is no such slot. */
must_check enum err db_doctor_slot(
	struct db *db, struct arena *arena, const char *name, struct doctor_slot *out);

/* How many mails have been tried several times, and have not left. As the owner of the schema, as the lists: */
must_check enum err db_doctor_mail(struct db *db, struct arena *arena, int64_t *waiting);

/* On the arena. */
must_check enum err db_doctor_migration_list(
	struct db *db, struct arena *arena, struct doctor_migration **out, size_t *count);
must_check enum err db_doctor_program_list(
	struct db *db, struct arena *arena, struct doctor_program **out, size_t *count);
must_check enum err db_doctor_identity_list(
	struct db *db, struct arena *arena, struct doctor_identity **out, size_t *count);

#endif

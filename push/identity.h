/*
 * People of identity providers who come by MQTT. The plugin lets them in by their tokens alone and says so (push/broker/notice.h);
 * here their accounts and sessions are made where they are not there, by the store that REST uses, and who may not come in after all is
 * taken out again. A key that the plugin wants is asked for. Called by main.c.
 *
 * What the plugin says is lost with this process. So the plugin is told what has been done; whoever it was not told of has to come
 * again when the next process listens.
 */
#ifndef PUSH_IDENTITY_H
#define PUSH_IDENTITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/conf.h"
#include "lib/text.h"
#include "push/event.h"
#include "push/metrics.h"
#include "push/mqtt.h"
#include "sql/pipeline.h"

struct identities;

/* Everything is borrowed. Owned by the caller. */
struct identities *identities_new(const struct conf *conf, struct mqtt *mqtt, struct fanout *fanout,
	struct events *events, struct pipeline *pipeline, struct metrics *metrics);

/* After pipeline_free, which answers what is under way. */
void identities_free(struct identities *identities);

/* Listens from now on, or no longer. Before commands_serve: who takes commands is told of people, too. */
void identities_serve(struct identities *identities, bool serve);

/* What the plugin says; borrowed for the call. */
void identities_take(struct identities *identities, struct str notice);

/* What the database has been asked and has not answered. */
size_t identities_count(const struct identities *identities);

/* When to come back at the latest: lowers *wake_us. */
void identities_poll(const struct identities *identities, int64_t *wake_us);

/* Tries again what could not be done, and takes out who may not be in. */
void identities_run(struct identities *identities, int64_t now_us);

#endif

/*
 * parley-notify: whatever goes out: mails for forgotten passwords, by SMTP, and the keys of identity providers, by HTTP; what is taken
 * away of itself, as files that were never sent (sweep.h); and what would hold up a request: deleting the messages of an erased account
 * (erasure.h). What there is to do are rows in PostgreSQL, each taken by one for a time: any number of these may run, and one that dies
 * loses nothing.
 * One loop around poll, and a process for each transfer: no dead host holds up anything else. Run by a supervisor, in the
 * foreground; SIGTERM or SIGINT ends it at once, and what is under way is given back; SIGHUP reads the log level again.
 *
 * usage: parley-notify [--config FILE | --version]
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "lib/conf.h"
#include "lib/log.h"
#include "lib/time.h"
#include "lib/version.h"
#include "push/backoff.h"
#include "push/daemon.h"
#include "push/notify/erasure.h"
#include "push/notify/jwks.h"
#include "push/notify/reset.h"
#include "push/notify/sweep.h"
#include "push/notify/transfer.h"
#include "push/notify/words.h"
#include "sql/db.h"

enum {
	/* a notification says at once that there is something; a look finds what it did not tell */
	LOOK_EACH_US = 30000000,
	STATEMENT_TIMEOUT_MS = 5000,
};

struct notify {
	const char *conf_path;
	struct conf conf;
	struct db *db;
	struct arena *arena; /* of erasures and words */
	struct transfers *transfers;
	struct resets *resets;
	struct jwks *jwks;
	struct sweeps *sweeps;
	struct backoff backoff;
	int64_t look_at_us;  /* at the latest */
	int64_t retry_at_us; /* not before: the database is away */
	int signals;
	bool stopping;
};

/* --- signals -----------------------------------------------------------------------------------
 */

static void signals_take(struct notify *notify)
{
	struct signalfd_siginfo info;
	while (read(notify->signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGHUP)
			daemon_level_reload("parley-notify", notify->conf_path);
		else
			notify->stopping = true;
	}
}

/* --- the loop ----------------------------------------------------------------------------------
 */

static void notify_look(struct notify *notify, int64_t now_us)
{
	notify->look_at_us = now_us + LOOK_EACH_US;
	sweeps_look(notify->sweeps, now_us, &notify->look_at_us);
	enum err err = jwks_look(notify->jwks, now_us, &notify->look_at_us);
	if (err == OK)
		err = resets_look(notify->resets, now_us, &notify->look_at_us);
	if (err == OK)
		err = erasures_look(
			notify->db, notify->arena, &notify->conf, now_us, &notify->look_at_us);
	if (err == OK)
		err = words_look(notify->db, notify->arena, &notify->look_at_us);
	if (err == OK) {
		backoff_reset(&notify->backoff);
		notify->retry_at_us = 0;
		return;
	}
	notify->retry_at_us = now_us + backoff_next_us(&notify->backoff);
	notify->look_at_us = notify->retry_at_us;
}

/* Until when poll may wait, in milliseconds, rounded up. */
static int wait_ms(int64_t now_us, int64_t wake_us)
{
	return wake_us <= now_us ? 0 : (int)((wake_us - now_us + 999) / 1000);
}

enum {
	FD_SIGNALS,
	FD_DATABASE,
	FD_TRANSFERS, /* and those behind */
	FD__MAX = FD_TRANSFERS + TRANSFERS_MAX
};

static void notify_turn(struct notify *notify)
{
	struct pollfd fds[FD__MAX];
	int64_t now_us = time_mono_us();
	if (now_us >= notify->retry_at_us && (db_woken(notify->db) || now_us >= notify->look_at_us))
		notify_look(notify, now_us);
	/* what was told during the look came in with its answers, of which poll sees nothing any more */
	if (notify->retry_at_us == 0 && db_woken(notify->db))
		notify->look_at_us = 0;
	int64_t wake_us = notify->look_at_us;
	fds[FD_SIGNALS] = (struct pollfd){ .fd = notify->signals, .events = POLLIN };
	/* which is not listened to before it is asked again */
	int database = notify->retry_at_us > now_us ? -1 : db_socket(notify->db);
	fds[FD_DATABASE] = (struct pollfd){ .fd = database, .events = POLLIN };
	size_t n = transfers_poll(notify->transfers, &fds[FD_TRANSFERS], &wake_us);

	if (poll(fds, FD_TRANSFERS + n, wait_ms(time_mono_us(), wake_us)) < 0 && errno != EINTR)
		fatal("poll failed", LOG_STR("error", log_errno()));

	signals_take(notify);
	if (transfers_run(notify->transfers, time_mono_us()))
		notify->look_at_us = 0;
}

/* --- start and end ------------------------------------------------------------------------------
 */

static void notify_open(struct notify *notify)
{
	const struct conf *conf = &notify->conf;
	setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	notify->signals = daemon_signals_open();
	notify->db = db_new(conf->notify_database, "parley-notify", STATEMENT_TIMEOUT_MS);
	db_listen(notify->db, "parley_notify");
	notify->arena = arena_new();
	notify->transfers = transfers_new(conf);
	notify->resets = resets_new(conf, notify->db, notify->transfers);
	notify->jwks = jwks_new(conf, notify->db, notify->transfers);
	notify->sweeps = sweeps_new(conf, notify->transfers);
}

static void notify_close(struct notify *notify)
{
	log_info("stopping");
	resets_free(notify->resets);
	jwks_free(notify->jwks);
	sweeps_free(notify->sweeps);
	transfers_free(notify->transfers);
	arena_free(notify->arena);
	db_free(notify->db);
	close(notify->signals);
	conf_free(&notify->conf);
	log_info("stopped");
}

static const char *arguments_read(int argc, char **argv)
{
	if (argc == 1)
		return NULL;
	if (argc == 3 && strcmp(argv[1], "--config") == 0)
		return argv[2];
	if (argc == 2 && strcmp(argv[1], "--version") == 0)
		exit(printf("parley-notify " PARLEY_VERSION "\n") > 0 ? 0 : 1);
	fputs("usage: parley-notify [--config FILE | --version]\n", stderr);
	exit(2);
}

int main(int argc, char **argv)
{
	struct notify notify = { 0 };
	log_open("parley-notify", LOG_LEVEL_INFO);
	notify.conf_path = arguments_read(argc, argv);
	if (sodium_init() < 0)
		fatal("libsodium does not start");
	if (conf_load(notify.conf_path, &notify.conf) != OK)
		fatal("cannot start");
	log_open("parley-notify", (enum log_level)notify.conf.log_level);
	notify_open(&notify);
	log_info("started");
	while (!notify.stopping)
		notify_turn(&notify);
	notify_close(&notify);
	return 0;
}

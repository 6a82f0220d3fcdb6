/*
 * parley-rest: FastCGI workers behind any web server, or plain CGI when a web server starts it so.
 * Here: the command line, the three ways to run, and one worker's loop. The parent that keeps
 * workers alive is parent.c; what happens to a request is route.c. With gateway.c the only file
 * that sees libfcgi.
 */
#include <fcgiapp.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "lib/conf.h"
#include "lib/log.h"
#include "lib/version.h"
#include "rest/gateway.h"
#include "rest/guard.h"
#include "rest/identity.h"
#include "rest/parent.h"
#include "rest/route.h"
#include "rest/service.h"
#include "rest/turn.h"
#include "sql/store/health.h"

static volatile sig_atomic_t stopping;

/* Ends the wait for a request: libfcgi looks at its own flag before it accepts again. */
static void on_stop(int signal_number)
{
	(void)signal_number;
	stopping = 1;
	FCGX_ShutdownPending();
}

static void count_database(void *context, bool connected)
{
	shm_count(context, connected ? SHM_DATABASE_CONNECTS : SHM_DATABASE_ERRORS);
}

/* What a worker needs; connects to nothing yet. */
static void worker_open(struct worker *worker, const struct conf *conf, struct jose_keys *keys,
	struct shm *shm, enum pool pool)
{
	struct str bad;

	*worker = (struct worker){
		.conf = conf,
		.keys = keys,
		.shm = shm,
		.db = db_new(conf->rest_database, "parley-rest", conf->statement_timeout_ms),
		.arena = arena_new(),
		.tokens = token_cache_new(),
		.turns = turns_new(conf, shm, pool == POOL_PASSWORD),
		.identity_keys = identity_keys_new(conf),
		.services = service_cache_new(),
	};
	db_watch(worker->db, count_database, shm);
	if (networks_parse(str_of(conf->trusted_proxies), &worker->proxies, &bad) != OK)
		fatal("bad trusted_proxies"); /* conf_load has refused it */
}

static void worker_close(struct worker *worker)
{
	db_free(worker->db);
	arena_free(worker->arena);
	free(worker->tokens);
	turns_free(worker->turns);
	identity_keys_free(worker->identity_keys);
	free(worker->services);
	buf_free(&worker->body);
	buf_free(&worker->head);
}

/* One worker: a request at a time until it is told to stop; what is in hand is finished first. */
static void worker_run(const struct parent_job *job)
{
	/* no SA_RESTART: accept() has to come back */
	struct sigaction action = { .sa_handler = on_stop };
	struct worker worker;
	FCGX_Request fcgi;
	sigset_t stops;

	FCGX_Init(); /* installs handlers of its own: ours go over them */
	sigemptyset(&stops);
	sigaddset(&stops, SIGTERM);
	sigaddset(&stops, SIGINT);
	sigemptyset(&action.sa_mask);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGHUP, &(struct sigaction){ .sa_handler = SIG_IGN }, NULL);
	sigaction(SIGPIPE, &(struct sigaction){ .sa_handler = SIG_IGN }, NULL);
	FCGX_InitRequest(&fcgi, job->listen_fd, FCGI_FAIL_ACCEPT_ON_INTR);
	worker_open(&worker, job->conf, job->keys, job->shm, job->pool);
	if (db_health_check(worker.db, worker.arena) != OK)
		log_info("starting without a database: requests get 503 until it is there");
	arena_reset(worker.arena);

	while (!stopping) {
		struct gateway gateway;

		if (FCGX_Accept_r(&fcgi) != 0)
			continue; /* interrupted, or a peer that went away */
		/* libfcgi takes a write that a signal interrupts for a broken connection, and half
		 * an answer would leave */
		sigprocmask(SIG_BLOCK, &stops, NULL);
		gateway_fcgi(&gateway, &fcgi);
		route_request(&worker, &gateway);
		FCGX_Finish_r(&fcgi);
		service_answered(&worker);
		sigprocmask(SIG_UNBLOCK, &stops, NULL);
	}
	FCGX_Free(&fcgi, 1);
	worker_close(&worker);
}

/* Plain CGI: one request from the environment and standard input. */
static int cgi_run(const struct conf *conf, struct jose_keys *keys, struct shm *shm)
{
	struct gateway gateway;
	struct worker worker;
	int status;

	worker_open(&worker, conf, keys, shm, POOL_QUICK);
	gateway_cgi(&gateway);
	route_request(&worker, &gateway);
	status = fflush(stdout) == 0 ? 0 : 1;
	service_answered(&worker);
	worker_close(&worker);
	return status;
}

static const char *body_name(const struct route *route)
{
	static const char *const names[] = { "none", "none", "stream", "optional", "needed",
		"raw" };

	return names[route->body];
}

static void routes_print(void)
{
	static const char *const guards[GUARD__MAX] = {
		[GUARD_NONE] = "-",
		[GUARD_SELF] = "self",
		[GUARD_USER] = "user",
		[GUARD_ANY] = "any",
	};

	for (size_t i = 0; i < nroutes; i++)
		printf("%-6s %-60s %-5s %-20s body=%s cap=%zu\n", routes[i].method,
			routes[i].pattern, guards[routes[i].guard],
			scope_infos[routes[i].scope].name, body_name(&routes[i]),
			routes[i].body_max);
}

/* --check: would it run? Configuration and keys are good already. */
static int check(const struct conf *conf)
{
	struct db *db = db_new(conf->rest_database, "parley-rest", conf->statement_timeout_ms);
	struct arena *arena = arena_new();
	enum err err = db_health_check(db, arena);

	arena_free(arena);
	db_free(db);
	if (err != OK) {
		log_error("the database cannot be used");
		return 1;
	}
	printf("configuration, keys and database are good\n");
	return 0;
}

static void usage(FILE *out)
{
	fprintf(out,
		"usage: parley-rest [--config FILE] [--check | --routes | --settings | --version]\n"
		"Serves FastCGI on rest_socket, on an inherited listening socket (fd 0), or one\n"
		"request as plain CGI. SIGHUP: reload without losing a request. SIGTERM: finish "
		"and stop.\n");
}

/* A counter file is worth little to one CGI request: without it, limits are not shared. */
static struct shm *shm_open_for(const struct conf *conf, bool cgi)
{
	struct shm *shm;

	if (shm_map(conf->shm, true, &shm) == OK)
		return shm;
	if (!cgi)
		fatal("cannot share counters", LOG_STR("shm", conf->shm));
	if (shm_private(&shm) != OK)
		fatal("out of memory");
	return shm;
}

/* The way that the web server has started us. */
static int serve(const struct conf *conf, struct jose_keys *keys, char **argv)
{
	/* FCGX_IsCGI: fd 0 is no listening socket */
	bool cgi = FCGX_IsCGI() && getenv("GATEWAY_INTERFACE");
	struct shm *shm;

	setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	shm = shm_open_for(conf, cgi);
	if (cgi)
		return cgi_run(conf, keys, shm);
	return parent_run(&(struct parent_job){
		.conf = conf,
		.keys = keys,
		.shm = shm,
		.listen_fd = FCGX_IsCGI() ? -1 : 0,
		.argv = argv,
		.worker_run = worker_run,
	});
}

int main(int argc, char **argv)
{
	const char *config = getenv("PARLEY_CONF");
	bool only_check = false;
	struct jose_keys *keys;
	struct conf conf;
	char *key_paths;
	int status;

	log_open("parley-rest", LOG_LEVEL_INFO);
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--routes") == 0)
			return routes_print(), 0;
		if (strcmp(argv[i], "--settings") == 0)
			return conf_print(stdout), 0;
		if (strcmp(argv[i], "--version") == 0)
			return printf("parley-rest " PARLEY_VERSION "\n"), 0;
		if (strcmp(argv[i], "--help") == 0)
			return usage(stdout), 0;
		if (strcmp(argv[i], "--check") == 0)
			only_check = true;
		else if (strcmp(argv[i], "--config") == 0 && i + 1 < argc)
			config = argv[++i];
		else
			return usage(stderr), 2;
	}
	if (sodium_init() < 0)
		fatal("libsodium does not start");
	if (conf_load(config, &conf) != OK)
		return 1;
	log_open("parley-rest", (enum log_level)conf.log_level);
	/* the private key signs and verifies; the public ones, where listed, verify: one that is being
	 * replaced */
	if (asprintf(&key_paths, "%s %s", conf.token_private_key, conf.token_public_keys) < 0)
		fatal("out of memory");
	if (jose_keys_load(key_paths, &keys) != OK)
		return 1;
	free(key_paths);
	if (!jose_keys_can_sign(keys))
		fatal("token_private_key holds no private key",
			LOG_STR("path", conf.token_private_key));
	status = only_check ? check(&conf) : serve(&conf, keys, argv);
	jose_keys_free(keys);
	conf_free(&conf);
	return status;
}

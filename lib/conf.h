/*
 * Settings: one table in conf.c, one row a key. Read from a file of "key = value" lines, then from
 * the environment as PARLEY_<KEY>, which wins. A dot in a key may stand for an underscore
 * (broker.fanout is broker_fanout). An unknown key or a bad value stops the start (rule 42).
 */
#ifndef LIB_CONF_H
#define LIB_CONF_H

#include <stdbool.h>
#include <stdio.h>

#include "lib/err.h"

/* How events come to people's topics. */
enum broker_fanout {
	BROKER_FANOUT_CONTROL, /* one publish to the plugin, which delivers */
	BROKER_FANOUT_PUBLISH, /* a publish to each, as any broker takes it */
};

/* Whether mail goes encrypted to an smtp:// host. */
enum smtp_starttls {
	SMTP_STARTTLS_AUTO, /* always, but not to this very host */
	SMTP_STARTTLS_ALWAYS,
	SMTP_STARTTLS_NEVER,
};

/* Units are in the names. Strings are owned by the struct; empty means "not set". */
struct conf {
	/* where it runs; these are read by the set-up too */
	char *var;  /* directory of data, keys, sockets and logs */
	char *bind; /* address of the listeners */
	int port;   /* page, API and MQTT on WebSocket */
	int mqtt_port;
	int metrics_port; /* health and metrics of parley-push */
	bool demo;	  /* demo people on first start */

	/* PostgreSQL, as libpq connection strings; empty: the private cluster in var/run */
	char *rest_database;
	char *push_database;
	char *owner_database; /* of the schema's owner, for the command parley; empty stays empty: conf_database */
	char *notify_database;
	int statement_timeout_ms; /* no statement of a request runs longer */

	/* parley-rest */
	char *rest_socket; /* UNIX socket; empty: var/run/rest.sock */
	int rest_workers;
	int rest_backlog;
	char *shm;		  /* shared counters and rate limits; empty: var/run/rest.shm */
	double rate_scale;	  /* multiplies every rate limit; 0: none */
	bool access_log;	  /* one line a request */
	int password_concurrency; /* hashes of passwords at once; 0: any number */
	char *trusted_proxies; /* whose X-Forwarded-For is believed (lib/address.h), spaces between */
	char *cors_origins;    /* whose pages may call (lib/origin.h), spaces between */

	/* tokens */
	char *token_private_key; /* PEM; empty: var/keys/token.key */
	char *token_public_keys; /* PEMs, space between; empty: var/keys/token.pub */
	char *token_issuer;
	char *token_audience;
	int token_ttl_s;
	int refresh_ttl_s;

	/* identity providers: lists with spaces between, of one length and order (lib/conf_identity.h) */
	char *idp_issuer;
	char *idp_audience;
	char *idp_jwks_url;
	int idp_refresh_s;	/* their keys are fetched as often */
	char *idp_claim_handle; /* claims, of which the first that is of use is taken */
	char *idp_claim_name;
	char *idp_claim_email;
	char *idp_claim_avatar;
	char *identity_webhook_secret; /* of POST /webhooks/identity; several while it is replaced */
	char *identity_webhook_issuer; /* empty: the first of idp_issuer */

	/* the broker */
	char *broker_host;
	int broker_port;     /* 0: mqtt_port */
	char *broker_secret; /* file with the secret of parley-push; empty: var/keys/broker.secret
			      */
	char *mqtt_url;	   /* what /config tells clients; empty: mqtt://<host asked>:<mqtt_port> */
	char *mqtt_ws_url; /* empty: ws://<host asked>/mqtt, wss under TLS */

	int broker_fanout; /* enum broker_fanout */

	/* parley-push */
	int push_connections; /* to the database, for commands */
	char *slot;	      /* replication slot */
	int resync_window_ms; /* after a lost slot clients are told to sync, spread over this */

	/* parley-notify: mail, and what else goes out */
	char *smtp_url;	   /* empty: no mail */
	int smtp_starttls; /* enum smtp_starttls */
	char *smtp_user;
	char *smtp_password_file;
	char *mail_from; /* address, or Name <address> */
	char *reset_url; /* with {token} */
	int reset_ttl_s;
	char *tls_ca; /* PEM; empty: the system's */

	/* limits of the contract */
	int body_max_bytes; /* text of a message */
	int ciphertext_max_bytes;
	int metadata_max_bytes;
	int edit_window_s;     /* 0: for ever */
	bool message_versions; /* what an edit replaces is kept */
	bool erase_messages;   /* with the account */
	int receipt_times_days;
	int group_max_members;
	bool system_messages; /* of what happens to a group, among its messages */
	int contacts_max;     /* of one person */
	int blocks_max;
	int sync_cursor_ttl_s; /* who was away for longer begins anew */

	/* attachments */
	char *attachments_dir;	  /* empty: var/attachments */
	int attachment_max_bytes; /* of one file */
	int attachment_quota_mib; /* of all files of one person; 0: any number */
	char *attachment_types;	  /* that are taken (lib/media_type.h), spaces between */
	int attachment_workers;	  /* of parley-rest, for files alone; 0: none */

	int audit_ttl_days; /* what services did is kept for so long */

	int attachment_orphan_s; /* what is in no message is deleted when it is so old */
	/* a bucket that holds attachments (lib/s3.h); without endpoint: a directory */
	char *attachments_s3_endpoint;
	char *attachments_s3_region;
	char *attachments_s3_bucket;
	char *attachments_s3_access_key;
	char *attachments_s3_secret_key;
	bool attachments_s3_path_style;

	int log_level; /* enum log_level */
};

/*
 * Defaults, then the file at path (NULL: none), then the environment. Every fault is logged; then
 * ERR_INVALID_INPUT, and *conf is empty. Paths left empty are filled in from var. Pairs with
 * conf_free.
 */
must_check enum err conf_load(const char *path, struct conf *conf);

void conf_free(struct conf *conf);

/* Logs why the value of a key, or of several together, is bad. False always: for the checks of conf_*.c. */
bool conf_fault(const char *key, const char *why);

/* Connection string of a role in the private cluster below var. Owned by the caller. */
char *conf_database(const struct conf *conf, const char *user);

/* Writes every key with its default and its help as a commented parley.conf to out. */
void conf_print(FILE *out);

#endif

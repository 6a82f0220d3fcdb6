/* Settings: files and variables, good and bad, and what is filled in. */
#include "lib/conf.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "lib/buf.h"

static char folder[] = "/tmp/conf_test.XXXXXX";
static char file_path[64];
static char logged[65536];

static void keep_line(enum log_level level, const char *line)
{
	(void)level;
	strncat(logged, line, sizeof(logged) - strlen(logged) - 1);
}

/* Every test starts with an environment without one variable of ours. */
static int set_up(void **state)
{
	(void)state;
	char name[256];
	for (char **variable = environ; *variable;) {
		size_t len = strcspn(*variable, "=");
		if (strncmp(*variable, "PARLEY_", 7) != 0 || len >= sizeof(name)) {
			variable++;
			continue;
		}
		memcpy(name, *variable, len);
		name[len] = '\0';
		unsetenv(name);
		variable = environ;
	}
	logged[0] = '\0';
	log_sink(keep_line);
	return 0;
}

static int make_folder(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return -1;
	snprintf(file_path, sizeof(file_path), "%s/parley.conf", folder);
	return chdir(folder);
}

static int remove_folder(void **state)
{
	(void)state;
	unlink(file_path);
	return chdir("/") + rmdir(folder);
}

static void write_file(const char *bytes, size_t len)
{
	FILE *file = fopen(file_path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, len, file), len);
	assert_int_equal(fclose(file), 0);
}

static enum err load(const char *text, struct conf *conf)
{
	logged[0] = '\0';
	write_file(text, strlen(text));
	return conf_load(file_path, conf);
}

static void the_defaults(void **state)
{
	(void)state;
	struct conf conf;
	assert_int_equal(conf_load(NULL, &conf), OK);
	static const struct {
		size_t offset;
		const char *value;
	} texts[] = {
		{ AT(var), "var" },
		{ AT(bind), "127.0.0.1" },
		{ AT(rest_socket), "var/run/rest.sock" },
		{ AT(shm), "var/run/rest.shm" },
		{ AT(attachments_dir), "var/attachments" },
		{ AT(attachment_types), "*/*" },
		{ AT(token_private_key), "var/keys/token.key" },
		{ AT(token_public_keys), "var/keys/token.pub" },
		{ AT(broker_secret), "var/keys/broker.secret" },
		{ AT(token_issuer), "parley" },
		{ AT(token_audience), "parley" },
		{ AT(broker_host), "127.0.0.1" },
		{ AT(slot), "parley" },
		{ AT(mqtt_url), "" },
		{ AT(mqtt_ws_url), "" },
		{ AT(trusted_proxies), "" },
		{ AT(idp_issuer), "" },
		{ AT(idp_claim_handle), "preferred_username username nickname" },
		{ AT(identity_webhook_secret), "" },
		{ AT(cors_origins), "" },
	};
	static const struct {
		size_t offset;
		int value;
	} numbers[] = {
		{ AT(port), 8080 },
		{ AT(mqtt_port), 1883 },
		{ AT(metrics_port), 9464 },
		{ AT(statement_timeout_ms), 5000 },
		{ AT(rest_workers), 8 },
		{ AT(rest_backlog), 4096 },
		{ AT(token_ttl_s), 900 },
		{ AT(refresh_ttl_s), 2592000 },
		{ AT(idp_refresh_s), 3600 },
		{ AT(broker_port), 1883 },
		{ AT(resync_window_ms), 10000 },
		{ AT(body_max_bytes), 65536 },
		{ AT(ciphertext_max_bytes), 65536 },
		{ AT(metadata_max_bytes), 16384 },
		{ AT(edit_window_s), 0 },
		{ AT(group_max_members), 256 },
		{ AT(contacts_max), 5000 },
		{ AT(blocks_max), 1000 },
		{ AT(attachment_max_bytes), 26214400 },
		{ AT(attachment_quota_mib), 2048 },
		{ AT(log_level), LOG_LEVEL_INFO },
	};
	for (size_t i = 0; i < COUNT(texts); i++) {
		const char *value = *(char **)conf_at(&conf, texts[i].offset);
		if (strcmp(value, texts[i].value) != 0)
			fail_msg("row %zu: \"%s\", not \"%s\"", i, value, texts[i].value);
	}
	for (size_t i = 0; i < COUNT(numbers); i++) {
		int value = *(int *)conf_at(&conf, numbers[i].offset);
		if (value != numbers[i].value)
			fail_msg("row %zu: %d, not %d", i, value, numbers[i].value);
	}
	assert_true(conf.demo && conf.access_log && conf.rate_scale == 1.0);
	assert_false(conf.message_versions || conf.erase_messages);
	char database[256];
	snprintf(database, sizeof(database),
		"host=%s/var/run port=5432 dbname=parley user=parley_rest", folder);
	assert_string_equal(conf.rest_database, database);
	snprintf(database, sizeof(database),
		"host=%s/var/run port=5432 dbname=parley user=parley_push", folder);
	assert_string_equal(conf.push_database, database);
	assert_string_equal(conf.owner_database, "");
	snprintf(database, sizeof(database), "host=%s/var/run port=5432 dbname=parley user=parley",
		folder);
	char *owner = conf_database(&conf, "parley");
	assert_string_equal(owner, database);
	free(owner);
	assert_string_equal(logged, "");
	conf_free(&conf);
}

static void a_file_is_read(void **state)
{
	(void)state;
	struct conf conf;
	enum err err = load("# a comment = here\n"
			    "\n"
			    "  \t\n"
			    "port=9000\n"
			    "  mqtt_port  =  9001  # behind a value\n"
			    "broker.host = broker.example\r\n"
			    "bind = \"::1\"\n"
			    "slot = \"a # b\"   # comment\n"
			    "token_issuer = a#b\n"
			    "token_audience = \" spaced \"\n"
			    "demo = no\n"
			    "access_log = 0\n"
			    "rate_scale = 2.5\n"
			    "log_level = debug\n"
			    "rest_socket =\n"
			    "mqtt_url = \"\"\n"
			    "shm = /x/y.shm\n"
			    "rest_database = host=db.example user=x password=a=b\n"
			    "group_max_members = 4096",
		&conf);
	assert_string_equal(logged, "");
	assert_int_equal(err, OK);
	assert_int_equal(conf.port, 9000);
	assert_int_equal(conf.mqtt_port, 9001);
	assert_int_equal(conf.broker_port, 9001);
	assert_string_equal(conf.broker_host, "broker.example");
	assert_string_equal(conf.bind, "::1");
	assert_string_equal(conf.slot, "a # b");
	assert_string_equal(conf.token_issuer, "a#b");
	assert_string_equal(conf.token_audience, " spaced ");
	assert_false(conf.demo);
	assert_false(conf.access_log);
	assert_true(conf.rate_scale == 2.5);
	assert_int_equal(conf.log_level, LOG_LEVEL_DEBUG);
	assert_string_equal(conf.rest_socket, "var/run/rest.sock");
	assert_string_equal(conf.mqtt_url, "");
	assert_string_equal(conf.shm, "/x/y.shm");
	assert_string_equal(conf.rest_database, "host=db.example user=x password=a=b");
	assert_int_equal(conf.group_max_members, 4096);
	conf_free(&conf);
	assert_null(conf.var);
}

static void bad_lines_are_refused_and_named(void **state)
{
	(void)state;
	static const struct {
		const char *line, *logs;
	} rows[] = {
		{ "prot = 1", "no such key" },
		{ "PORT = 1", "no such key" },
		{ "PARLEY_PORT = 1", "no such key" },
		{ "= 1", "no such key" },
		{ "port 9000", "not of the form" },
		{ "[section]", "not of the form" },
		{ "port = 1\nport = 2", "the key stands twice" },
		{ "broker_port = 1\nbroker.port = 2", "the key stands twice" },
		{ "slot = \"open", "a quote is not closed" },
		{ "slot = \"a\" b", "text after the closing quote" },
		{ "slot = \"a\"\"b\"", "text after the closing quote" },
		{ "slot = a\"b\"", "a quote inside the value" },
		{ "port =", "\"key\":\"port\"" },
		{ "port = # none", "\"key\":\"port\"" },
		{ "port = 0", "1 to 65535" },
		{ "port = 65536", "1 to 65535" },
		{ "port = -1", "1 to 65535" },
		{ "port = 080", "whole number" },
		{ "port = 8080x", "whole number" },
		{ "port = 0x50", "whole number" },
		{ "port = 99999999999999999999", "whole number" },
		{ "broker_port = 65536", "0 to 65535" },
		{ "rest_workers = 0", "1 to 64" },
		{ "rest_workers = 65", "1 to 64" },
		{ "group_max_members = 1", "2 to 4096" },
		{ "group_max_members = 4097", "2 to 4096" },
		{ "rate_scale = -1", "0 to 1000000" },
		{ "rate_scale = 1000001", "0 to 1000000" },
		{ "rate_scale = nan", "number" },
		{ "rate_scale = inf", "number" },
		{ "rate_scale = 1e3", "number" },
		{ "rate_scale = 0x1", "number" },
		{ "rate_scale = .5", "number" },
		{ "rate_scale = 5.", "number" },
		{ "rate_scale = 1.2.3", "number" },
		{ "rate_scale =", "number" },
		{ "rate_scale = 0000000000000000000000000000000000000001", "number" },
		{ "demo = maybe", "true or false" },
		{ "demo = TRUE", "true or false" },
		{ "demo = 2", "true or false" },
		{ "demo =", "true or false" },
		{ "log_level = warning", "debug, info, warn or error" },
		{ "log_level = 1", "debug, info, warn or error" },
		{ "trusted_proxies = 10.0.0.0/8 10.0.0.1/8", "\"word\":\"10.0.0.1/8\"" },
		{ "cors_origins = https://a.example *",
			"\"word\":\"*\",\"reason\":\"* is not taken" },
		{ "cors_origins = https://a.example/", "\"key\":\"cors_origins\"" },
		{ "trusted_proxies = proxy.example", "addresses and CIDR blocks" },
		{ "var =", "\"key\":\"var\"" },
		{ "bind = \"\"", "\"key\":\"bind\"" },
		{ "slot = a\tb", "\"key\":\"slot\"" },
		{ "slot = \x1b[2J", "\"key\":\"slot\"" },
		{ "slot = \xff", "\"key\":\"slot\"" },
		{ "slot = 012345678901234567890123456789012345678901234567890123456789",
			"1 to 59 bytes" },
		{ "rest_socket = "
		  "/0123456789/0123456789/0123456789/0123456789/0123456789/0123456789/"
		  "0123456789/0123456789/0123456789/0123456789",
			"at most 96 bytes" },
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct conf conf;
		char text[1024], where[128];
		snprintf(text, sizeof(text), "# one\n%s\n", rows[i].line);
		if (load(text, &conf) != ERR_INVALID_INPUT || conf.var)
			fail_msg("taken: %s", rows[i].line);
		int line = strchr(rows[i].line, '\n') ? 3 : 2;
		snprintf(where, sizeof(where), "\"from\":\"%s\",\"line\":%d,", file_path, line);
		if (!strstr(logged, rows[i].logs) || !strstr(logged, where))
			fail_msg("%s: logged %s", rows[i].line, logged);
	}
}

static void a_nul_in_a_file_is_refused(void **state)
{
	(void)state;
	struct conf conf;
	static const char inside[] = "slot = a\0b\n";
	write_file(inside, sizeof(inside) - 1);
	assert_int_equal(conf_load(file_path, &conf), ERR_INVALID_INPUT);
	static const char key[] = "slot\0x = a\n";
	write_file(key, sizeof(key) - 1);
	assert_int_equal(conf_load(file_path, &conf), ERR_INVALID_INPUT);
}

static void every_fault_is_told_at_once(void **state)
{
	(void)state;
	struct conf conf;
	setenv("PARLEY_NO_SUCH", "1", 1);
	setenv("PARLEY_PORT", "x", 1);
	assert_int_equal(load("prot = 1\nmqtt_port = 0\nslot = ok\n", &conf), ERR_INVALID_INPUT);
	static const char *const parts[] = { "\"line\":1", "\"line\":2",
		"\"name\":\"PARLEY_NO_SUCH\"", "\"from\":\"PARLEY_PORT\"" };
	for (size_t i = 0; i < COUNT(parts); i++)
		if (!strstr(logged, parts[i]))
			fail_msg("%s is not in %s", parts[i], logged);
}

static void a_file_that_cannot_be_read_is_a_fault(void **state)
{
	(void)state;
	struct conf conf;
	assert_int_equal(conf_load("/nonexistent/parley.conf", &conf), ERR_INVALID_INPUT);
	assert_non_null(strstr(logged, "No such file or directory"));
	logged[0] = '\0';
	assert_int_equal(conf_load(folder, &conf), ERR_INVALID_INPUT);
	assert_non_null(strstr(logged, "Is a directory"));
	assert_null(conf.var);
}

static void the_environment_wins(void **state)
{
	(void)state;
	struct conf conf;
	setenv("PARLEY_PORT", "7000", 1);
	setenv("PARLEY_DEMO", "0", 1);
	setenv("PARLEY_VAR", "/srv/parley", 1);
	setenv("PARLEY_BROKER_PORT", "7001", 1);
	setenv("PARLEY_TOKEN_ISSUER", "a # b \"c\"", 1);
	assert_int_equal(load("port = 1\nvar = elsewhere\ndemo = yes\n", &conf), OK);
	assert_int_equal(conf.port, 7000);
	assert_false(conf.demo);
	assert_string_equal(conf.var, "/srv/parley");
	assert_string_equal(conf.shm, "/srv/parley/run/rest.shm");
	assert_string_equal(conf.rest_database,
		"host=/srv/parley/run port=5432 dbname=parley user=parley_rest");
	assert_int_equal(conf.broker_port, 7001);
	assert_string_equal(conf.token_issuer, "a # b \"c\"");
	conf_free(&conf);
}

/* 16 bytes in base64 */
#define SECRET "MDEyMzQ1Njc4OWFiY2RlZg=="
#define URL "https://a.example/jwks"

static void identity_providers_belong_together(void **state)
{
	(void)state;
	static const struct {
		const char *issuer, *audience, *url, *secret;
		bool good;
	} rows[] = {
		{ "", "", "", "", true },
		{ "https://a", "parley", URL, "whsec_" SECRET, true },
		{ "https://a  https://b", "parley parley", URL " " URL, SECRET " whsec_" SECRET,
			true },
		{ "https://a", "parley", "http://localhost:8000/jwks", "", true },
		{ "https://a", "parley", "http://127.0.0.1:8000", "", true },
		{ "https://a", "parley", "http://127.9.9.9/?x=1", "", true },
		{ "https://a", "parley", "http://[::1]:8000/jwks", "", true },
		{ "", "", "", SECRET, true },
		/* of other lengths */
		{ "https://a", "", "", "", false },
		{ "https://a", "parley", "", "", false },
		{ "https://a", "", URL, "", false },
		{ "", "parley", URL, "", false },
		{ "https://a https://b", "parley", URL " " URL, "", false },
		{ "https://a", "parley", URL " " URL, "", false },
		{ "https://a https://a", "parley web", URL " " URL, "", false },
		{ "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17",
			"1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17",
			URL " " URL " " URL " " URL " " URL " " URL " " URL " " URL " " URL " " URL
			    " " URL " " URL " " URL " " URL " " URL " " URL " " URL,
			"", false },
		/* where the keys are */
		{ "https://a", "parley", "http://a.example/jwks", "", false },
		{ "https://a", "parley", "http://128.0.0.1/jwks", "", false },
		{ "https://a", "parley", "http://127.0.0.1.example/jwks", "", false },
		{ "https://a", "parley", "http://localhost@a.example/jwks", "", false },
		{ "https://a", "parley", "http://localhost:x@a.example/jwks", "", false },
		{ "https://a", "parley", "https://user:secret@a.example/jwks", "", false },
		{ "https://a", "parley", "https:///jwks", "", false },
		{ "https://a", "parley", "https://", "", false },
		{ "https://a", "parley", "file:///etc/passwd", "", false },
		{ "https://a", "parley", "ftp://localhost/", "", false },
		{ "https://a", "parley", "jwks.json", "", false },
		{ "https://a", "parley", "https://a.example/\xc3\xa4", "", false },
		/* the webhook's */
		{ "", "", "", "whsec_", false },
		{ "", "", "", "x", false },
		{ "", "", "", "whsec_MTIzNDU2Nzg5MDEyMzQ1", false }, /* 15 bytes */
		{ "", "", "", SECRET " x", false },
		{ "", "", "", SECRET "=", false },
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct conf conf;
		setenv("PARLEY_IDP_ISSUER", rows[i].issuer, 1);
		setenv("PARLEY_IDP_AUDIENCE", rows[i].audience, 1);
		setenv("PARLEY_IDP_JWKS_URL", rows[i].url, 1);
		setenv("PARLEY_IDENTITY_WEBHOOK_SECRET", rows[i].secret, 1);
		logged[0] = '\0';
		enum err err = conf_load(NULL, &conf);
		if ((err == OK) != rows[i].good)
			fail_msg("row %zu: %s", i, logged);
		if (err == OK)
			conf_free(&conf);
		else
			assert_non_null(strstr(logged, "\"reason\":"));
		assert_null(strstr(logged, SECRET));
	}
	set_up(NULL);
}

static void the_webhook_has_an_issuer(void **state)
{
	(void)state;
	struct conf conf;
	assert_int_equal(conf_load(NULL, &conf), OK);
	assert_true(str_equal(conf_webhook_issuer(&conf), STR("webhook")));
	conf_free(&conf);
	assert_int_equal(load("idp_issuer = https://a https://b\nidp_audience = x y\n"
			      "idp_jwks_url = " URL " " URL "\n",
				 &conf),
		OK);
	assert_true(str_equal(conf_webhook_issuer(&conf), STR("https://a")));
	conf_free(&conf);
	assert_int_equal(load("identity_webhook_issuer = https://c\n", &conf), OK);
	assert_true(str_equal(conf_webhook_issuer(&conf), STR("https://c")));
	conf_free(&conf);
	assert_int_equal(load("identity_webhook_issuer = a b\n", &conf), ERR_INVALID_INPUT);

	/* one whose tokens are not taken would make people who can never come in */
	assert_int_equal(
		load("idp_issuer = https://a https://b/\nidp_audience = x y\n"
		     "idp_jwks_url = " URL " " URL "\nidentity_webhook_issuer = https://b\n",
			&conf),
		ERR_INVALID_INPUT);
	assert_int_equal(
		load("idp_issuer = https://a https://b/\nidp_audience = x y\n"
		     "idp_jwks_url = " URL " " URL "\nidentity_webhook_issuer = https://b/\n",
			&conf),
		OK);
	assert_true(str_equal(conf_webhook_issuer(&conf), STR("https://b/")));
	conf_free(&conf);
}

static void variables_are_known_or_refused(void **state)
{
	(void)state;
	static const struct {
		const char *name, *value;
		bool good;
	} rows[] = {
		{ "PARLEY_BUILD", "build-asan", true },
		{ "PARLEY_ASAN", "1", true },
		{ "PARLEY_CONF", "x", true },
		{ "PARLEY_HANDOVER", "3", true },
		{ "PARLEY_WS_PORT", "x", true },
		{ "PARLEY_TEST_STACK", "{}", true },
		{ "PARLEY_TEST_", "", true },
		{ "PARLEYX", "1", true },
		{ "XPARLEY_PORT", "1", true },
		{ "PARLEY_REST_DATABASE", "", true },
		{ "PARLEY_GROUP_MAX_MEMBERS", "2", true },
		{ "PARLEY_", "1", false },
		{ "PARLEY_PROT", "1", false },
		{ "PARLEY_port", "1", false },
		{ "PARLEY_BROKER.PORT", "1", false },
		{ "PARLEY_TEST", "1", false },
		{ "PARLEY_BUILD_DIR", "1", false },
		{ "PARLEY_WS_PORTS", "1", false },
		{ "PARLEY_PORT", "", false },
		{ "PARLEY_PORT", " 1", false },
		{ "PARLEY_VAR", "", false },
		{ "PARLEY_RATE_SCALE", "many", false },
		{ "PARLEY_0123456789012345678901234567890123456789012345678901234567890123456789",
			"1", false },
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct conf conf;
		set_up(NULL);
		assert_int_equal(setenv(rows[i].name, rows[i].value, 1), 0);
		enum err err = conf_load(NULL, &conf);
		if (err != (rows[i].good ? OK : ERR_INVALID_INPUT))
			fail_msg("%s=%s: %d %s", rows[i].name, rows[i].value, err, logged);
		if (!rows[i].good && !strstr(logged, rows[i].name))
			fail_msg("%s=%s: logged %s", rows[i].name, rows[i].value, logged);
		conf_free(&conf);
		unsetenv(rows[i].name);
	}
}

static void secrets_are_not_logged(void **state)
{
	(void)state;
	struct conf conf;
	assert_int_equal(load("rest_database = password=hunter2\x01\n", &conf), ERR_INVALID_INPUT);
	assert_non_null(strstr(logged, "rest_database"));
	assert_null(strstr(logged, "hunter2"));
	setenv("PARLEY_PUSH_DATABASE", "password=hunter2\n", 1);
	assert_int_equal(conf_load(NULL, &conf), ERR_INVALID_INPUT);
	assert_null(strstr(logged, "hunter2"));
}

/* A directory that is there is resolved, and one that libpq would misread is quoted. */
static void database_strings_name_an_absolute_directory(void **state)
{
	(void)state;
	static const struct {
		const char *var, *host;
	} rows[] = {
		{ "./plain", "%s/plain/run" },
		{ "link", "%s/plain/run" },
		{ "with space", "'%s/with space/run'" },
		{ "it's", "'%s/it\\'s/run'" },
		{ "back\\slash", "'%s/back\\\\slash/run'" },
		{ "not there", "'%s/not there/run'" },
	};
	assert_int_equal(mkdir("plain", 0700), 0);
	assert_int_equal(symlink("plain", "link"), 0);
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct conf conf;
		char expected[512], host[256];
		const char *place = strstr(rows[i].host, "%s");
		snprintf(host, sizeof(host), "%.*s%s%s", (int)(place - rows[i].host), rows[i].host,
			folder, place + 2);
		snprintf(expected, sizeof(expected),
			"host=%s port=5432 dbname=parley user=parley_push", host);
		setenv("PARLEY_VAR", rows[i].var, 1);
		assert_int_equal(conf_load(NULL, &conf), OK);
		if (strcmp(conf.push_database, expected) != 0)
			fail_msg("%s: %s, not %s", rows[i].var, conf.push_database, expected);
		conf_free(&conf);
	}
	unlink("link");
	rmdir("plain");
}

/* The printed example, with every line made real, is a configuration that changes nothing. */
static void the_example_can_be_read_back(void **state)
{
	(void)state;
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	assert_non_null(out);
	conf_print(out);
	assert_int_equal(fclose(out), 0);
	struct conf conf;
	assert_int_equal(load(text, &conf), OK);
	conf_free(&conf);
	size_t nkeys = 0;
	for (char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (line[0] == '#' && line[1] != ' ') {
			line[0] = ' ';
			nkeys++;
		}
	}
	assert_int_equal(nkeys, COUNT(keys));
	struct conf plain;
	assert_int_equal(load(text, &conf), OK);
	assert_int_equal(conf_load(NULL, &plain), OK);
	for (size_t i = 0; i < COUNT(keys); i++) {
		size_t bytes = keys[i].type == CONF_BOOL     ? sizeof(bool)
			       : keys[i].type == CONF_DOUBLE ? sizeof(double)
							     : sizeof(int);
		char **a = conf_at(&conf, keys[i].offset), **b = conf_at(&plain, keys[i].offset);
		if (is_text(keys[i].type) ? strcmp(*a, *b) != 0 : memcmp(a, b, bytes) != 0)
			fail_msg("%s differs", keys[i].key);
		if (!strstr(text, keys[i].help))
			fail_msg("%s has no help in the example", keys[i].key);
	}
	conf_free(&conf);
	conf_free(&plain);
	free(text);
}

static void settings_of_mail_go_together(void **state)
{
	static const struct {
		const char *text;
		enum err err;
	} rows[] = {
		{ "", OK },
		{ "smtp_url = smtp://localhost\n", OK },
		{ "smtp_url = smtps://[::1]:465\nmail_from = Chat <chat@shop.example>\n", OK },
		{ "smtp_url = SMTP://mail.example:587\nsmtp_user = a\nsmtp_password_file = b\n",
			OK },
		{ "smtp_url =\nmail_from = nobody\nreset_url = x\n", OK },
		{ "smtp_url = mail.example\n", ERR_INVALID_INPUT },
		{ "smtp_url = http://localhost\n", ERR_INVALID_INPUT },
		{ "smtp_url = smtp://\n", ERR_INVALID_INPUT },
		{ "smtp_url = smtp://user:secret@localhost\n", ERR_INVALID_INPUT },
		{ "smtp_url = smtp://localhost/path\n", ERR_INVALID_INPUT },
		{ "smtp_url = smtp://localhost\nmail_from =\n", ERR_INVALID_INPUT },
		{ "smtp_url = smtp://localhost\nmail_from = Chat <a@b> <c@d>\n",
			ERR_INVALID_INPUT },
		{ "smtp_url = smtp://localhost\nreset_url = https://shop.example/\n",
			ERR_INVALID_INPUT },
		{ "smtp_url = smtp://localhost\nsmtp_user = chat\n", ERR_INVALID_INPUT },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[512];
		struct conf conf;
		snprintf(text, sizeof(text), "%s%s%s",
			strstr(rows[i].text, "mail_from") ? "" : "mail_from = chat@shop.example\n",
			strstr(rows[i].text, "reset_url")
				? ""
				: "reset_url = https://shop.example/#{token}\n",
			rows[i].text);
		enum err err = load(text, &conf);
		if (err != rows[i].err)
			fail_msg("%s: %d", rows[i].text, err);
		if (err == OK)
			conf_free(&conf);
	}
}

/* What is left out of a row is as it should be. */
static void settings_of_a_bucket_go_together(void **state)
{
	static const struct {
		const char *text;
		enum err err;
	} rows[] = {
		{ "", OK },
		{ "attachments_s3_endpoint = https://s3.example.org:9000/\n", OK },
		{ "attachments_s3_endpoint = http://[::1]:9000\n", OK },
		{ "attachments_s3_endpoint =\nattachments_s3_bucket = "
		  "a/b\nattachments_s3_secret_key =\n",
			OK },
		{ "attachments_s3_endpoint = http://s3.example.org\n", ERR_INVALID_INPUT },
		{ "attachments_s3_endpoint = https://s3.example.org/files\n", ERR_INVALID_INPUT },
		{ "attachments_s3_endpoint = https://s3.example.org?a\n", ERR_INVALID_INPUT },
		{ "attachments_s3_endpoint = s3.example.org\n", ERR_INVALID_INPUT },
		{ "attachments_s3_bucket =\n", ERR_INVALID_INPUT },
		{ "attachments_s3_bucket = a/b\n", ERR_INVALID_INPUT },
		{ "attachments_s3_region =\n", ERR_INVALID_INPUT },
		{ "attachments_s3_access_key =\n", ERR_INVALID_INPUT },
		{ "attachments_s3_access_key = a/b\n", ERR_INVALID_INPUT },
		{ "attachments_s3_secret_key =\n", ERR_INVALID_INPUT },
	};
	static const char *const lines[] = {
		"attachments_s3_endpoint = https://s3.example.org\n",
		"attachments_s3_bucket = files.example\n",
		"attachments_s3_access_key = id\n",
		"attachments_s3_secret_key = se/cret+\n",
	};
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct conf conf;
		struct buf text = { 0 };
		buf_add_string(&text, rows[i].text);
		for (size_t j = 0; j < COUNT(lines); j++) {
			struct str key = { lines[j], strcspn(lines[j], " ") };
			if (!memmem(rows[i].text, strlen(rows[i].text), key.ptr, key.len))
				buf_add_string(&text, lines[j]);
		}
		buf_add_char(&text, '\0');
		enum err err = load(text.data, &conf);
		if (err != rows[i].err)
			fail_msg("%s: %d", rows[i].text, err);
		if (err == OK)
			conf_free(&conf);
		buf_free(&text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(the_defaults, set_up),
		cmocka_unit_test_setup(a_file_is_read, set_up),
		cmocka_unit_test_setup(bad_lines_are_refused_and_named, set_up),
		cmocka_unit_test_setup(a_nul_in_a_file_is_refused, set_up),
		cmocka_unit_test_setup(every_fault_is_told_at_once, set_up),
		cmocka_unit_test_setup(a_file_that_cannot_be_read_is_a_fault, set_up),
		cmocka_unit_test_setup(the_environment_wins, set_up),
		cmocka_unit_test_setup(identity_providers_belong_together, set_up),
		cmocka_unit_test_setup(the_webhook_has_an_issuer, set_up),
		cmocka_unit_test_setup(variables_are_known_or_refused, set_up),
		cmocka_unit_test_setup(secrets_are_not_logged, set_up),
		cmocka_unit_test_setup(database_strings_name_an_absolute_directory, set_up),
		cmocka_unit_test_setup(the_example_can_be_read_back, set_up),
		cmocka_unit_test_setup(settings_of_mail_go_together, set_up),
		cmocka_unit_test_setup(settings_of_a_bucket_go_together, set_up),
	};
	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}

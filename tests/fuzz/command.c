/* Commands as a client may publish them: a topic, a newline, a payload. Nothing is sent: there is neither broker nor
 * database; every command is read, checked, and refused or submitted. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

#include "lib/log.h"
#include "lib/time.h"
#include "push/command/command.h"

static struct conf conf;
static struct metrics metrics;
static struct mqtt *mqtt;
static struct fanout *fanout;
static struct pipeline *pipeline;
static struct commands *commands;

static void drop_line(enum log_level level, const char *line)
{
	(void)level, (void)line;
}

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc, (void)argv;
	static const char database[] = "host=/nowhere";
	static char secret[] = "/tmp/parley-fuzz-XXXXXX";
	int fd = mkstemp(secret);
	if (sodium_init() < 0 || fd < 0 || write(fd, "secret\n", 7) != 7)
		abort();
	close(fd);
	log_open("fuzz", LOG_LEVEL_ERROR);
	log_sink(drop_line);
	conf.broker_secret = secret;
	conf.statement_timeout_ms = 1000;
	conf.body_max_bytes = 65536;
	conf.ciphertext_max_bytes = 65536;
	conf.metadata_max_bytes = 16384;
	if (mqtt_new(&conf, &metrics, &mqtt) != OK)
		abort();
	unlink(secret);
	fanout = fanout_new(&conf, mqtt);
	pipeline = pipeline_new(database, "fuzz", conf.statement_timeout_ms, 1);
	const struct commands_parts parts = {
		.conf = &conf,
		.mqtt = mqtt,
		.fanout = fanout,
		.pipeline = pipeline,
		.typing = typing_new(mqtt, fanout, &metrics),
		.metrics = &metrics,
	};
	commands = commands_new(&parts);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	const char *newline = size > 0 ? memchr(text, '\n', size) : NULL;
	if (newline == NULL)
		return 0;
	struct str topic = { text, (size_t)(newline - text) };
	struct str payload = { newline + 1, size - topic.len - 1 };
	struct pollfd fds[PIPELINE_LINKS_MAX];
	int64_t wake_us = INT64_MAX;
	commands_take(commands, topic, payload, false);
	assert(commands_count(commands) <= 1);
	assert(pipeline_count(pipeline) == commands_count(commands));
	/* so much later that it has waited for too long */
	pipeline_poll(pipeline, fds, &wake_us);
	pipeline_run(pipeline, fds, time_mono_us() + 10000000);
	assert(commands_count(commands) == 0);
	return 0;
}
